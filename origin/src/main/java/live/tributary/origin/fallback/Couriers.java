package live.tributary.origin.fallback;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;

/**
 * Which relay writes which chunk to the bucket in the origin's stead, without I/O.
 *
 * <p>A chunk waits until a linked relay holds it, is handed to one, is looked for in the bucket again and again, and is the
 * origin's own to write once its time is over. Who did not deliver twice in a row is not asked for a while. {@code now} is
 * monotonic, in nanoseconds. Not thread-safe.
 */
final class Couriers {
    /** The part of its duration that a chunk waits for a relay that holds it. */
    static final double FIND_WITHIN = 0.8;
    /** The part of its duration after which the origin writes a chunk itself. */
    static final double DELIVERED_WITHIN = 1.6;

    static final Duration LOOK_AGAIN = Duration.ofMillis(150);
    /** How long who failed twice is not asked, and twice as long with each failure more: a moment's trouble is no habit. */
    static final Duration FIRST_REST = Duration.ofSeconds(5);

    static final Duration LONGEST_REST = Duration.ofMinutes(2);
    private static final Duration LONGEST_CHECK = Duration.ofSeconds(1);
    private static final int FAILURES_TO_REST = 2;

    private final RandomGenerator random;
    private final Map<ChunkRecord, Errand> errands = new HashMap<>();
    private final Map<RelayKey, Standing> standings = new HashMap<>();

    Couriers(RandomGenerator random) {
        this.random = random;
    }

    /** What is to be done for a chunk next. */
    sealed interface Step {}

    record Wait(long until) implements Step {}

    record HandTo(RelayKey relay) implements Step {}

    /** Look whether it is in the bucket. */
    record Check(RelayKey relay) implements Step {}

    record WriteOneself() implements Step {}

    private record Errand(RelayKey relay, long checkAt, int checks) {}

    private record Standing(int failures, long restsUntil) {}

    /**
     * @param holders relays with a link that hold the chunk
     * @param offered when the chunk was published
     */
    Step next(ChunkRecord record, List<RelayKey> holders, long offered, long now) {
        Errand errand = errands.get(record);
        double duration = record.body().duration().toNanos();
        if (errand != null) {
            return now - errand.checkAt() >= 0 ? new Check(errand.relay()) : new Wait(errand.checkAt());
        }
        Optional<RelayKey> relay = choose(holders, now);
        if (relay.isPresent()) {
            return new HandTo(relay.get());
        }
        boolean hopeful = now - offered < (long) (duration * FIND_WITHIN);
        return hopeful ? new Wait(now + LOOK_AGAIN.toNanos()) : new WriteOneself();
    }

    /** One of these that may be asked. */
    Optional<RelayKey> choose(List<RelayKey> holders, long now) {
        List<RelayKey> willing = holders.stream()
                .filter(relay -> Optional.ofNullable(standings.get(relay))
                        .filter(standing -> standing.failures() >= FAILURES_TO_REST)
                        .filter(standing -> now - standing.restsUntil() < 0)
                        .isEmpty())
                .toList();
        return willing.isEmpty() ? Optional.empty() : Optional.of(willing.get(random.nextInt(willing.size())));
    }

    void handed(ChunkRecord record, RelayKey relay, long now) {
        errands.put(record, new Errand(relay, now + LOOK_AGAIN.toNanos() * 2, 0));
    }

    /** It is in the bucket. */
    void delivered(ChunkRecord record) {
        Errand errand = errands.remove(record);
        if (errand != null) {
            standings.remove(errand.relay());
        }
    }

    /** It was not there yet. Returns when to look again, or empty where the origin has to write it. */
    Optional<Long> notThere(ChunkRecord record, long offered, long now) {
        Errand errand = errands.get(record);
        long end = offered + (long) (record.body().duration().toNanos() * DELIVERED_WITHIN);
        if (errand == null || now - end >= 0) {
            forget(record, now);
            return Optional.empty();
        }
        long pause = Math.min(
                LOOK_AGAIN.toNanos() << Math.min(errand.checks(), 8), LONGEST_CHECK.toNanos()); // Looking costs money.
        long again = end - now < pause ? end : now + pause;
        errands.put(record, new Errand(errand.relay(), again, errand.checks() + 1));
        return Optional.of(again);
    }

    /** The relay did not do it, or its time is over. */
    void forget(ChunkRecord record, long now) {
        Errand errand = errands.remove(record);
        if (errand != null) {
            int failures = Optional.ofNullable(standings.get(errand.relay()))
                            .map(Standing::failures)
                            .orElse(0)
                    + 1;
            standings.put(errand.relay(), new Standing(failures, now + rest(failures)));
        }
    }

    private static long rest(int failures) {
        int doublings = Math.max(0, Math.min(failures - FAILURES_TO_REST, 8));
        return Math.min(FIRST_REST.toNanos() << doublings, LONGEST_REST.toNanos());
    }
}
