package live.tributary.gateway.ranking;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import live.tributary.gateway.ranking.RelayHealth.Via;
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
    private static final double NANOS_PER_SECOND = 1e9;
    /** Of the 2 Mbit/s that all probes may take, a quarter is left to {@link WireProbes}. */
    private static final int BYTES_A_SECOND = 1_750_000 / 8;

    private static final int MAX_A_SECOND = 4;

    static final int NEWEST = 5;

    /** Who there is to ask is looked up this often. */
    private static final Duration LISTED_EVERY = Duration.ofSeconds(3);

    private final RelayHealth health;
    private final RandomGenerator random;
    private final Map<Target, Asked> targets = new HashMap<>();
    private OptionalLong listedAt = OptionalLong.empty();
    private long allowance = BYTES_A_SECOND;
    private long allowedAt;

    private record Target(RelayKey relay, Endpoint endpoint) {}

    /** When a relay is to be asked again, and for which of its streams. */
    private static final class Asked {
        private final long due;
        private StreamView stream;
        private int streams = 1;

        Asked(long due, StreamView stream) {
            this.due = due;
            this.stream = stream;
        }
    }

    /** One piece to be fetched from one endpoint of a relay by plain HTTP. */
    public record Probe(RelayKey relay, Endpoint endpoint, ChunkRecord record, int piece) {}

    public Probes(RelayHealth health, RandomGenerator random) {
        this.health = health;
        this.random = random;
    }

    /**
     * What is to be fetched in this second, the longest due first; a relay that is new is asked soon.
     *
     * @param now monotonic, nanoseconds
     */
    public List<Probe> due(Collection<StreamView> streams, long now) {
        if (listedAt.isEmpty() || now - listedAt.getAsLong() >= LISTED_EVERY.toNanos()) {
            allowedAt = listedAt.isEmpty() ? now : allowedAt;
            listedAt = OptionalLong.of(now);
            list(streams, now);
        }
        allowance = Math.min(
                BYTES_A_SECOND + ChunkRecord.PIECE_LENGTH,
                allowance + (long) ((now - allowedAt) * (double) BYTES_A_SECOND / NANOS_PER_SECOND));
        allowedAt = now;
        List<Probe> probes = new ArrayList<>();
        List<Map.Entry<Target, Asked>> due = targets.entrySet().stream()
                .filter(target -> target.getValue().due - now <= 0)
                .sorted(Comparator.comparingLong(target -> target.getValue().due - now))
                .toList();
        for (Map.Entry<Target, Asked> entry : due) {
            if (probes.size() == MAX_A_SECOND || allowance < ChunkRecord.PIECE_LENGTH) {
                break;
            }
            Target target = entry.getKey();
            StreamView stream = entry.getValue().stream;
            probe(stream, target).ifPresent(probe -> {
                probes.add(probe);
                allowance -= probe.record().pieceLength(probe.piece());
                targets.put(target, new Asked(now + wait(target), stream));
            });
        }
        return probes;
    }

    /** Each relay with one of its streams, all of them equally likely. */
    private void list(Collection<StreamView> streams, long now) {
        targets.values().forEach(asked -> asked.streams = 0);
        for (StreamView stream : streams) {
            for (RelayView relay : stream.relays()) {
                if (relay.role() == NodeRole.RELAY && relay.linked()) {
                    for (Endpoint endpoint : relay.endpoints()) {
                        list(new Target(relay.key(), endpoint), stream, now);
                    }
                }
            }
        }
        targets.values().removeIf(asked -> asked.streams == 0);
    }

    private void list(Target target, StreamView stream, long now) {
        Asked asked = targets.get(target);
        if (asked == null) {
            targets.put(target, new Asked(now + (long) (random.nextDouble() * IN_DOUBT.toNanos()), stream));
        } else if (random.nextInt(++asked.streams) == 0) {
            asked.stream = stream;
        }
    }

    private long wait(Target target) {
        Duration mean = health.inDoubt(target.relay, target.endpoint, Via.HTTP) ? IN_DOUBT : USUAL;
        return (long) (mean.toNanos() * (1 - JITTER + 2 * JITTER * random.nextDouble()));
    }

    private Optional<Probe> probe(StreamView stream, Target target) {
        return newestHeld(stream, target.relay, record -> true)
                .map(record -> new Probe(target.relay, target.endpoint, record, random.nextInt(record.pieceCount())));
    }

    /** The oldest of the newest chunks that a relay says it holds. */
    static Optional<ChunkRecord> newestHeld(StreamView stream, RelayKey relay, Predicate<ChunkRecord> eligible) {
        return stream.renditions().stream()
                .flatMap(rendition -> stream.newest(rendition, NEWEST).stream())
                .filter(eligible)
                .filter(record -> stream.holderKeys(record).contains(relay))
                .findFirst();
    }
}
