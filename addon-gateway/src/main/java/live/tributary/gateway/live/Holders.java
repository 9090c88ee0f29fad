package live.tributary.gateway.live;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.RelayKey;

/**
 * Who holds a chunk, or all of a window, the same for all viewers and therefore kept for a moment.
 *
 * <p>A relay whose link breaks is out of every ranking at once, so that what is kept here sends nobody to a dead one.
 */
public final class Holders {
    /** A share of what a chunk takes to spread: it is listed by so much later at most. */
    private static final Duration OF_CHUNK = Duration.ofMillis(100);

    private static final Duration OF_WINDOW = Duration.ofSeconds(2);
    private static final long MAX_CHUNKS = 50_000;
    private static final long MAX_WINDOWS = 10_000;

    private final Cache<ChunkRecord, Set<RelayKey>> chunks;
    private final Cache<InfoHash, Set<RelayKey>> windows;

    public Holders(Ticker ticker) {
        chunks = Caffeine.newBuilder()
                .maximumSize(MAX_CHUNKS)
                .expireAfterWrite(OF_CHUNK)
                .ticker(ticker)
                .build();
        windows = Caffeine.newBuilder()
                .maximumSize(MAX_WINDOWS)
                .expireAfterWrite(OF_WINDOW)
                .ticker(ticker)
                .build();
    }

    Set<RelayKey> of(StreamView stream, ChunkRecord record) {
        return chunks.get(record, missing -> keys(stream, missing));
    }

    /** Those that hold all of its chunks. */
    Set<RelayKey> ofAll(StreamView stream, Torrent window) {
        return windows.get(window.infoHash(), missing -> all(stream, window.chunks()));
    }

    private Set<RelayKey> all(StreamView stream, List<ChunkRecord> records) {
        Set<RelayKey> all = new HashSet<>(of(stream, records.get(0)));
        for (ChunkRecord record : records) {
            if (all.isEmpty()) {
                break;
            }
            all.retainAll(of(stream, record));
        }
        return Set.copyOf(all);
    }

    private static Set<RelayKey> keys(StreamView stream, ChunkRecord record) {
        return stream.holders(record).stream().map(RelayView::key).collect(Collectors.toUnmodifiableSet());
    }
}
