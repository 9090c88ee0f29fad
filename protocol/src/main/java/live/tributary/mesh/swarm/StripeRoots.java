package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/** The root of each stripe: the neighbour that an origin gives the stripe's pieces first, chosen anew with every chunk. */
final class StripeRoots {
    /*
     * Roots are few, because only so many links get records from the origin itself, and a root without the record can do nothing
     * with a piece. They are those from which pieces spread best; one that nobody has tried yet gets one stripe for a trial now
     * and then.
     */
    static final int ROOTS = RecordGossip.ORIGIN_LINKS;

    /** How much better another root must be. */
    private static final double HYSTERESIS = 0.75;
    /** One chunk in so many gives a trial to any neighbour, once all are known. */
    private static final int TRIAL_EVERY = 64;
    /** Trials go round the stripes in steps of this. */
    private static final int TRIAL_STRIDE = 5;

    private final SpreadScores scores;
    private final RandomGenerator random;
    private final @Nullable Neighbour[] roots = new @Nullable Neighbour[LiveMessage.STRIPES];
    private int chunks;

    StripeRoots(SpreadScores scores, RandomGenerator random) {
        this.scores = scores;
        this.random = random;
    }

    @Nullable
    Neighbour of(long piece) {
        return roots[(int) (piece % LiveMessage.STRIPES)];
    }

    /**
     * A chunk's pieces in the order in which they leave: those of the root from which pieces spread worst first. What leaves last is
     * what a chunk waits for, and it is to have the shortest way.
     */
    List<Long> orderOfLeaving(ChunkRecord record) {
        List<Long> order = new ArrayList<>();
        for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
            order.add(piece);
        }
        order.sort(Comparator.comparingDouble(this::costOfRoot).reversed());
        return order;
    }

    private double costOfRoot(long piece) {
        Neighbour root = of(piece);
        return root == null ? Double.MAX_VALUE : scores.of(root);
    }

    /** The roots in the order in which a chunk's pieces meet them, each once; behind them those of stripes that it has no piece of. */
    List<Neighbour> inOrder(ChunkRecord record) {
        Set<Neighbour> order = new LinkedHashSet<>();
        for (long piece : orderOfLeaving(record)) {
            addRoot(order, piece);
        }
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            addRoot(order, stripe);
        }
        return new ArrayList<>(order);
    }

    private void addRoot(Set<Neighbour> order, long piece) {
        Neighbour root = of(piece);
        if (root != null) {
            order.add(root);
        }
    }

    void linkDown(Neighbour gone) {
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            if (roots[stripe] == gone) {
                roots[stripe] = null;
            }
        }
    }

    /** A chunk is about to leave: its roots are those that spread best now, and perhaps one on trial. */
    void choose(List<Neighbour> neighbours) {
        chunks++;
        List<Neighbour> candidates = new ArrayList<>();
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && neighbour.fedByUs != 0 && !neighbour.choked) {
                candidates.add(neighbour);
            }
        }
        if (candidates.isEmpty()) {
            return;
        }
        candidates.sort(Comparator.comparingDouble(this::preference));
        assign(candidates.subList(0, Math.min(ROOTS, candidates.size())));
        Neighbour trial = trial(candidates);
        if (trial != null) {
            roots[chunks * TRIAL_STRIDE % LiveMessage.STRIPES] = trial;
        }
    }

    /** Who is root now stays it unless another is clearly better. */
    private double preference(Neighbour neighbour) {
        for (Neighbour root : roots) {
            if (root == neighbour) {
                return HYSTERESIS * scores.of(neighbour);
            }
        }
        return scores.of(neighbour);
    }

    /** Who gets one stripe for one chunk, to see what becomes of it: whoever was never tried, else seldom anybody. */
    private @Nullable Neighbour trial(List<Neighbour> candidates) {
        for (Neighbour candidate : candidates) {
            if (!scores.isKnown(candidate)) {
                return candidate;
            }
        }
        return chunks % TRIAL_EVERY == 0 ? candidates.get(random.nextInt(candidates.size())) : null;
    }

    /** Gives stripes without a root of the chosen ones to those that have fewest; the others stay. */
    private void assign(List<Neighbour> chosen) {
        int[] stripes = new int[chosen.size()];
        for (Neighbour root : roots) {
            int index = root == null ? -1 : chosen.indexOf(root);
            if (index >= 0) {
                stripes[index]++;
            }
        }
        int share = (LiveMessage.STRIPES + chosen.size() - 1) / chosen.size();
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            Neighbour root = roots[stripe];
            int index = root == null ? -1 : chosen.indexOf(root);
            if (index >= 0 && stripes[index] <= share) {
                continue;
            }
            if (index >= 0) {
                stripes[index]--;
            }
            int fewest = 0;
            for (int i = 1; i < stripes.length; i++) {
                if (stripes[i] < stripes[fewest]) {
                    fewest = i;
                }
            }
            roots[stripe] = chosen.get(fewest);
            stripes[fewest]++;
        }
    }
}
