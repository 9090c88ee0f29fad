package live.tributary.mesh.swarm.simulation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Hosts, the origin first, and how far they are from one another: what {@code scripts/lab mesh} ran on, so that the same can be
 * simulated.
 *
 * @param bitrate of the stream, bits a second
 * @param segment how long a chunk plays, seconds
 * @param delays one way, seconds, [from][to]
 */
record Place(long bitrate, int segment, double loss, List<Host> hosts, List<List<Double>> delays) {
    private static final double SECOND = 1e9;

    /** A host's line, bits a second, and whether it can be dialled. */
    record Host(long up, long down, boolean inbound) {}

    Place {
        hosts = List.copyOf(hosts);
        delays = List.copyOf(delays);
        if (hosts.size() < 2 || delays.size() != hosts.size()) {
            throw new IllegalArgumentException("hosts: " + hosts.size() + ", rows of delays: " + delays.size()
                    + " (expected: the same, at least 2)");
        }
    }

    static Place read(String file) throws IOException {
        JsonNode json = new ObjectMapper().readTree(new File(file));
        List<Host> hosts = new ArrayList<>();
        json.get("hosts")
                .forEach(host -> hosts.add(new Host(
                        host.get("up").asLong(),
                        host.get("down").asLong(),
                        host.get("inbound").asBoolean())));
        List<List<Double>> delays = new ArrayList<>();
        json.get("delays").forEach(row -> {
            List<Double> to = new ArrayList<>();
            row.forEach(delay -> to.add(delay.asDouble()));
            delays.add(to);
        });
        return new Place(
                json.get("bitrate").asLong(),
                json.get("segment").asInt(),
                json.get("loss").asDouble(),
                hosts,
                delays);
    }

    int relays() {
        return hosts.size() - 1;
    }

    long delayNanos(int from, int to) {
        return (long) (delays.get(from).get(to) * SECOND);
    }
}
