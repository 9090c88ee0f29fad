package live.tributary.mesh.tracker;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/** Counts what became of the requests of one transport. */
final class AnnounceCounters {
    private static final String NAME = "tributary.announces";

    private final Map<Result, Counter> counters = new EnumMap<>(Result.class);

    enum Result {
        ANSWERED,
        SCRAPED,
        /** A connection id was given out. */
        CONNECTED,
        UNKNOWN,
        LIMITED,
        MALFORMED,
        /** UDP without a connection id that holds: not answered. */
        UNVERIFIED
    }

    AnnounceCounters(MeterRegistry registry, String transport) {
        for (Result result : Result.values()) {
            counters.put(
                    result,
                    Counter.builder(NAME)
                            .tag("transport", transport)
                            .tag("result", result.name().toLowerCase(Locale.ROOT))
                            .register(registry));
        }
    }

    void count(Result result) {
        Counter counter = counters.get(result);
        if (counter != null) {
            counter.increment();
        }
    }
}
