package live.tributary.origin.standby;

import java.time.Duration;
import java.util.Optional;

/**
 * Decides when the origin that stands by takes over; without I/O, {@code now} is monotonic, in nanoseconds.
 *
 * <p>The other is quiet once nothing new came for two and a half target durations: one that every segment takes, one and a half of
 * patience. A player keeps three, so it is served on before it runs dry. Whoever has lost sight of all relays does not know who is
 * quiet, and waits longer.
 */
final class StandbyWatch {
    static final Duration SHORTEST_QUIET = Duration.ofSeconds(3);
    /** How long a node that lost all its relays takes itself for cut off, not the other for dead. */
    static final Duration CUT_OFF = Duration.ofSeconds(60);

    private static final int HALVES_OF_TARGET = 5;

    private final Duration lookAround;
    private final long startedAt;
    private Optional<Long> heardAt = Optional.empty();
    private Optional<Long> relaysAt = Optional.empty();

    /** What there is to do. */
    enum Verdict {
        FOLLOW,
        /** It would be time, but no relay is in sight. */
        WAIT_FOR_RELAYS,
        TAKE_OVER
    }

    /** @param lookAround how long nothing must be heard at the start before nobody publishes */
    StandbyWatch(Duration lookAround, long now) {
        this.lookAround = lookAround;
        this.startedAt = now;
    }

    /** The other origin published something. */
    void heard(long now) {
        heardAt = Optional.of(now);
    }

    static Duration quiet(Duration target) {
        Duration patience = target.multipliedBy(HALVES_OF_TARGET).dividedBy(2);
        return patience.compareTo(SHORTEST_QUIET) < 0 ? SHORTEST_QUIET : patience;
    }

    /**
     * @param target the feed's target duration
     * @param feedReady whether this origin's own feed has something that the mesh does not have
     * @param relays those linked now
     */
    Verdict verdict(Duration target, boolean feedReady, int relays, long now) {
        if (relays > 0) {
            relaysAt = Optional.of(now);
        }
        boolean quiet =
                heardAt.map(at -> now - at >= quiet(target).toNanos()).orElse(now - startedAt >= lookAround.toNanos());
        if (!quiet || !feedReady) {
            return Verdict.FOLLOW;
        }
        boolean cutOff = relays == 0
                && relaysAt.filter(at -> now - at < CUT_OFF.toNanos()).isPresent();
        return cutOff ? Verdict.WAIT_FOR_RELAYS : Verdict.TAKE_OVER;
    }
}
