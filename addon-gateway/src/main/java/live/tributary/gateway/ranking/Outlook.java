package live.tributary.gateway.ranking;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import live.tributary.gateway.geo.Network;

/**
 * The relays as one viewer sees them whatever the stream: all of a ranking but the choice among equally near ones. It is worked out once
 * and serves all streams that the same relays carry.
 */
final class Outlook {
    private static final Comparator<RankedRelay> DISTANCE = Comparator.comparing(RankedRelay::nearness)
            .thenComparingDouble(relay -> relay.near() ? 0 : relay.kilometres());
    private static final Comparator<RankedRelay> CHOICE =
            Comparator.comparingDouble(RankedRelay::score).reversed().thenComparing(RankedRelay::key);

    /** By distance. */
    private final RankedRelay[] relays;

    private final double[] weights;
    /** The first eight bytes of each relay's key. */
    private final long[] keys;
    /** Where each run of equally near ones ends. */
    private final int[] runs;
    /** Whether two of them are in one /24 or /48. */
    private final boolean networksShared;

    private final List<LeftOut> leftOut;

    /** @param weights of the relays, in their order */
    Outlook(List<RankedRelay> unordered, double[] weights, List<LeftOut> leftOut) {
        Integer[] order = new Integer[unordered.size()];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparing(unordered::get, DISTANCE));
        this.relays = new RankedRelay[order.length];
        this.weights = new double[order.length];
        this.keys = new long[order.length];
        Set<Network> networks = new HashSet<>();
        for (int i = 0; i < order.length; i++) {
            relays[i] = unordered.get(order[i]);
            this.weights[i] = weights[order[i]];
            keys[i] = ByteBuffer.wrap(relays[i].key().bytes()).getLong();
            networks.add(Network.of(relays[i].endpoint().address()));
        }
        this.networksShared = networks.size() < order.length;
        this.runs = runs(relays);
        this.leftOut = List.copyOf(leftOut);
    }

    private static int[] runs(RankedRelay[] relays) {
        List<Integer> ends = new ArrayList<>();
        for (int i = 1; i <= relays.length; i++) {
            if (i == relays.length || DISTANCE.compare(relays[i - 1], relays[i]) != 0) {
                ends.add(i);
            }
        }
        return ends.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The ranking by one choice, at most one relay of a network unless in private mode. */
    Ranking ranking(long choice, boolean privateMode) {
        RankedRelay[] ranked = new RankedRelay[relays.length];
        for (int i = 0; i < ranked.length; i++) {
            ranked[i] = relays[i].scored(score(i, choice));
        }
        int from = 0;
        for (int to : runs) {
            if (to - from > 1) {
                Arrays.sort(ranked, from, to, CHOICE);
            }
            from = to;
        }
        return privateMode || !networksShared
                ? new Ranking(List.of(ranked), leftOut, privateMode)
                : onePerNetwork(ranked);
    }

    private Ranking onePerNetwork(RankedRelay[] ranked) {
        Set<Network> taken = new HashSet<>();
        List<RankedRelay> offered = new ArrayList<>();
        List<LeftOut> left = new ArrayList<>(leftOut);
        for (RankedRelay relay : ranked) {
            if (taken.add(Network.of(relay.endpoint().address()))) {
                offered.add(relay);
            } else {
                left.add(new LeftOut(relay.relay(), LeftOut.Reason.SAME_NETWORK));
            }
        }
        return new Ranking(offered, left, false);
    }

    /** Weighted rendezvous hashing: -weight / ln(u), u uniform by the hash. */
    private double score(int relay, long choice) {
        double uniform = ((mixed(choice ^ keys[relay]) >>> 11) + 0.5) * 0x1p-53;
        return -weights[relay] / Math.log(uniform);
    }

    /** The finalizer of SplitMix64: every bit of the argument counts for every bit of the result. */
    private static long mixed(long z) {
        long a = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ a >>> 27) * 0x94D049BB133111EBL;
        return b ^ b >>> 31;
    }
}
