package live.tributary.mesh.swarm;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import live.tributary.protocol.stream.ChunkRecord;

/** The pieces that an origin has yet to give away: new ones in order, and those of older chunks once nothing new waits. */
final class SeedQueue {
    /** New pieces go before those of chunks that were published so long before the newest. */
    private static final long OVERDUE_AFTER = 4_000_000_000L;

    private final ArrayDeque<Long> fresh = new ArrayDeque<>();
    /** What waits of chunks that few still want at once. */
    private final ArrayDeque<Long> overdue = new ArrayDeque<>();

    private final ArrayDeque<Recent> recent = new ArrayDeque<>();

    /** A chunk that was published not long ago. */
    private record Recent(long firstPiece, long at) {}

    /** @param pieces all of the chunk's, in the order in which they are to leave */
    void published(ChunkRecord record, List<Long> pieces, long now) {
        recent.add(new Recent(record.firstPiece(), now));
        while (now - recent.element().at() > OVERDUE_AFTER) {
            recent.remove();
        }
        for (Iterator<Long> i = fresh.iterator(); i.hasNext(); ) {
            long piece = i.next();
            if (isOverdue(piece)) {
                i.remove();
                overdue.add(piece);
            }
        }
        fresh.addAll(pieces);
    }

    /** Whether a piece is of a chunk that was published long before the newest. */
    private boolean isOverdue(long piece) {
        return !recent.isEmpty() && piece < recent.element().firstPiece();
    }

    /** A piece has to leave once more, before whatever waits beside it. */
    void again(long piece) {
        if (isOverdue(piece)) {
            overdue.add(piece);
        } else {
            fresh.addFirst(piece);
        }
    }

    /** Takes out what waits of a chunk; whether anything did. */
    boolean remove(ChunkRecord record) {
        boolean waited = fresh.removeIf(record::hasPiece);
        return overdue.removeIf(record::hasPiece) | waited;
    }

    /** What leaves first, in order; taken out by the iterator. */
    Iterable<Long> fresh() {
        return fresh;
    }

    /** What leaves where nothing fresh can; taken out by the iterator. */
    Iterable<Long> overdue() {
        return overdue;
    }

    boolean contains(long piece) {
        return fresh.contains(piece) || overdue.contains(piece);
    }

    boolean isEmpty() {
        return fresh.isEmpty() && overdue.isEmpty();
    }
}
