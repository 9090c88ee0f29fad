package live.tributary.gateway.ranking;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import live.tributary.protocol.stream.RelayKey;

/**
 * How the last attempts to get something verified from each relay ended.
 *
 * <p>A relay is failing from its second failure in a row until its second success in a row. One of which nothing is known is
 * not failing.
 */
public final class RelayHealth {
    private static final int IN_A_ROW = 2;
    private static final long MAX_RELAYS = 10_000;
    private static final Duration MEMORY = Duration.ofMinutes(30);

    private final Cache<RelayKey, State> states = Caffeine.newBuilder()
            .maximumSize(MAX_RELAYS)
            .expireAfterWrite(MEMORY)
            .build();

    private record State(boolean failing, int against) {
        static final State GOOD = new State(false, 0);

        /** {@code against}: outcomes in a row that speak against the present verdict. */
        State with(boolean success) {
            if (success != failing) {
                return new State(failing, 0);
            }
            return against + 1 >= IN_A_ROW ? new State(!failing, 0) : new State(failing, against + 1);
        }
    }

    public void succeeded(RelayKey relay) {
        record(relay, true);
    }

    public void failed(RelayKey relay) {
        record(relay, false);
    }

    public boolean failing(RelayKey relay) {
        State state = states.getIfPresent(relay);
        return state != null && state.failing;
    }

    private void record(RelayKey relay, boolean success) {
        states.asMap().compute(relay, (key, state) -> (state == null ? State.GOOD : state).with(success));
    }
}
