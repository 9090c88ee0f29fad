package live.tributary.mesh.net;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.function.Predicate;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * Which windows of one rendition are closed, by its accepted records alone.
 *
 * <p>A window is closed when no record can join it any more, at either end: the record behind its last is known and is none of
 * it, or the stream has ended; and the record before its first is known and is none of it, or there is none. So two nodes
 * never offer different torrents for one window, whatever each of them has heard.
 */
final class ClosedWindows {
    private static final long STEPS = WindowId.LENGTH.dividedBy(WindowId.STEP);

    private ClosedWindows() {}

    /**
     * The members of each closed window, in order of seq.
     *
     * @param records accepted ones of one rendition, by seq
     * @param hasEnded whether a term was ended by its origin's signed word
     */
    static Map<WindowId, List<ChunkRecord>> of(NavigableMap<Long, ChunkRecord> records, Predicate<Long> hasEnded) {
        Map<WindowId, List<ChunkRecord>> closed = new LinkedHashMap<>();
        List<ChunkRecord> run = new ArrayList<>();
        for (ChunkRecord record : records.values()) {
            if (!run.isEmpty() && !WindowId.continues(run.get(run.size() - 1), record)) {
                addClosed(run, records, hasEnded, closed);
                run.clear();
            }
            run.add(record);
        }
        if (!run.isEmpty()) {
            addClosed(run, records, hasEnded, closed);
        }
        return closed;
    }

    private static void addClosed(
            List<ChunkRecord> run,
            NavigableMap<Long, ChunkRecord> records,
            Predicate<Long> hasEnded,
            Map<WindowId, List<ChunkRecord>> closed) {
        ChunkRecord first = run.get(0);
        ChunkRecord last = run.get(run.size() - 1);
        boolean whole = first.body().previous().isEmpty() || isAnothers(records.get(first.seq() - 1), first);
        boolean ended = isAnothers(records.get(last.seq() + 1), last)
                || hasEnded.test(last.term()) && records.lastKey() == last.seq();
        WindowId newest = WindowId.firstOf(last);
        for (long index = WindowId.firstOf(first).index(); index < newest.index() + STEPS; index++) {
            WindowId id = newest.withIndex(index);
            int from = firstNotBefore(run, id.end().minus(WindowId.LENGTH));
            int to = firstNotBefore(run, id.end());
            if (from < to && (from > 0 || whole) && (to < run.size() || ended)) {
                closed.put(id, List.copyOf(run.subList(from, to)));
            }
        }
    }

    /** Whether a neighbour in seq is known and of another run by its own word, not by a fork. */
    private static boolean isAnothers(@org.jspecify.annotations.Nullable ChunkRecord neighbour, ChunkRecord member) {
        return neighbour != null
                && (neighbour.term() != member.term()
                        || neighbour.body().discontinuities() != member.body().discontinuities());
    }

    private static int firstNotBefore(List<ChunkRecord> run, java.time.Duration time) {
        int low = 0;
        int high = run.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (run.get(middle).body().start().compareTo(time) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
