package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * The copies that an origin has sent, each watched until others than who got it show its piece.
 *
 * <p>Of a piece at most one copy is unproven. A copy that is not shown in time has failed; so has one whose receiver is gone.
 */
final class SpreadWatch {
    private static final long SPREAD_WITHIN = 600_000_000L;
    /** A relay shows a piece as soon as it has checked it. */
    private static final long SHOWN_WITHIN = 250_000_000L;
    /** A piece that has not even left in this time is stuck. */
    private static final long LEAVES_WITHIN = 1_500_000_000L;
    /** Copies that have spread and of which it is still measured how fast. */
    private static final int MAX_REMEMBERED = 8192;

    private static final long NOT_YET = Long.MAX_VALUE;

    private final List<Neighbour> neighbours;
    private final SuperSeed.Pieces pieces;
    private final SpreadScores scores;
    /** Whether no copy fails while who got it is there. */
    private final boolean patient;

    private final Map<Long, Copy> unproven = new LinkedHashMap<>();
    private final Map<Long, Copy> spread = new LinkedHashMap<>();
    /** Who was given a piece that did not spread from there. */
    private final Map<Long, Set<Neighbour>> failed = new HashMap<>();

    /** A piece as one neighbour was sent it. */
    static final class Copy {
        final long piece;
        final Neighbour to;
        private long leftAt = NOT_YET;
        private long due = NOT_YET;
        private boolean shown;
        private boolean measured;
        private final Set<Neighbour> seenAt = new HashSet<>();

        private Copy(long piece, Neighbour to) {
            this.piece = piece;
            this.to = to;
        }

        private boolean hasLeft() {
            return leftAt != NOT_YET;
        }
    }

    SpreadWatch(List<Neighbour> neighbours, SuperSeed.Pieces pieces, SpreadScores scores, boolean patient) {
        this.neighbours = neighbours;
        this.pieces = pieces;
        this.scores = scores;
        this.patient = patient;
    }

    // A copy on its way

    /** A piece is on its way to a neighbour, as a gift. */
    void sending(Neighbour to, long piece, long now) {
        Copy copy = new Copy(piece, to);
        expect(copy, now + LEAVES_WITHIN);
        unproven.put(piece, copy);
    }

    /** A request is served like a gift, so that nobody else gets the same piece before it could spread. */
    void serving(Neighbour to, long piece, long now) {
        if (isSpread(piece)) {
            return;
        }
        Copy copy = unproven.computeIfAbsent(piece, p -> new Copy(p, to));
        copy.leftAt = now;
        expect(copy, now + SPREAD_WITHIN + 2 * to.rtt());
    }

    /** The last byte of a piece has left. */
    void left(Neighbour to, long piece, long now) {
        Copy copy = unproven.get(piece);
        if (copy != null && copy.to == to) {
            copy.leftAt = now;
            expect(copy, now + SHOWN_WITHIN + 3 * to.rtt());
        }
    }

    /** A neighbour shows that it has a piece. */
    void seen(Neighbour by, long piece, long now) {
        scores.shows(by);
        Copy copy = unproven.get(piece);
        if (copy == null) {
            copy = spread.get(piece);
        }
        if (copy == null || copy.measured) {
            return;
        }
        if (by == copy.to) {
            shownByReceiver(copy);
        } else {
            shownByAnother(copy, by, now);
        }
    }

    private void shownByReceiver(Copy copy) {
        if (!copy.shown && copy.hasLeft()) {
            copy.shown = true;
            expect(copy, copy.leftAt + SPREAD_WITHIN + 2 * copy.to.rtt());
        }
        if (takers(copy.piece) == 1) {
            unproven.remove(copy.piece);
        }
    }

    private void shownByAnother(Copy copy, Neighbour by, long now) {
        copy.seenAt.add(by);
        if (copy.seenAt.size() >= quorum(copy.piece) && unproven.remove(copy.piece) != null) {
            if (failed.remove(copy.piece) != null) {
                return; // Nobody knows whose copy it was that spread.
            }
            scores.spread(copy.to);
            remember(copy);
        }
        if (copy.hasLeft() && copy.seenAt.size() * 2 >= takers(copy.piece) - 1) {
            copy.measured = true;
            scores.reachedHalf(copy.to, now - copy.leftAt);
        }
    }

    private void remember(Copy copy) {
        spread.put(copy.piece, copy);
        if (spread.size() > MAX_REMEMBERED) {
            Iterator<Long> oldest = spread.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
    }

    private void expect(Copy copy, long by) {
        copy.due = patient ? NOT_YET : by;
    }

    // A copy that fails

    /** The copies that should have been shown by now; they are no longer watched. */
    List<Copy> late(long now) {
        List<Copy> late = new ArrayList<>();
        for (Iterator<Copy> i = unproven.values().iterator(); i.hasNext(); ) {
            Copy copy = i.next();
            if (now >= copy.due) {
                i.remove();
                scores.failed(copy.to, copy.shown, 2 * SPREAD_WITHIN);
                late.add(copy);
            }
        }
        return late;
    }

    /** The copies that only a neighbour that is gone was sent; they are no longer watched, nor is anything measured of its others. */
    List<Copy> lost(Neighbour gone) {
        spread.values().removeIf(copy -> copy.to == gone);
        List<Copy> lost = new ArrayList<>();
        for (Iterator<Copy> i = unproven.values().iterator(); i.hasNext(); ) {
            Copy copy = i.next();
            if (copy.to == gone) {
                i.remove();
                lost.add(copy);
            }
        }
        return lost;
    }

    /** A failed copy's piece is given again: its receiver is not the one to get it. */
    void givenAgain(Copy copy) {
        failed.computeIfAbsent(copy.piece, p -> new HashSet<>()).add(copy.to);
    }

    void forget(ChunkRecord record) {
        failed.keySet().removeIf(record::hasPiece);
        unproven.keySet().removeIf(record::hasPiece);
    }

    long nextTick() {
        long next = NOT_YET;
        for (Copy copy : unproven.values()) {
            next = Math.min(next, copy.due);
        }
        return next;
    }

    // What is known of a piece

    /** Whether a copy of it has failed since it last spread. */
    boolean hasFailed(long piece) {
        return failed.containsKey(piece);
    }

    /** Who was given it in vain. */
    Set<Neighbour> failedAt(long piece) {
        return failed.getOrDefault(piece, Set.of());
    }

    /** Whether an unproven copy of it is with somebody else. */
    boolean isWithAnother(Neighbour than, long piece) {
        Copy copy = unproven.get(piece);
        return copy != null && copy.to != than;
    }

    private boolean isSpread(long piece) {
        int holders = 0;
        for (Neighbour neighbour : neighbours) {
            holders += neighbour.isRelay() && neighbour.held.contains(piece) ? 1 : 0;
        }
        return holders > quorum(piece);
    }

    /** So many must show a piece before it counts as spread: one alone may lie. */
    private int quorum(long piece) {
        return Math.max(1, (takers(piece) - 1) / 3);
    }

    /** How many neighbours a piece is for. */
    int takers(long piece) {
        int rendition = pieces.renditionOf(piece);
        int count = 0;
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && neighbour.carries(rendition)) {
                count++;
            }
        }
        return count;
    }
}
