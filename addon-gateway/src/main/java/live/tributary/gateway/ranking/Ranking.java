package live.tributary.gateway.ranking;

import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.RankedRelay.Nearness;
import live.tributary.protocol.stream.RelayKey;
import org.jspecify.annotations.Nullable;

/**
 * The relays of one stream in one viewer's order, and those that are left out.
 *
 * <p>The order is worked out only as far as somebody looks: an answer names three relays of two hundred. The near ones stand in a heap by
 * class of nearness, then by the choice, and leave it one by one; then the far ones do, by distance. Distances are compared by cosines,
 * so that none needs trigonometry of its own; they are worked out in an array that a thread uses again and again, since of most relays
 * nothing is asked but whether they are near. For one thread.
 */
public final class Ranking {
    /** What two verified holders are to be: enough relays (the word with a number). */
    private static final int ENOUGH = 2;

    private static final double NEAR_FACTOR = 1.5;
    /** Within this, distance says nothing: databases err by more. */
    private static final double FLOOR_KM = 100;

    private static final double FLOOR_ANGLE = FLOOR_KM / Place.EARTH_RADIUS_KM;
    private static final double FLOOR_COSINE = Math.cos(FLOOR_ANGLE);
    private static final double FLOOR_LIMIT = Math.cos(NEAR_FACTOR * FLOOR_ANGLE);
    /** Of two thirds of the way to the other end of the globe: from there on all are near. */
    private static final double TWO_THIRDS = -0.5;

    private static final int CLASS_SHIFT = 61;
    /** So many far ones are looked for one by one; who wants more gets them sorted. */
    private static final int SOUGHT_FAR = 3;

    private static final Nearness[] CLASSES = Nearness.values();
    private static final int FAR = Nearness.FAR.ordinal();
    private static final ThreadLocal<double[]> SCRATCH = ThreadLocal.withInitial(() -> new double[0]);

    private final RelayTable table;
    private final boolean placed;
    private final double vx;
    private final double vy;
    private final double vz;
    private final int network;
    private final long autonomousSystem;
    private final long choice;
    private final boolean privateMode;
    private final boolean tlsOnly;

    /** From this cosine on a relay is near. */
    private final double limit;
    /** What has not left the heap yet: sort keys, and the rows that they stand for. */
    private long[] heap;

    private int[] heapRows;
    private int heapSize;
    private int soughtFar;
    private boolean sortedFar;
    /** The far one that was found last. */
    private int lastFar = RelayTable.NONE;

    private double lastFarCosine;

    /** The rows in order, as far as it is known, and the class of each. */
    private int[] order = new int[8];

    private byte[] classes = new byte[8];
    private int ordered;
    private @Nullable BitSet taken;
    private @Nullable List<LeftOut> sameNetwork;

