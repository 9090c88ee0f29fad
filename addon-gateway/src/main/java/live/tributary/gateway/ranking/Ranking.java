package live.tributary.gateway.ranking;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.RankedRelay.Nearness;
import live.tributary.protocol.stream.RelayKey;

/**
 * The relays of one stream in one viewer's order, and those that are left out.
 *
 * <p>The order is worked out only as far as somebody looks: an answer names three relays of two hundred. The near ones stand in a heap by
 * class of nearness, then by the choice, and leave it one by one; then the far ones do, by distance. Distances are compared by cosines,
 * so that none needs trigonometry of its own. For one thread.
 */
public final class Ranking {
    /** What two verified holders are to be: enough relays (the word with a number). */
    private static final int ENOUGH = 2;

    private static final double NEAR_FACTOR = 1.5;
    /** Within this, distance says nothing: databases err by more. */
    private static final double FLOOR_KM = 100;
    /** What stands for a distance where the viewer's place is known and the relay's is not. */
    private static final double UNKNOWN = Math.cos(5_000 / Place.EARTH_RADIUS_KM);

    private static final int CLASS_SHIFT = 61;
    private static final Nearness[] CLASSES = Nearness.values();

    private final RelayTable table;
    private final Optional<Place> place;
    private final int network;
    private final long autonomousSystem;
    private final long choice;
    private final boolean privateMode;

    /** Of the angle that counts as each relay's distance. */
    private final double[] cosines;
    /** From this cosine on a relay is near. */
    private final double limit;
    /** What has not left the heap yet: sort keys, and the rows that they stand for. */
    private long[] heap;

    private int[] heapRows;
    private int heapSize;
    private boolean farOnes;

    private final List<RankedRelay> ranked = new ArrayList<>();
    private final List<LeftOut> sameNetwork = new ArrayList<>();
    private final BitSet taken = new BitSet();

    Ranking(RelayTable table, Viewer viewer, long choice, boolean privateMode) {
        this.table = table;
        this.place = viewer.location().place();
        this.network = table.number(viewer.network());
        this.autonomousSystem = viewer.location().autonomousSystem().orElse(Long.MIN_VALUE);
        this.choice = choice;
        this.privateMode = privateMode;
        this.cosines = new double[table.size()];
        this.limit = nearLimit(distances());
        int near = 0;
        for (double cosine : cosines) {
            near += cosine < limit ? 0 : 1;
        }
        this.heap = new long[near];
        this.heapRows = new int[near];
        for (int i = 0; i < cosines.length; i++) {
            if (cosines[i] >= limit) {
                put(nearness(i), cost(i), i);
            }
        }
        heapify();
    }

    private void put(Nearness nearness, double rank, int row) {
        heap[heapSize] = (long) nearness.ordinal() << CLASS_SHIFT | Double.doubleToRawLongBits(rank) >>> 2;
        heapRows[heapSize++] = row;
    }

    private void heapify() {
        for (int i = heapSize / 2 - 1; i >= 0; i--) {
            sink(i);
        }
    }

    /** Once all near ones have left. */
    private void putFarOnes() {
        farOnes = true;
        heap = new long[cosines.length];
        heapRows = new int[cosines.length];
        for (int i = 0; i < cosines.length; i++) {
            if (cosines[i] < limit) {
                put(Nearness.FAR, 1 - cosines[i], i);
            }
        }
        heapify();
    }

    /** Fills in the cosines; returns the nearest relay's. */
    private double distances() {
        double vx = place.map(Place::x).orElse(Double.NaN);
        double vy = place.map(Place::y).orElse(Double.NaN);
        double vz = place.map(Place::z).orElse(Double.NaN);
        double nearest = -1;
        for (int i = 0; i < cosines.length; i++) {
            double cosine = place.isEmpty() ? 1 : vx * table.x[i] + vy * table.y[i] + vz * table.z[i];
            cosine = Double.isNaN(cosine) ? UNKNOWN : Math.max(-1, Math.min(1, cosine));
            if (table.autonomousSystems[i] == autonomousSystem) {
                cosine = Math.sqrt((1 + cosine) / 2); // Of half the angle: the bytes leave no provider.
            }
            cosines[i] = table.networks[i] == network ? 1 : cosine;
            nearest = Math.max(nearest, cosines[i]);
        }
        return nearest;
    }

