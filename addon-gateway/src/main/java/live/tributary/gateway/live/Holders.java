package live.tributary.gateway.live;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import live.tributary.gateway.ranking.Holding;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;

/**
 * Who holds a chunk, or all of a window, the same for all viewers: made anew only where a stream gives another list of holders than the
 * last time.
 *
 * <p>A relay whose link breaks is out of every ranking at once, so that what is kept here sends nobody to a dead one.
 */
public final class Holders {
    private static final long MAX_CHUNKS = 50_000;
    private static final long MAX_WINDOWS = 10_000;
    /** Nobody asks for a chunk for much longer than it is live. */
    private static final Duration UNUSED = Duration.ofMinutes(2);

    private final Cache<ChunkRecord, OfChunk> chunks = Caffeine.newBuilder()
            .maximumSize(MAX_CHUNKS)
            .expireAfterAccess(UNUSED)
            .executor(Runnable::run)
            .build();
    /** By the torrent object: a stream makes each of its windows once. */
    private final Cache<Torrent, OfWindow> windows = Caffeine.newBuilder()
            .weakKeys()
            .maximumSize(MAX_WINDOWS)
            .executor(Runnable::run)
            .build();

    private record OfChunk(List<RelayKey> told, Holding holding) {}

    /** @param told of each chunk, in order */
    private record OfWindow(List<RelayKey>[] told, Holding holding) {
        boolean isStillTold(StreamView stream, List<ChunkRecord> chunks) {
            for (int i = 0; i < told.length; i++) {
                if (stream.holderKeys(chunks.get(i)) != told[i]) {
                    return false;
                }
            }
            return true;
        }
    }

    public Holding of(StreamView stream, ChunkRecord record) {
        List<RelayKey> told = stream.holderKeys(record);
        OfChunk known = chunks.getIfPresent(record);
        if (known == null || known.told != told) {
            known = new OfChunk(told, new Holding(Set.copyOf(told)));
            chunks.put(record, known);
        }
        return known.holding;
    }

    /** Those that hold all of its chunks. */
    Holding ofAll(StreamView stream, Torrent window) {
        OfWindow known = windows.getIfPresent(window);
        if (known == null || !known.isStillTold(stream, window.chunks())) {
            known = read(stream, window.chunks());
            windows.put(window, known);
        }
        return known.holding;
    }

    private static OfWindow read(StreamView stream, List<ChunkRecord> chunks) {
        @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no other array of lists.
        List<RelayKey>[] told = new List[chunks.size()];
        for (int i = 0; i < told.length; i++) {
            told[i] = stream.holderKeys(chunks.get(i));
        }
        Set<RelayKey> all = new HashSet<>(told[0]);
        for (int i = 1; i < told.length && !all.isEmpty(); i++) {
            if (told[i] != told[i - 1]) {
                all.retainAll(Set.copyOf(told[i]));
            }
        }
        return new OfWindow(told, new Holding(Set.copyOf(all)));
    }
}
