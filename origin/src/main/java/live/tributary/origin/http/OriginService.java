package live.tributary.origin.http;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.hls.MasterPlaylist;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.metainfo.Magnet;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;

/** {@code /live/<stream>/…} and {@code /}: what the origin itself serves of its one stream. */
public final class OriginService implements HttpService {
    private static final int LIVE_CHUNKS = 10;
    private static final String NO_CACHE = "no-cache";
    private static final Pattern RENDITION =
            Pattern.compile("(\\d{1,2})/(live\\.m3u8|magnets\\.m3u8|(\\d{1,18})\\.(?:ts|mp4))");
    /** A Host header comes back in URLs; what is no host and port is not repeated. */
    private static final Pattern HOST =
            Pattern.compile("[A-Za-z0-9._-]{1,253}(:\\d{1,5})?|\\[[0-9A-Fa-f:.]{2,45}](:\\d{1,5})?");

    private final StreamView stream;
    private final ChunkBytes chunks;
    private final Pages pages;
    private final String prefix;

    public OriginService(StreamView stream, ChunkBytes chunks) {
        this.stream = stream;
        this.chunks = chunks;
        this.pages = new Pages(stream.key());
        this.prefix = "/live/" + stream.key().text() + "/";
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        Optional<HttpAnswer> answer = query.rawPath().startsWith(prefix) ? live(query) : pages.answer(query.rawPath());
        return answer.map(CompletableFuture::completedStage);
    }

    private Optional<HttpAnswer> live(HttpQuery query) {
        String path = query.rawPath().substring(prefix.length());
        if (path.equals("master.m3u8")) {
            return stream.about().map(about -> playlist(MasterPlaylist.of(about, number -> number + "/live.m3u8")));
        }
        Matcher matcher = RENDITION.matcher(path);
        if (!matcher.matches() || Integer.parseInt(matcher.group(1)) > ChunkId.MAX_RENDITION) {
            return Optional.empty();
        }
        int rendition = Integer.parseInt(matcher.group(1));
        return switch (matcher.group(2)) {
            case "live.m3u8" -> list(rendition, new LivePlaylist(target(), ChunkRecord::fileName));
            case "magnets.m3u8" -> magnets(query, rendition);
            default -> chunk(new ChunkId(rendition, Long.parseLong(matcher.group(3))), matcher.group(2));
        };
    }

    private Optional<HttpAnswer> magnets(HttpQuery query, int rendition) {
        Optional<String> host = Optional.ofNullable(query.headers().get("host"));
        if (host.isPresent() && !HOST.matcher(host.get()).matches()) {
            return Optional.of(HttpAnswer.text(400, "host: not one (expected: a name or address, and a port)"));
        }
        return list(rendition, magnets(host.map(name -> (query.tls() ? "https://" : "http://") + name), rendition));
    }

    /** Who says no host (HTTP/1.0) gets paths from the root, and magnets without a tracker. */
    private LivePlaylist magnets(Optional<String> base, int rendition) {
        List<String> trackers = base.map(known -> known + "/announce").stream().toList();
        return new LivePlaylist(target(), record -> base.orElse("") + prefix + rendition + "/" + record.fileName())
                .withMagnets(record ->
                        new Magnet(ChunkTorrent.of(record).infoHash(), record.fileName(), trackers).toString());
    }

    private Optional<HttpAnswer> list(int rendition, LivePlaylist playlist) {
        List<ChunkRecord> newest = stream.newest(rendition, LIVE_CHUNKS);
        boolean ended = stream.head()
                .filter(head -> head.head().status() == Head.Status.ENDED)
                .isPresent();
        return newest.isEmpty()
                ? Optional.empty()
                : Optional.of(playlist(playlist.withEnd(ended).write(newest)));
    }

    private Duration target() {
        return stream.about().map(about -> about.body().targetDuration()).orElse(Duration.ofSeconds(1));
    }

    private static HttpAnswer playlist(String text) {
        return HttpAnswer.of(LivePlaylist.CONTENT_TYPE, NO_CACHE, text.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<HttpAnswer> chunk(ChunkId id, String path) {
        return stream.record(id)
                .filter(record -> path.equals(record.fileName()))
                .flatMap(record -> chunks.read(record, 0, record.length()).map(bytes -> chunk(record, bytes)));
    }

    private static HttpAnswer chunk(ChunkRecord record, ByteBuf bytes) {
        return new HttpAnswer(
                200,
                Map.of(
                        "content-type",
                        record.body().container().mediaType(),
                        "cache-control",
                        LivePlaylist.CHUNK_CACHE_CONTROL,
                        "accept-ranges",
                        "bytes"),
                bytes);
    }
}
