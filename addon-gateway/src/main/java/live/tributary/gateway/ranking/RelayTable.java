package live.tributary.gateway.ranking;

import java.nio.ByteBuffer;
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

    final Row[] rows;
    /** Points on the unit sphere, NaN where the place is not known: the cosine of two points' angle is three multiplications. */
    final double[] x;

    final double[] y;
    final double[] z;
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
    private final Set<RelayKey> known = new HashSet<>();

    /**
     * A relay with what a viewer is told of it.
     *
     * @param hostPort the endpoint as text
     * @param full whether it says that it has no upload left
     */
    record Row(
            RelayView relay,
            Endpoint endpoint,
            String hostPort,
            Optional<String> tlsName,
            Location location,
            Network network,
            double weight,
            boolean full) {
        OptionalLong autonomousSystem() {
            return location.autonomousSystem();
        }
    }

    RelayTable(List<Row> unordered, List<LeftOut> leftOut, long verdicts, long madeAt) {
        this.rows = unordered.stream()
                .sorted(Comparator.comparing(row -> row.relay().key()))
                .toArray(Row[]::new);
        this.leftOut = List.copyOf(leftOut);
        this.verdicts = verdicts;
        this.madeAt = madeAt;
        this.x = new double[rows.length];
        this.y = new double[rows.length];
        this.z = new double[rows.length];
        this.weights = new double[rows.length];
        this.keys = new long[rows.length];
        this.networks = new int[rows.length];
        this.autonomousSystems = new long[rows.length];
        for (int i = 0; i < rows.length; i++) {
            Row row = rows[i];
            known.add(row.relay.key());
            Optional<Place> place = row.location.place();
            x[i] = place.map(Place::x).orElse(Double.NaN);
            y[i] = place.map(Place::y).orElse(Double.NaN);
            z[i] = place.map(Place::z).orElse(Double.NaN);
            weights[i] = row.weight;
            autonomousSystems[i] = row.autonomousSystem().orElse(NONE);
            keys[i] = ByteBuffer.wrap(row.relay.key().bytes()).getLong();
            networks[i] = numbers.computeIfAbsent(row.network, network -> numbers.size());
        }
        this.networkCount = numbers.size();
    }

    boolean has(RelayKey relay) {
        return known.contains(relay);
    }

    /** The number of a network, {@link #NONE} where no relay is in it. */
    int number(Network network) {
        return numbers.getOrDefault(network, NONE);
    }

    int size() {
        return rows.length;
    }

    boolean networksShared() {
        return networkCount < rows.length;
    }
}
