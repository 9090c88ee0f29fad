package live.tributary.mesh.store;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeSet;
import java.util.function.Predicate;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * The chunks of a disk in the order in which they leave it: of the older ones first those that others keep, then all by age.
 *
 * <p>Confined to the disk's thread, but for {@link #keep}.
 */
final class EvictionOrder {
    /** What is younger than this goes by age alone. */
    private static final Duration RECENT = WindowId.LENGTH.plus(WindowId.STEP);

    /** One look for what others keep in as many evictions as a sixteenth of the chunks. */
    private static final int LOOK_EVERY = 16;

    private final NavigableSet<ChunkRecord> byAge = new TreeSet<>(Slab.BY_AGE);
    private final Queue<ChunkRecord> spare = new ArrayDeque<>();
    private volatile Predicate<ChunkRecord> keeps = record -> true;
    /** From the start a look is due. */
    private int looksPutOff = Integer.MAX_VALUE / 2;

    /** Which older chunks are to be kept for longest; callable from any thread. */
    void keep(Predicate<ChunkRecord> longest) {
        keeps = longest;
    }

    void add(ChunkRecord record) {
        byAge.add(record);
    }

    void remove(ChunkRecord record) {
        byAge.remove(record);
    }

    /** The chunk that leaves first to make room for another; empty where that one would be the first to leave itself. */
    Optional<ChunkRecord> firstFor(ChunkRecord coming) {
        return spare().or(() -> byAge.isEmpty() ? Optional.empty() : oldestBefore(coming));
    }

    private Optional<ChunkRecord> oldestBefore(ChunkRecord coming) {
        ChunkRecord oldest = byAge.first();
        boolean goes = Slab.BY_AGE.compare(oldest, coming) < 0 && (keeps.test(coming) || isRecent(coming));
        return goes ? Optional.of(oldest) : Optional.empty();
    }

    /** The oldest chunk that others keep, if one is known: looking through all for them is put off until it is worth it. */
    private Optional<ChunkRecord> spare() {
        if (spare.isEmpty() && ++looksPutOff > byAge.size() / LOOK_EVERY) {
            looksPutOff = 0;
            byAge.stream()
                    .filter(record -> !isRecent(record) && !keeps.test(record))
                    .forEach(spare::add);
        }
        ChunkRecord next = spare.poll();
        while (next != null && (!byAge.contains(next) || keeps.test(next))) {
            next = spare.poll();
        }
        return Optional.ofNullable(next);
    }

    private boolean isRecent(ChunkRecord record) {
        return byAge.isEmpty()
                || !record.body()
                        .published()
                        .isBefore(byAge.last().body().published().minus(RECENT));
    }
}