    Ranking(RelayTable table, Viewer viewer, long choice, boolean privateMode) {
        this.table = table;
        Optional<Place> place = viewer.location().place();
        this.placed = place.isPresent();
        this.vx = placed ? place.get().x() : 0;
        this.vy = placed ? place.get().y() : 0;
        this.vz = placed ? place.get().z() : 0;
        this.network = table.number(viewer.network());
        this.autonomousSystem = viewer.location().autonomousSystem().orElse(Long.MIN_VALUE);
        this.choice = choice;
        this.privateMode = privateMode;
        this.tlsOnly = viewer.tlsOnly();
        double[] cosines = cosines();
        double nearest = -1;
        for (int i = 0; i < table.size(); i++) {
            nearest = cosines[i] > nearest ? cosines[i] : nearest;
        }
        this.limit = nearLimit(nearest);
        int near = 0;
        for (int i = 0; i < table.size(); i++) {
            near += cosines[i] >= limit ? 1 : 0;
        }
        this.heap = new long[near];
        this.heapRows = new int[near];
        for (int i = 0; heapSize < near; i++) {
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

    /** Of the angle that counts as each relay's distance; good until this thread asks again. */
    private double[] cosines() {
        double[] cosines = SCRATCH.get();
        if (cosines.length < table.size()) {
            cosines = new double[table.size()];
            SCRATCH.set(cosines);
        }
        if (!placed) {
            Arrays.fill(cosines, 0, table.size(), 1);
            return cosines;
        }
        table.cosines(vx, vy, vz, cosines);
        for (int row : table.inAutonomousSystem(autonomousSystem)) {
            cosines[row] = Math.sqrt((1 + cosines[row]) / 2); // Of half the angle: the bytes leave no provider.
        }
        for (int row : table.inNetwork(network)) {
            cosines[row] = 1;
        }
        return cosines;
    }

    /** The cosine of 1.5 × the angle: of the angle and its half. */
    private static double nearLimit(double nearest) {
        if (nearest >= FLOOR_COSINE) {
            return FLOOR_LIMIT;
        }
        if (nearest <= TWO_THIRDS) {
            return -1;
        }
        double half = (1 + nearest) / 2; // cos² of half the angle.
        return nearest * Math.sqrt(half) - Math.sqrt((1 - nearest * nearest) * (1 - half));
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
        while (ordered <= i) {
            if (heapSize > 0) {
                int row = heapRows[0];
                int nearness = (int) (heap[0] >>> CLASS_SHIFT);
                heapSize--;
                heap[0] = heap[heapSize];
                heapRows[0] = heapRows[heapSize];
                sink(0);
                next(row, nearness);
            } else if (sortedFar) {
                return false;
            } else if (soughtFar < SOUGHT_FAR) {
                soughtFar++;
                if (!seekFar()) {
                    return false;
                }
            } else {
                sortFar();
            }
        }
        return true;
    }

    private boolean hasNear(int i) {
        while (ordered <= i && heapSize > 0) {
            has(ordered);
        }
        return ordered > i && classes[i] != FAR;
    }

    private void next(int row, int nearness) {
        if (!privateMode && table.networksShared()) {
            if (taken == null) {
                taken = new BitSet();
            }
            if (taken.get(table.networks[row])) {
                if (sameNetwork == null) {
                    sameNetwork = new ArrayList<>();
                }
                sameNetwork.add(new LeftOut(table.rows[row].relay(), LeftOut.Reason.SAME_NETWORK));
                return;
            }
            taken.set(table.networks[row]);
        }
        if (ordered == order.length) {
            order = Arrays.copyOf(order, 2 * ordered);
            classes = Arrays.copyOf(classes, 2 * ordered);
        }
        order[ordered] = row;
        classes[ordered++] = (byte) nearness;
    }

    /** Finds the far one behind the one that was found last. */
    private boolean seekFar() {
        double[] cosines = cosines();
        int best = RelayTable.NONE;
        for (int i = 0; i < table.size(); i++) {
            if (cosines[i] < limit
                    && (best == RelayTable.NONE || isBefore(i, cosines[i], best, cosines[best]))
                    && isBehindLastFar(i, cosines[i])) {
                best = i;
            }
        }
        if (best == RelayTable.NONE) {
            sortedFar = true;
            return false;
        }
        lastFar = best;
        lastFarCosine = cosines[best];
        next(best, FAR);
        return true;
    }

    private boolean isBehindLastFar(int row, double cosine) {
        return lastFar == RelayTable.NONE || isBefore(lastFar, lastFarCosine, row, cosine);
    }

    private boolean isBefore(int row, double cosine, int other, double otherCosine) {
        if (cosine != otherCosine) {
            return cosine > otherCosine;
        }
        double cost = cost(row);
        double otherCost = cost(other);
        return cost < otherCost || (cost == otherCost && row < other);
    }

    /** Puts the rest of the far ones into the heap. */
    private void sortFar() {
        sortedFar = true;
        double[] cosines = cosines();
        heap = new long[table.size()];
        heapRows = new int[table.size()];
        for (int i = 0; i < table.size(); i++) {
            if (cosines[i] < limit && isBehindLastFar(i, cosines[i])) {
                put(Nearness.FAR, 1 - cosines[i], i);
            }
        }
        heapify();
    }

    private RankedRelay relay(int row, int nearness) {
        return new RankedRelay(table.rows[row], cosine(row), CLASSES[nearness], 1 / cost(row));
    }

    /** Of one relay alone. */
    private double cosine(int row) {
        if (!placed || table.networks[row] == network) {
            return 1;
        }
        double cosine = table.cosine(vx, vy, vz, row);
        return table.autonomousSystems[row] == autonomousSystem ? Math.sqrt((1 + cosine) / 2) : cosine;
    }

    /** How many are offered. */
    public int size() {
        return privateMode ? table.size() : table.networkCount;
    }

    /** Whether the viewer may be sent to a stream's bucket: to plain http only on private networks, and only if his player takes it. */
    public boolean takes(URI bucket) {
        return "https".equalsIgnoreCase(bucket.getScheme()) || (privateMode && !tlsOnly);
    }

    /** Whether the viewer may be sent to a relay, if not in preference to its neighbours. */
    public boolean takes(RelayKey relay) {
        return table.has(relay);
    }

    /** All of them, best first. */
    public List<RankedRelay> offered() {
        List<RankedRelay> all = new ArrayList<>();
        for (int i = 0; has(i); i++) {
            all.add(relay(order[i], classes[i]));
        }
        return all;
    }

    public List<LeftOut> leftOut() {
        has(Integer.MAX_VALUE);
        List<LeftOut> all = new ArrayList<>(table.leftOut);
        if (sameNetwork != null) {
            all.addAll(sameNetwork);
        }
        return all;
    }

    /** The best one that holds something. */
    public Optional<RankedRelay> first(Holding holding) {
        int found = indexOf(holding.in(table));
        return found < 0 ? Optional.empty() : Optional.of(relay(order[found], classes[found]));
    }

    /** Whether {@link #first} finds one. */
    public boolean any(Holding holding) {
        return indexOf(holding.in(table)) >= 0;
    }

    private int indexOf(Among among) {
        if (among.size() > 0) {
            for (int i = 0; has(i); i++) {
                if (among.has(order[i])) {
                    return i;
                }
            }
        }
        return -1;
    }

    /**
     * At most {@code max} of the offered relays that hold something: at most half of them (rounded up) from one AS, and the last one
     * a far one, where there is one, so that a region's outage does not take all.
     */
    public List<RankedRelay> pick(int max, Holding holding) {
        Among among = holding.in(table);
        int most = (max + 1) / 2;
        int[] picked = new int[max];
        List<RankedRelay> relays = new ArrayList<>(max);
        for (int i = 0; relays.size() < max && has(i); i++) {
            int row = order[i];
            if (among.has(row) && ofItsAs(picked, relays.size(), row) < most) {
                picked[relays.size()] = row;
                relays.add(relay(row, classes[i]));
            }
        }
        if (relays.size() == max && max > 1 && relays.get(max - 1).near()) {
            int far = firstFar(row -> among.has(row) && ofItsAs(picked, max - 1, row) < most);
            if (far != RelayTable.NONE) {
                relays.set(max - 1, relay(far, FAR));
            }
        }
        return relays;
    }

    /** The nearest of the far ones that {@code eligible} takes; where none can stand in another's way, it is found without the near ones. */
    private int firstFar(IntPredicate eligible) {
        if (!privateMode && table.networksShared()) {
            for (int i = 0; has(i); i++) {
                if (classes[i] == FAR && eligible.test(order[i])) {
                    return order[i];
                }
            }
            return RelayTable.NONE;
        }
        double[] cosines = cosines();
        int best = RelayTable.NONE;
        for (int i = 0; i < table.size(); i++) {
            if (cosines[i] < limit
                    && (best == RelayTable.NONE || isBefore(i, cosines[i], best, cosines[best]))
                    && eligible.test(i)) {
                best = i;
            }
        }
        return best;
    }

    private int ofItsAs(int[] picked, int count, int row) {
        long wanted = table.autonomousSystems[row];
        if (privateMode || wanted == RelayTable.NONE) {
            return 0;
        }
        int same = 0;
        for (int i = 0; i < count; i++) {
            same += table.autonomousSystems[picked[i]] == wanted ? 1 : 0;
        }
        return same;
    }

    /**
     * Whether enough relays hold something: two, both near, or as many as there are where there are fewer.
     *
     * <p>Deviation from the plain "two within 1.5 × the nearest's distance": where only one relay is near at all, it and any
     * second one suffice, and in a mesh of one relay that one does.
     */
    public boolean enough(Holding holding) {
        Among among = holding.in(table);
        int wanted = Math.min(ENOUGH, size());
        if (wanted == 0 || among.size() < wanted) {
            return false;
        }
        int near = 0;
        int holdingNear = 0;
        for (int i = 0; hasNear(i); i++) {
            near++;
            holdingNear += among.has(order[i]) ? 1 : 0;
            if (holdingNear >= ENOUGH) {
                return true;
            }
        }
        return holdingNear >= Math.min(ENOUGH, near) && holdAtLeast(wanted, among);
    }

    private boolean holdAtLeast(int wanted, Among among) {
        if (privateMode || !table.networksShared()) {
            return among.size() >= wanted;
        }
        int holding = 0;
        for (int i = 0; holding < wanted && has(i); i++) {
            holding += among.has(order[i]) ? 1 : 0;
        }
        return holding >= wanted;
    }
}
