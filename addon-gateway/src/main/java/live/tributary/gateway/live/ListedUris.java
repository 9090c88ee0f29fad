package live.tributary.gateway.live;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.util.Optional;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * Where chunks were listed in live playlists, for the viewers of a network: a listed one stays where it is for as long as its relay
 * does, whoever has become better since.
 *
 * <p>RFC 8216, 6.2.1, has a segment keep its URI; hls.js 1.7 takes another one for a broken playlist, and looks again only a second
 * later. A relay that is gone is the one reason to deviate: a segment that cannot be had any more is worse.
 */
final class ListedUris {
    private static final long MAX_URIS = 200_000;
    /** Longer than any playlist lists a chunk. */
    private static final Duration MEMORY = Duration.ofMinutes(10);

    private final Cache<Key, ChunkSources.Source> listed;

    private record Key(ChunkRecord chunk, Network network, Optional<Place> place, boolean tlsOnly) {}

    ListedUris(Ticker ticker) {
        this.listed = Caffeine.newBuilder()
                .maximumSize(MAX_URIS)
                .expireAfterWrite(MEMORY)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** Empty where the chunk is not to be had. */
    Optional<String> of(ChunkRecord record, Viewer viewer, ChunkSources sources) {
        Key key = new Key(record, viewer.network(), viewer.location().place(), viewer.tlsOnly());
        ChunkSources.Source before = listed.getIfPresent(key);
        if (before != null && sources.holds(before, record)) {
            return Optional.of(before.url());
        }
        Optional<ChunkSources.Source> now = sources.source(record);
        now.ifPresent(source -> listed.put(key, source));
        return now.map(ChunkSources.Source::url);
    }
}
