package live.tributary.gateway.live;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
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

    private final Cache<ChunkRecord, OfChunk> chunks = Caffeine.newBuilder()
            .maximumSize(MAX_CHUNKS)
            .executor(Runnable::run)
            .build();
    /** By the torrent object: a stream makes each of its windows once. */
    private final Cache<Torrent, OfWindow> windows = Caffeine.newBuilder()
            .weakKeys()
            .maximumSize(MAX_WINDOWS)
            .executor(Runnable::run)
            .build();

    private record OfChunk(List<RelayKey> told, Set<RelayKey> keys) {}

    private record OfWindow(List<Set<RelayKey>> told, Set<RelayKey> keys) {}

    Set<RelayKey> of(StreamView stream, ChunkRecord record) {
        List<RelayKey> told = stream.holderKeys(record);
        OfChunk known = chunks.getIfPresent(record);
        if (known == null || known.told != told) {
            known = new OfChunk(told, Set.copyOf(told));
            chunks.put(record, known);
        }
        return known.keys;
    }

    /** Those that hold all of its chunks. */
    Set<RelayKey> ofAll(StreamView stream, Torrent window) {
        List<Set<RelayKey>> told = new ArrayList<>(window.chunks().size());
        for (ChunkRecord record : window.chunks()) {
            told.add(of(stream, record));
        }
        OfWindow known = windows.getIfPresent(window);
        if (known == null || !same(known.told, told)) {
            known = new OfWindow(told, all(told));
            windows.put(window, known);
        }
        return known.keys;
    }

    private static boolean same(List<Set<RelayKey>> some, List<Set<RelayKey>> others) {
        for (int i = 0; i < some.size(); i++) {
            if (some.get(i) != others.get(i)) {
                return false;
            }
        }
        return true;
    }

    private static Set<RelayKey> all(List<Set<RelayKey>> sets) {
        Set<RelayKey> all = new HashSet<>(sets.get(0));
        for (Set<RelayKey> each : sets) {
            if (all.isEmpty()) {
                break;
            }
            all.retainAll(each);
        }
        return Set.copyOf(all);
    }
}
