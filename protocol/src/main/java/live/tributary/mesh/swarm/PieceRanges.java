package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import live.tributary.protocol.wire.LiveMessage;

/**
 * A set of piece numbers as sorted ranges that neither overlap nor touch.
 *
 * <p>Whoever has a stream's chunks has long runs of pieces, so the set stays short; one that does not is cut off at
 * {@link #MAX_RANGES} by its owner.
 */
final class PieceRanges {
    /** The most ranges that a neighbour's pieces may fall into. */
    static final int MAX_RANGES = 8192;

    private long[] from = new long[8];
    private long[] to = new long[8];
    private int size;

    boolean contains(long piece) {
        int i = lastStartingAtOrBefore(piece);
        return i >= 0 && piece < to[i];
    }

    boolean containsAll(long first, long end) {
        int i = lastStartingAtOrBefore(first);
        return i >= 0 && end <= to[i];
    }

    /** Adds {@code first <= piece < end}. */
    void add(long first, long end) {
        int i = lastStartingAtOrBefore(first);
        if (i < 0 || to[i] < first) {
            i++; // Nothing before reaches us: a range of our own, which swallows what it overlaps or touches.
        }
        int j = i;
        long start = first;
        long stop = end;
        while (j < size && from[j] <= end) {
            start = Math.min(start, from[j]);
            stop = Math.max(stop, to[j]);
            j++;
        }
        replace(i, j, 1);
        from[i] = start;
        to[i] = stop;
    }

    void add(long piece) {
        add(piece, piece + 1);
    }

    /** Takes out {@code first <= piece < end}. */
    void remove(long first, long end) {
        int i = lastStartingAtOrBefore(first);
        if (i < 0 || to[i] <= first) {
            i++;
        }
        int j = i;
        while (j < size && from[j] < end) {
            j++;
        }
        if (i == j) {
            return;
        }
        long before = from[i];
        long after = to[j - 1];
        int left = before < first ? 1 : 0;
        int right = after > end ? 1 : 0;
        replace(i, j, left + right);
        if (left == 1) {
            from[i] = before;
            to[i] = first;
        }
        if (right == 1) {
            from[i + left] = end;
            to[i + left] = after;
        }
    }

    /** The number of ranges. */
    int count() {
        return size;
    }

    /** The last {@code max} ranges, ascending: where there are more, the newest pieces count. */
    List<LiveMessage.Range> newest(int max) {
        List<LiveMessage.Range> ranges = new ArrayList<>();
        for (int i = Math.max(0, size - max); i < size; i++) {
            ranges.add(new LiveMessage.Range(from[i], to[i]));
        }
        return ranges;
    }

    private int lastStartingAtOrBefore(long piece) {
        int low = 0;
        int high = size - 1;
        if (high >= 0 && from[high] <= piece) {
            return high; // The live edge, nearly always.
        }
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (from[middle] <= piece) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high;
    }

    /** Makes {@code [i, j)} into {@code count} slots. */
    private void replace(int i, int j, int count) {
        int grown = size - (j - i) + count;
        if (grown > from.length) {
            from = Arrays.copyOf(from, grown * 2);
            to = Arrays.copyOf(to, grown * 2);
        }
        System.arraycopy(from, j, from, i + count, size - j);
        System.arraycopy(to, j, to, i + count, size - j);
        size = grown;
    }
}
