package live.tributary.gateway.ranking;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;

/**
 * Which relay is next asked for one piece of a chunk that it says it holds, so that {@link RelayHealth} rests on verified bytes.
 *
 * <p>Each relay and address family is asked every 30 s, give or take; one that is in doubt sooner, so that a failing one is out
 * within a minute. Not thread-safe: one thread drives it.
 */
public final class Probes {
    private static final Duration USUAL = Duration.ofSeconds(30);
    private static final Duration IN_DOUBT = Duration.ofSeconds(10);
    private static final double JITTER = 0.25;
    /** A piece is half a Mbit: three a second stay below the 2 Mbit/s that all probes may take. */
    private static final int MAX_A_SECOND = 3;

    private static final int NEWEST = 5;

    private final RelayHealth health;
    private final RandomGenerator random;
    private final Map<Target, Long> due = new HashMap<>();

    private record Target(RelayKey relay, Endpoint endpoint) {}

    /** One piece to be fetched from one endpoint of a relay by plain HTTP. */
    public record Probe(RelayKey relay, Endpoint endpoint, ChunkRecord record, int piece) {}

    public Probes(RelayHealth health, RandomGenerator random) {
        this.health = health;
        this.random = random;
    }

    /**
     * What is to be fetched in this second; a relay that is new is asked soon.
     *
     * @param now monotonic, nanoseconds
     */
    public List<Probe> due(Collection<StreamView> streams, long now) {
        List<Probe> probes = new ArrayList<>();
        Set<Target> present = new HashSet<>();
        for (StreamView stream : streams) {
            for (RelayView relay : stream.relays()) {
                if (relay.role() == NodeRole.RELAY && relay.linked()) {
                    for (Endpoint endpoint : relay.endpoints()) {
                        Target target = new Target(relay.key(), endpoint);
                        present.add(target);
                        long at = due.computeIfAbsent(
                                target, t -> now + (long) (random.nextDouble() * IN_DOUBT.toNanos()));
                        if (probes.size() < MAX_A_SECOND && at - now <= 0) {
                            probe(stream, relay, endpoint).ifPresent(probe -> {
                                probes.add(probe);
                                due.put(target, now + wait(relay.key(), endpoint));
                            });
                        }
                    }
                }
            }
        }
        due.keySet().retainAll(present);
        return probes;
    }

    private long wait(RelayKey relay, Endpoint endpoint) {
        Duration mean = health.inDoubt(relay, endpoint) ? IN_DOUBT : USUAL;
        return (long) (mean.toNanos() * (1 - JITTER + 2 * JITTER * random.nextDouble()));
    }

    private Optional<Probe> probe(StreamView stream, RelayView relay, Endpoint endpoint) {
        return stream.renditions().stream()
                .flatMap(rendition -> stream.newest(rendition, NEWEST).stream())
                .filter(record -> stream.holders(record).stream()
                        .anyMatch(holder -> holder.key().equals(relay.key())))
                .findFirst()
                .map(record -> new Probe(relay.key(), endpoint, record, random.nextInt(record.pieceCount())));
    }
}