    private static double nearLimit(double nearest) {
        double angle = NEAR_FACTOR * Math.max(Math.acos(nearest), FLOOR_KM / Place.EARTH_RADIUS_KM);
        return Math.cos(Math.min(Math.PI, angle));
    }

    /** Of a near one. */
    private Nearness nearness(int row) {
        if (table.rows[row].full()) {
            return Nearness.NEAR;
        }
        if (table.networks[row] == network) {
            return Nearness.SAME_NETWORK;
        }
        return table.autonomousSystems[row] == autonomousSystem ? Nearness.SAME_AS : Nearness.NEAR;
    }

    /** Weighted rendezvous hashing: -ln(u) / weight, u uniform by the hash; the lowest wins. */
    private double cost(int row) {
        double uniform = ((mixed(choice ^ table.keys[row]) >>> 11) + 0.5) * 0x1p-53;
        return -Math.log(uniform) / table.weights[row];
    }

    /** The finalizer of SplitMix64: every bit of the argument counts for every bit of the result. */
    static long mixed(long z) {
        long a = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ a >>> 27) * 0x94D049BB133111EBL;
        return b ^ b >>> 31;
    }

    private boolean before(int a, int b) {
        if (heap[a] != heap[b]) {
            return heap[a] < heap[b];
        }
        double costA = cost(heapRows[a]); // Equally far ones: the choice decides.
        double costB = cost(heapRows[b]);
        return costA < costB || (costA == costB && heapRows[a] < heapRows[b]);
    }

    private void sink(int from) {
        int at = from;
        while (true) {
            int least = at;
            int left = 2 * at + 1;
            if (left < heapSize && before(left, least)) {
                least = left;
            }
            if (left + 1 < heapSize && before(left + 1, least)) {
                least = left + 1;
            }
            if (least == at) {
                return;
            }
            long key = heap[at];
            int row = heapRows[at];
            heap[at] = heap[least];
            heapRows[at] = heapRows[least];
            heap[least] = key;
            heapRows[least] = row;
            at = least;
        }
    }

    /** Whether there is a relay in place {@code i}; the order is known up to there afterwards. */
    private boolean has(int i) {
        while (ranked.size() <= i) {
            if (heapSize == 0 && !farOnes) {
                putFarOnes();
            }
            if (heapSize == 0) {
                return false;
            }
            int row = heapRows[0];
            Nearness nearness = CLASSES[(int) (heap[0] >>> CLASS_SHIFT)];
            heapSize--;
            heap[0] = heap[heapSize];
            heapRows[0] = heapRows[heapSize];
            sink(0);
            if (!privateMode && taken.get(table.networks[row])) {
                sameNetwork.add(new LeftOut(table.rows[row].relay(), LeftOut.Reason.SAME_NETWORK));
            } else {
                taken.set(table.networks[row]);
                ranked.add(ranked(row, nearness));
            }
        }
        return true;
    }

    private RankedRelay ranked(int row, Nearness nearness) {
        RelayTable.Row relay = table.rows[row];
        return new RankedRelay(
                relay.relay(),
                relay.endpoint(),
                relay.hostPort(),
                relay.tlsName(),
                relay.autonomousSystem(),
                place.isEmpty() ? 0 : Math.acos(cosines[row]) * Place.EARTH_RADIUS_KM,
                nearness,
                1 / cost(row));
    }

    /** How many are offered. */
    public int size() {
        return privateMode ? table.size() : table.networkCount;
    }

    /** Whether the viewer may be sent to a relay, if not in preference to its neighbours. */
    public boolean takes(RelayKey relay) {
        return table.has(relay);
    }

    /** All of them, best first. */
    public List<RankedRelay> offered() {
        has(Integer.MAX_VALUE);
        return List.copyOf(ranked);
    }

    public List<LeftOut> leftOut() {
        has(Integer.MAX_VALUE);
        List<LeftOut> all = new ArrayList<>(table.leftOut);
        all.addAll(sameNetwork);
        return all;
    }

    /** The best one that {@code eligible} takes. */
    public Optional<RankedRelay> first(Predicate<RankedRelay> eligible) {
        for (int i = 0; has(i); i++) {
            if (eligible.test(ranked.get(i))) {
                return Optional.of(ranked.get(i));
            }
        }
        return Optional.empty();
    }

    /**
     * At most {@code max} of the offered relays that {@code eligible} takes: at most half of them (rounded up) from one AS, and the last one
     * a far one, where there is one, so that a region's outage does not take all.
     */
    public List<RankedRelay> pick(int max, Predicate<RankedRelay> eligible) {
        int most = (max + 1) / 2;
        List<RankedRelay> picked = new ArrayList<>(max);
        for (int i = 0; picked.size() < max && has(i); i++) {
            RankedRelay relay = ranked.get(i);
            if (ofItsAs(picked, relay) < most && eligible.test(relay)) {
                picked.add(relay);
            }
        }
        if (picked.size() == max && max > 1 && picked.get(max - 1).near()) {
            List<RankedRelay> nearest = picked.subList(0, max - 1);
            firstFar(relay -> ofItsAs(nearest, relay) < most && eligible.test(relay))
                    .ifPresent(far -> picked.set(max - 1, far));
        }
        return List.copyOf(picked);
    }

    /** The nearest of the far ones that {@code eligible} takes; the near ones before it stay in the heap where they are. */
    private Optional<RankedRelay> firstFar(Predicate<RankedRelay> eligible) {
        if (!farOnes && !table.networksShared()) {
            int best = -1;
            for (int i = 0; i < cosines.length; i++) {
                if (cosines[i] < limit && (best < 0 || isBefore(i, best))) {
                    best = i;
                }
            }
            if (best < 0) {
                return Optional.empty();
            }
            RankedRelay nearest = ranked(best, Nearness.FAR);
            if (eligible.test(nearest)) {
                return Optional.of(nearest);
            }
        }
        return first(relay -> !relay.near() && eligible.test(relay));
    }

    private boolean isBefore(int row, int other) {
        return cosines[row] > cosines[other] || (cosines[row] == cosines[other] && cost(row) < cost(other));
    }

    private long ofItsAs(List<RankedRelay> picked, RankedRelay relay) {
        if (privateMode || relay.autonomousSystem().isEmpty()) {
            return 0;
        }
        long same = 0;
        for (RankedRelay other : picked) {
            same += other.autonomousSystem().equals(relay.autonomousSystem()) ? 1 : 0;
        }
        return same;
    }

    /**
     * Whether enough relays hold something: two, both near, or as many as there are where there are fewer.
     *
     * <p>Deviation from the plain "two within 1.5 × the nearest's distance": where only one relay is near at all, it and any
     * second one suffice, and in a mesh of one relay that one does.
     */
    public boolean enough(Set<RelayKey> holders) {
        int wanted = Math.min(ENOUGH, size());
        int holding = 0;
        int near = 0;
        int holdingNear = 0;
        for (int i = 0; has(i); i++) { // The near ones first, so that the first few settle it as a rule.
            RankedRelay relay = ranked.get(i);
            boolean holds = holders.contains(relay.key());
            holding += holds ? 1 : 0;
            near += relay.near() ? 1 : 0;
            holdingNear += holds && relay.near() ? 1 : 0;
            boolean allNearSeen = !relay.near();
            if (holding >= wanted
                    && (holdingNear >= ENOUGH || (allNearSeen && holdingNear >= Math.min(ENOUGH, near)))) {
                return true;
            }
        }
        return size() > 0 && holding >= wanted && holdingNear >= Math.min(ENOUGH, near);
    }
}
