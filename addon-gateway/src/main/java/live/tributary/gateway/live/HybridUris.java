package live.tributary.gateway.live;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * The URIs under which chunks were listed in hybrid playlists; a listed one never changes.
 *
 * <p>A chunk that enough relays hold when it is first listed is a torrent of the viewer's own streaming server, whose request has no
 * way to turn elsewhere; any other is plain HTTP as in the live playlist, but only a moment later: a chunk that spreads is soon held
 * by a second relay, and what is listed once stays. The trackers of relays that hold it answer at once, and they are asked once only
 * and then after 30 s, so a chunk is never listed before they know of it.
 */
final class HybridUris {
    private static final long MAX_URIS = 200_000;
    /** Longer than any playlist lists a chunk. */
    private static final Duration MEMORY = Duration.ofMinutes(10);

    private static final int RELAYS = 2;

    /** How long a new chunk waits for enough relays: a fraction of what a live player has in its buffer. */
    static final Duration WAIT = Duration.ofMillis(1500);
    /** One older than this has spread as far as it will. */
    private static final Duration NEW = Duration.ofSeconds(10);

    private static final long MAX_WAITING = 10_000;
    /** Stands for the gateway's own link, which names it as each viewer does and so is nothing to keep for others. */
    private static final String LINK = "";

    private final Cache<Key, String> listed;
    /** When a chunk was first looked at, by the ticker: the origin's clock may be wrong. */
    private final Cache<ChunkRecord, Long> seenAt;

    private final Ticker ticker;
    private final InstantSource clock;

    private record Key(
            ChunkRecord chunk,
            Network network,
            Optional<Place> place,
            boolean tlsOnly,
            boolean leadEverywhere,
            URI server) {}

    HybridUris(InstantSource clock, Ticker ticker) {
        this.clock = clock;
        this.ticker = ticker;
        this.seenAt = Caffeine.newBuilder()
                .maximumSize(MAX_WAITING)
                .expireAfterWrite(MEMORY)
                .ticker(ticker)
                .build();
        this.listed = Caffeine.newBuilder()
                .maximumSize(MAX_URIS)
                .expireAfterWrite(MEMORY)
                .ticker(ticker)
                .build();
    }

    /** Empty where the chunk is not to be had, or may soon be had better, and was not listed before. */
    Optional<String> of(ChunkRecord record, Viewer viewer, ChunkLinks links, ChunkSources sources) {
        URI server = links.options().server();
        Key key = new Key(
                record, viewer.network(), viewer.location().place(), viewer.tlsOnly(), links.leadEverywhere(), server);
        String before = listed.getIfPresent(key);
        if (before != null) {
            return Optional.of(named(before, record, links));
        }
        if (sources.enough(record)) {
            return Optional.of(named(listed.get(key, missing -> torrentUrl(record, server, sources)), record, links));
        }
        if (waits(record)) {
            return Optional.empty();
        }
        Optional<String> plain =
                links.leadEverywhere() ? links.of(record, sources).map(link -> LINK) : sources.url(record);
        return plain.map(uri -> named(listed.get(key, missing -> uri), record, links));
    }

    private static String named(String uri, ChunkRecord record, ChunkLinks links) {
        return uri.equals(LINK) ? links.to(record) : uri;
    }

    private boolean waits(ChunkRecord record) {
        boolean isNew = record.body().published().plus(NEW).isAfter(clock.instant());
        return isNew && ticker.read() - seenAt.get(record, first -> ticker.read()) < WAIT.toNanos();
    }

    private static String torrentUrl(ChunkRecord record, URI server, ChunkSources sources) {
        List<RankedRelay> relays = sources.relays(record, RELAYS);
        StringJoiner trackers = new StringJoiner("&", "?", "");
        relays.forEach(relay -> trackers.add(tracker(relay.httpTracker())));
        trackers.add(tracker(relays.get(0).udpTracker()));
        return server.toString().replaceAll("/+$", "") + "/"
                + ChunkTorrent.of(record).infoHash().hex() + "/0/" + record.fileName() + trackers;
    }

    private static String tracker(String url) {
        return "tr=" + URLEncoder.encode("tracker:" + url, StandardCharsets.UTF_8);
    }
}
