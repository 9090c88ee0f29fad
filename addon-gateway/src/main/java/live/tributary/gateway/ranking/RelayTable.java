package live.tributary.gateway.ranking;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;

/**
 * The relays that viewers of one kind (address family, http or not) may be sent to, as columns: what a ranking reads of each relay lies
 * beside the next one's. In order of their keys.
 */
final class RelayTable {
    /** No network in here, no known AS. */
    static final int NONE = -1;

    private static final int[] NO_ROWS = {};
    /** What stands for a distance where the viewer's place is known and the relay's is not. */
    private static final double UNKNOWN = Math.cos(5_000 / Place.EARTH_RADIUS_KM);

    /** Of this table alone; who only wants to know a table again keeps this, and not the table. */
    final Object identity = new Object();

    /** Of {@link RelaySet#kind}. */
    final int kind;

    final Row[] rows;
    /** Points on the unit sphere: the cosine of two points' angle is three multiplications. */
    private final double[] x;

    private final double[] y;
    private final double[] z;
    /** What is added to that: where the place is not known, the point is the origin, and this is all there is. */
    private final double[] unknown;

    final double[] weights;
    /** The first eight bytes of each relay's key. */
    final long[] keys;
    /** Which /24 or /48 each is in: equal numbers, equal networks. */
    final int[] networks;

    /** Which AS announces each; {@link #NONE} where nobody knows. */
    final long[] autonomousSystems;

    final int networkCount;
    final List<LeftOut> leftOut;
    /** How many verdicts of health there had been. */
    final long verdicts;

    final long madeAt;
    private final Map<Network, Integer> numbers = new HashMap<>();
    private final Map<Long, int[]> byAutonomousSystem = new HashMap<>();
    private final int[][] byNetwork;
    private final Set<RelayKey> known = new HashSet<>();

    /**
     * A relay with what a viewer is told of it.
     *
     * @param full whether it says that it has no upload left
     */
    record Row(
            RelayView relay,
            Endpoint endpoint,
            Optional<String> tlsName,
            RelayUrls urls,
            Location location,
            Network network,
            double weight,
            boolean full) {
        OptionalLong autonomousSystem() {
            return location.autonomousSystem();
        }
    }

    RelayTable(int kind, List<Row> unordered, List<LeftOut> leftOut, long verdicts, long madeAt) {
        this.kind = kind;
        this.rows = unordered.stream()
                .sorted(Comparator.comparing(row -> row.relay().key()))
                .toArray(Row[]::new);
        this.leftOut = List.copyOf(leftOut);
        this.verdicts = verdicts;
        this.madeAt = madeAt;
        this.x = new double[rows.length];
        this.y = new double[rows.length];
        this.z = new double[rows.length];
        this.unknown = new double[rows.length];
        this.weights = new double[rows.length];
        this.keys = new long[rows.length];
        this.networks = new int[rows.length];
        this.autonomousSystems = new long[rows.length];
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            known.add(row.relay.key());
            Optional<Place> place = row.location.place();
            x[i] = place.map(Place::x).orElse(0.0);
            y[i] = place.map(Place::y).orElse(0.0);
            z[i] = place.map(Place::z).orElse(0.0);
            unknown[i] = place.isPresent() ? 0 : UNKNOWN;
            weights[i] = row.weight;
            autonomousSystems[i] = row.autonomousSystem().orElse(NONE);
            if (row.autonomousSystem().isPresent()) {
                byAutonomousSystem.merge(autonomousSystems[i], new int[] {i}, RelayTable::joined);
            }
            keys[i] = ByteBuffer.wrap(row.relay.key().bytes()).getLong();
            networks[i] = numbers.computeIfAbsent(row.network, network -> numbers.size());
        }
        this.networkCount = numbers.size();
        this.byNetwork = new int[networkCount][];
        Arrays.fill(byNetwork, NO_ROWS);
        for (int i = 0; i < rows.length; i++) {
            byNetwork[networks[i]] = joined(byNetwork[networks[i]], new int[] {i});
        }
    }

    private static int[] joined(int[] some, int[] more) {
        int[] all = Arrays.copyOf(some, some.length + more.length);
        System.arraycopy(more, 0, all, some.length, more.length);
        return all;
    }

    /** Writes the cosine of each relay's angle as seen from a point on the unit sphere. */
    void cosines(double vx, double vy, double vz, double[] into) {
        for (int i = 0; i < rows.length; i++) {
            into[i] = vx * x[i] + vy * y[i] + vz * z[i] + unknown[i];
        }
    }

    double cosine(double vx, double vy, double vz, int row) {
        return vx * x[row] + vy * y[row] + vz * z[row] + unknown[row];
    }

    boolean has(RelayKey relay) {
        return known.contains(relay);
    }

    /** The number of a network, {@link #NONE} where no relay is in it. */
    int number(Network network) {
        return numbers.getOrDefault(network, NONE);
    }

    /** The rows of the relays in the network of this number. */
    int[] inNetwork(int number) {
        return number == NONE ? NO_ROWS : byNetwork[number];
    }

    /** The rows of the relays of an AS. */
    int[] inAutonomousSystem(long number) {
        return byAutonomousSystem.getOrDefault(number, NO_ROWS);
    }

    int size() {
        return rows.length;
    }

    boolean networksShared() {
        return networkCount < rows.length;
    }
}
