package live.tributary.relay.edge;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;

/** {@code GET /torrent/<infohash>.torrent}: an accepted chunk or closed window as a file for any client, this relay its tracker. */
public final class TorrentService implements HttpService {
    private static final String PREFIX = "/torrent/";
    private static final String SUFFIX = ".torrent";
    private static final String CONTENT_TYPE = "application/x-bittorrent";
    private static final String CACHE_CONTROL = "public, max-age=300";

    private final Supplier<? extends Collection<? extends StreamView>> streams;
    private final Supplier<List<Endpoint>> endpoints;

    /** @param endpoints at which this relay is reached */
    public TorrentService(
            Supplier<? extends Collection<? extends StreamView>> streams, Supplier<List<Endpoint>> endpoints) {
        this.streams = streams;
        this.endpoints = endpoints;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        String path = query.rawPath();
        if (!path.startsWith(PREFIX) || !path.endsWith(SUFFIX)) {
            return Optional.empty();
        }
        return infoHash(path.substring(PREFIX.length(), path.length() - SUFFIX.length()))
                .flatMap(this::torrent)
                .map(torrent -> CompletableFuture.completedStage(
                        HttpAnswer.of(CONTENT_TYPE, CACHE_CONTROL, torrent.metainfo(trackers()))));
    }

    private Optional<Torrent> torrent(InfoHash infoHash) {
        return streams.get().stream()
                .map(stream -> stream.torrent(infoHash))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private List<String> trackers() {
        List<String> trackers = new ArrayList<>();
        for (Endpoint endpoint : endpoints.get()) {
            trackers.add("udp://" + endpoint.text() + "/announce");
            trackers.add("http://" + endpoint.text() + "/announce");
        }
        return trackers;
    }

    private static Optional<InfoHash> infoHash(String text) {
        try {
            return Optional.of(InfoHash.fromHex(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Not 40 hex digits, so no torrent's name.
        }
    }
}
