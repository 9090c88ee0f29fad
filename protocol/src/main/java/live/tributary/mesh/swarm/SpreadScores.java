package live.tributary.mesh.swarm;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkRecord;

/** How well the pieces that an origin gives spread from each neighbour that was given some. */
final class SpreadScores {
    /*
     * A neighbour is judged by what others say: how long after a piece had left for it did half of the origin's other neighbours
     * have it? That is its upload, and the good will of its subtree, as it really works. It is divided by the share of its
     * pieces that spread in time at all; where a second copy was needed, nobody knows whose it was that spread, and neither
     * counts. What it says that it can send weighs too: who boasts is found out by what is measured.
     *
     * What nobody spreads may be nobody's fault: with few honest relays behind thin lines all second copies come too late. So no
     * neighbour is given up because of them, and one counts as useless only where another of the time is not.
     */

    /** Whose gifts spread less often than this is of no use. */
    private static final double LEAST_SHARE = 0.05;

    private static final double USUAL_SHARE = 0.25;
    /** With no more neighbours than this none is dropped for being of no use: there may be nobody else. */
    private static final int ENOUGH = 2 * StripeRoots.ROOTS;

    private static final long DROP_EVERY = 10_000_000_000L;

    /** To how many a root passes a piece on; what that takes on its line weighs beside what was measured, which is the half that is near. */
    private static final int FAN_OUT = 4;

    private static final double USUAL_NANOS = 100_000_000;
    /** What a neighbour is taken to send that says nothing or little, bits a second. */
    private static final double LEAST_CAPACITY = 5_000_000;

    private static final double WEIGHT_OF_NEW = 0.3;
    /** What is measured of a neighbour that was never tried. */
    private static final double UNTRIED = 1.5;

    private final Uplink uplink;
    private final Map<Neighbour, Score> scores = new LinkedHashMap<>();
    /** How long a piece takes to spread, whoever it was given to. */
    private double usualNanos;

    private long dropNextAt = Long.MIN_VALUE;

    private static final class Score {
        /** How long its pieces took to spread, over what all took at the time. */
        double time = 1;

        int samples;
        /** Which share of its pieces spread in time. */
        double share = 1;

        /** Whether it has shown nothing since it was given a piece and had the time to show it: it may be dead. */
        boolean quiet;

        void spreads(boolean inTime) {
            share += WEIGHT_OF_NEW / 2 * ((inTime ? 1 : 0) - share);
        }
    }

    SpreadScores(Uplink uplink) {
        this.uplink = uplink;
    }

    // What is measured

    /** A neighbour shows some piece: it is alive. */
    void shows(Neighbour neighbour) {
        Score score = scores.get(neighbour);
        if (score != null) {
            score.quiet = false;
        }
    }

    /** A piece spread in time from the neighbour that was given it. */
    void spread(Neighbour from) {
        scores.computeIfAbsent(from, n -> new Score()).spreads(true);
    }

    /** A piece did not spread in time: it is taken to need so long. */
    void failed(Neighbour from, boolean shown, long nanos) {
        Score score = took(from, nanos);
        score.spreads(false);
        score.quiet = !shown;
    }

    /** A piece reached half of the others in this time. */
    void reachedHalf(Neighbour from, long nanos) {
        took(from, nanos);
    }

    private Score took(Neighbour from, double nanos) {
        usualNanos = usualNanos == 0 ? nanos : usualNanos + WEIGHT_OF_NEW / StripeRoots.ROOTS * (nanos - usualNanos);
        Score score = scores.computeIfAbsent(from, n -> new Score());
        double sample = nanos / usualNanos;
        score.time = score.samples == 0 ? sample : score.time + WEIGHT_OF_NEW * (sample - score.time);
        score.samples++;
        return score;
    }

    void linkDown(Neighbour gone) {
        scores.remove(gone);
    }

    // What follows

    /** Whether it was ever given a piece, and what became of it is known. */
    boolean isKnown(Neighbour neighbour) {
        return scores.containsKey(neighbour);
    }

    /** Lower is better; a neighbour that was never tried counts as a poor one. */
    double of(Neighbour neighbour) {
        Score score = scores.get(neighbour);
        double measured =
                score == null || score.samples == 0 ? UNTRIED : score.time / Math.max(LEAST_SHARE / 100, score.share);
        double roundNanos = FAN_OUT * ChunkRecord.PIECE_LENGTH * 8e9 / Math.max(LEAST_CAPACITY, neighbour.capacity);
        return measured * (1 + roundNanos / USUAL_NANOS);
    }

    boolean isQuiet(Neighbour neighbour) {
        Score score = scores.get(neighbour);
        return score != null && score.quiet;
    }

    /** Whether what a neighbour is given does not spread, though it does from another. */
    boolean isUseless(Neighbour neighbour, long now) {
        Score its = scores.get(neighbour);
        if (its == null || its.share >= LEAST_SHARE) {
            return false;
        }
        for (Map.Entry<Neighbour, Score> other : scores.entrySet()) {
            if (other.getValue().share >= USUAL_SHARE && !uplink.stalled(other.getKey(), now)) {
                return true;
            }
        }
        return false;
    }

    /**
     * A neighbour that keeps what it is given to itself, to be dropped for another: seldom, and only while too few are of use. For
     * where pieces do not spread, the fault may be everywhere else.
     */
    Optional<Neighbour> toDrop(long now) {
        if (now < dropNextAt || scores.size() <= ENOUGH) {
            return Optional.empty();
        }
        int useful = 0;
        Neighbour worst = null;
        for (Map.Entry<Neighbour, Score> entry : scores.entrySet()) {
            Score score = entry.getValue();
            useful += score.share >= USUAL_SHARE ? 1 : 0;
            if (score.share < LEAST_SHARE && (worst == null || score.time > of(worst))) {
                worst = entry.getKey();
            }
        }
        if (useful >= StripeRoots.ROOTS || worst == null) {
            return Optional.empty();
        }
        dropNextAt = now + DROP_EVERY;
        return Optional.of(worst);
    }
}
