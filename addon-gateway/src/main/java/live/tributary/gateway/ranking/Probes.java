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
 * <p>Each relay and address family is asked every 30 s at the latest, in turn by HTTP and by the peer wire, so that who serves wrong bytes
 * by either is out within a minute; one that is in doubt is asked sooner, and by the way that is in doubt. Not thread-safe: one thread
 * drives it.
 */
public final class Probes {
    private static final Duration USUAL = Duration.ofSeconds(25);
    private static final Duration IN_DOUBT = Duration.ofSeconds(10);
    private static final double JITTER = 0.15;
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

    /** When and by what a relay was asked last, and for which of its streams it is next. */
    private static final class Asked {
        private final long at;
        private final Via via;
        /** Of the wait until it is asked again. */
        private final double factor;

        private StreamView stream;
        private int streams = 1;

        Asked(long at, Via via, double factor, StreamView stream) {
            this.at = at;
            this.via = via;
            this.factor = factor;
            this.stream = stream;
        }
    }

    /** One piece to be fetched from one endpoint of a relay. */
    public record Probe(RelayKey relay, Endpoint endpoint, Via via, ChunkRecord record, int piece) {}

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
        List<Due> due = targets.entrySet().stream()
                .map(entry -> new Due(entry.getKey(), entry.getValue(), left(entry.getKey(), entry.getValue(), now)))
                .filter(each -> each.left <= 0)
                .sorted(Comparator.comparingLong(Due::left))
                .toList();
        for (Due each : due) {
            if (probes.size() == MAX_A_SECOND || allowance < ChunkRecord.PIECE_LENGTH) {
                break;
            }
            Optional<Probe> probe = probe(each.asked.stream, each.target, next(each.target, each.asked.via));
            if (probe.isPresent()) {
                probes.add(probe.get());
                allowance -= probe.get().record().pieceLength(probe.get().piece());
                targets.put(each.target, new Asked(now, probe.get().via(), factor(), each.asked.stream));
            }
        }
        return probes;
    }

    /** @param left nanoseconds until then, below zero once it has passed */
    private record Due(Target target, Asked asked, long left) {}

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
            double factor = factor();
            long due = now + (long) (random.nextDouble() * IN_DOUBT.toNanos());
            Via before = random.nextBoolean() ? Via.HTTP : Via.WIRE;
            targets.put(target, new Asked(due - (long) (factor * USUAL.toNanos()), before, factor, stream));
        } else if (random.nextInt(++asked.streams) == 0) {
            asked.stream = stream;
        }
    }

    private double factor() {
        return 1 - JITTER + 2 * JITTER * random.nextDouble();
    }

    /** What came of the last time counts as soon as it is known. */
    private long left(Target target, Asked asked, long now) {
        boolean doubt = inDoubt(target, Via.HTTP) || inDoubt(target, Via.WIRE);
        return asked.at + (long) (asked.factor * (doubt ? IN_DOUBT : USUAL).toNanos()) - now;
    }

    /** In turn, but where one way alone is in doubt, by that. */
    private Via next(Target target, Via before) {
        Via other = before == Via.HTTP ? Via.WIRE : Via.HTTP;
        return inDoubt(target, before) && !inDoubt(target, other) ? before : other;
    }

    private boolean inDoubt(Target target, Via via) {
        return health.inDoubt(target.relay, target.endpoint, via);
    }

    private Optional<Probe> probe(StreamView stream, Target target, Via via) {
        return newestHeld(stream, target.relay, record -> true)
                .map(record ->
                        new Probe(target.relay, target.endpoint, via, record, random.nextInt(record.pieceCount())));
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
