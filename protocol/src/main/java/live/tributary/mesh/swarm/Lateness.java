package live.tributary.mesh.swarm;

/**
 * How much later than a neighbour's HAVE a piece usually comes by itself, and so how long it is worth waiting for one: the mean
 * and four times its deviation, as TCP does it with its round trips. On lines without loss it is little; with loss a repair that
 * comes too soon would bring everything twice.
 */
final class Lateness {
    private static final long MIN_GRACE = 60_000_000L;
    private static final long MAX_GRACE = 700_000_000L;
    private static final double WEIGHT_OF_NEW = 1 / 16.0;
    private static final double DEVIATIONS = 4;

    private double mean;
    private double deviation = MIN_GRACE / DEVIATIONS;

    /** A piece that was pushed is whole. */
    void learn(Piece piece, long now) {
        Piece.Sighting shown = piece.firstTrusted();
        if (shown != null) {
            double sample = now - shown.at();
            deviation += WEIGHT_OF_NEW * (Math.abs(sample - mean) - deviation);
            mean += WEIGHT_OF_NEW * (sample - mean);
        }
    }

    /** How long a piece that a neighbour has shown may stay away before somebody is asked for it. */
    long grace(Neighbour by) {
        if (by.mayLie()) {
            return MAX_GRACE; // The word of one who was asked and never gave a piece hurries nobody.
        }
        return (long) Math.max(MIN_GRACE, Math.min(MAX_GRACE, mean + DEVIATIONS * deviation));
    }
}
