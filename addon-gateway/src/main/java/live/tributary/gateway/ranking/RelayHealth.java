package live.tributary.gateway.ranking;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;

/**
 * How the last attempts to get something verified from each relay ended, apart for IPv4 and IPv6, and for HTTP and the peer wire.
 *
 * <p>A relay is failing by one of these ways from its second failure in a row, or from its first wrong bytes, until its second success in a row. One of
 * which nothing is known is not failing, and one that fails by either way is offered for neither: who serves garbage here is not
 * trusted there.
 */
public final class RelayHealth {
    private static final int IN_A_ROW = 2;
    private static final long MAX_PATHS = 20_000;
    private static final Duration MEMORY = Duration.ofMinutes(30);

    private final Cache<Path, State> states = Caffeine.newBuilder()
            .maximumSize(MAX_PATHS)
            .expireAfterWrite(MEMORY)
            .build();

    private final AtomicLong verdicts = new AtomicLong();

    /** What came of asking a relay for a piece. */
    public enum Outcome {
        SERVED,
        /** Refused, too slow, too short: that happens to honest ones. */
        FAILED,
        /** As many bytes as were asked for, and not those that the stream signed: it does not happen by chance. */
        GARBAGE
    }

    /** By what a relay was asked. */
    public enum Via {
        HTTP,
        WIRE
    }

    private record Path(RelayKey relay, boolean ipv4, Via via) {}

    /** {@code against}: outcomes in a row that speak against the present verdict. */
    private record State(boolean failing, int against) {
        static final State GOOD = new State(false, 0);

        State with(Outcome outcome) {
            if (outcome == Outcome.GARBAGE) {
                return new State(true, 0);
            }
            if ((outcome == Outcome.SERVED) != failing) {
                return new State(failing, 0);
            }
            return against + 1 >= IN_A_ROW ? new State(!failing, 0) : new State(failing, against + 1);
        }
    }

    public boolean failing(RelayKey relay, Endpoint endpoint) {
        return state(relay, endpoint, Via.HTTP).failing || state(relay, endpoint, Via.WIRE).failing;
    }

    /** Whether the last word is not yet the verdict: one more outcome settles it. */
    boolean inDoubt(RelayKey relay, Endpoint endpoint, Via via) {
        State state = state(relay, endpoint, via);
        return state.failing || state.against > 0;
    }

    private State state(RelayKey relay, Endpoint endpoint, Via via) {
        State state = states.getIfPresent(new Path(relay, endpoint.isIpv4(), via));
        return state == null ? State.GOOD : state;
    }

    /** Takes what came of asking by HTTP. */
    public void record(RelayKey relay, Endpoint endpoint, Outcome outcome) {
        record(relay, endpoint, Via.HTTP, outcome);
    }

    public void record(RelayKey relay, Endpoint endpoint, Via via, Outcome outcome) {
        states.asMap().compute(new Path(relay, endpoint.isIpv4(), via), (path, state) -> {
            State before = state == null ? State.GOOD : state;
            State after = before.with(outcome);
            if (after.failing != before.failing) {
                verdicts.incrementAndGet();
            }
            return after;
        });
    }

    /** How many verdicts have changed: what was worked out from them holds as long as this stays the same. */
    long verdicts() {
        return verdicts.get();
    }
}
