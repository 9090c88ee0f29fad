package live.tributary.mesh.swarm;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * The origin's way to send about one copy: each piece goes to one neighbour, the root of its stripe, and to another only if no
 * third one has shown it within a deadline.
 *
 * <p>Invariant: a piece is either waiting in the {@link SeedQueue}, or unproven in the {@link SpreadWatch} (sent, and seen nowhere
 * else), or forgotten here.
 */
final class SuperSeed {
    /*
     * What the watch sees makes the scores, and the scores make the roots. Where the root of a piece cannot take it, or had it and
     * it did not spread from there, whoever spreads best gets it. Second copies never stand in the way of a new chunk: the fault
     * may be everywhere, and then they all come too late.
     */

    /** Of how many waiting pieces of a stripe a taker is looked for: a root that takes nothing holds up no other's. */
    private static final int LOOKS_PER_STRIPE = 2;

    /** Who failed with a piece gets it after all others, and who is quiet after all that are not. */
    private static final double COST_OF_FAILED = 1e12;

    private static final double COST_OF_QUIET = 1e9;

    private final List<Neighbour> neighbours;
    private final Uplink uplink;
    private final Choking choking;
    /** Whether there are no roots: each neighbour has its turn, and no piece is given again while who got it is there. */
    private final boolean inTurn;

    private final Pieces pieces;
    private final SeedQueue queue = new SeedQueue();
    private final SpreadScores scores;
    private final SpreadWatch watch;
    private final StripeRoots roots;

    /** What is known of pieces. */
    interface Pieces {
        int renditionOf(long piece);

        /** Whether a neighbour knows its record, or may be told it now. */
        boolean mayGo(long piece, Neighbour to, long now);
    }

    SuperSeed(
            List<Neighbour> neighbours,
            Uplink uplink,
            Choking choking,
            RandomGenerator random,
            boolean inTurn,
            Pieces pieces) {
        this.neighbours = neighbours;
        this.uplink = uplink;
        this.choking = choking;
        this.inTurn = inTurn;
        this.pieces = pieces;
        this.scores = new SpreadScores(uplink);
        this.watch = new SpreadWatch(neighbours, pieces, scores, inTurn);
        this.roots = new StripeRoots(scores, random);
    }

    // Chunks

    void published(ChunkRecord record, long now) {
        if (!inTurn) {
            roots.choose(neighbours);
        }
        queue.published(record, roots.orderOfLeaving(record), now);
    }

    /** A chunk has left the live edge: what still waits of it goes to whoever asks; whether anything did. */
    boolean retired(ChunkRecord record) {
        return queue.remove(record);
    }

    void evicted(ChunkRecord record) {
        queue.remove(record);
        watch.forget(record);
    }

    /** The links that should hear of a record from the origin itself: the roots of its first pieces, then other relays. */
    List<Neighbour> audience(ChunkRecord record) {
        List<Neighbour> audience = roots.inOrder(record);
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && !audience.contains(neighbour)) {
                audience.add(neighbour);
            }
        }
        for (Neighbour neighbour : neighbours) {
            if (!audience.contains(neighbour)) {
                audience.add(neighbour);
            }
        }
        return audience;
    }

    // Gifts

    /** A piece and whom to send it to. */
    record Gift(long piece, Neighbour to) {}

    boolean idle() {
        return queue.isEmpty();
    }

    /** The next piece that is due to leave and that somebody takes; a piece that nobody takes keeps its place. */
    @Nullable
    Gift next(long now) {
        Gift gift = next(queue.fresh(), now);
        return gift == null ? next(queue.overdue(), now) : gift;
    }

    private @Nullable Gift next(Iterable<Long> waiting, long now) {
        int[] looks = new int[LiveMessage.STRIPES];
        for (Iterator<Long> i = waiting.iterator(); i.hasNext(); ) {
            long piece = i.next();
            if (looks[(int) (piece % LiveMessage.STRIPES)]++ >= LOOKS_PER_STRIPE) {
                continue;
            }
            Neighbour to = taker(piece, now);
            if (to != null) {
                i.remove();
                watch.sending(to, piece, now);
                return new Gift(piece, to);
            }
            if (watch.hasFailed(piece) && watch.takers(piece) > 0) {
                i.remove(); // Whoever still lacks it asks for it.
            }
        }
        return null;
    }

    /** The stripe's root, or else another that was not given the piece yet, or else any that lacks it. */
    private @Nullable Neighbour taker(long piece, long now) {
        if (inTurn) {
            return whoseTurn(piece, now);
        }
        Set<Neighbour> failed = watch.failedAt(piece);
        Neighbour root = roots.of(piece);
        if (root != null && takes(root, piece, now) && !failed.contains(root) && !scores.isQuiet(root)) {
            return root;
        }
        Neighbour best = null;
        for (Neighbour neighbour : neighbours) {
            if (takes(neighbour, piece, now)
                    && (failed.isEmpty() || !scores.isUseless(neighbour, now))
                    && (best == null || cost(neighbour, failed) < cost(best, failed))) {
                best = neighbour;
            }
        }
        return best;
    }

    private @Nullable Neighbour whoseTurn(long piece, long now) {
        for (int i = 0; i < neighbours.size(); i++) {
            Neighbour neighbour = neighbours.get((int) ((piece + i) % neighbours.size()));
            if (takes(neighbour, piece, now)) {
                return neighbour;
            }
        }
        return null;
    }

    private double cost(Neighbour neighbour, Set<Neighbour> failed) {
        return scores.of(neighbour)
                + (scores.isQuiet(neighbour) ? COST_OF_QUIET : 0)
                + (failed.contains(neighbour) ? COST_OF_FAILED : 0);
    }

    /** Whether a neighbour grafted itself to the piece's stripe and lacks it. */
    private boolean takes(Neighbour neighbour, long piece, long now) {
        return neighbour.isRelay()
                && neighbour.carries(pieces.renditionOf(piece))
                && !uplink.stalled(neighbour, now)
                && (inTurn || (neighbour.fedByUs & 1 << (int) (piece % LiveMessage.STRIPES)) != 0)
                && choking.mayGive(neighbour)
                && !neighbour.held.contains(piece)
                && pieces.mayGo(piece, neighbour, now);
    }

    // Requests

    /** Whether nobody can have a piece yet, since it has not left. */
    boolean nobodyHas(long piece) {
        return !watch.hasFailed(piece) && queue.contains(piece);
    }

    /** Whether a request for a piece may be served now: nobody else was given it a moment ago. */
    boolean mayServe(Neighbour to, long piece, long now) {
        if (!idle() && scores.isUseless(to, now)) {
            return false; // Others go first.
        }
        return !queue.contains(piece) // It will leave in its turn.
                && !watch.isWithAnother(to, piece);
    }

    void serving(Neighbour to, long piece, long now) {
        watch.serving(to, piece, now);
    }

    // What becomes of a copy

    /** The last byte of a piece has left. */
    void left(Neighbour to, long piece, long now) {
        watch.left(to, piece, now);
    }

    /** A neighbour shows that it has a piece. */
    void seen(Neighbour by, long piece, long now) {
        watch.seen(by, piece, now);
    }

    /** Pieces that did not spread in time go to the front of the queue again, for somebody else. */
    void tick(long now) {
        for (SpreadWatch.Copy late : watch.late(now)) {
            late.to.outbox.dropPush(late.piece);
            if (isTakenBeside(late.to, late.piece, now)) {
                giveAgain(late);
            }
        }
    }

    long nextTick() {
        return watch.nextTick();
    }

    private boolean isTakenBeside(Neighbour failed, long piece, long now) {
        for (Neighbour neighbour : neighbours) {
            if (neighbour != failed && takes(neighbour, piece, now)) {
                return true;
            }
        }
        return false;
    }

    private void giveAgain(SpreadWatch.Copy failed) {
        queue.again(failed.piece);
        watch.givenAgain(failed);
    }

    // Neighbours

    /** A neighbour of no use, to be dropped for another. */
    Optional<Neighbour> useless(long now) {
        return scores.toDrop(now);
    }

    /** A neighbour is gone: what only it was given must be given again. */
    void linkDown(Neighbour gone) {
        scores.linkDown(gone);
        roots.linkDown(gone);
        watch.lost(gone).forEach(this::giveAgain);
    }
}
