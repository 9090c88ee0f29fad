package live.tributary.origin.publish;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that the test moves. */
public final class FixedClock implements InstantSource {
    private Instant now = Instant.parse("2026-11-22T06:00:00Z");

    @Override
    public Instant instant() {
        return now;
    }

    public void move(Duration by) {
        now = now.plus(by);
    }

    long nanoTime() {
        return now.toEpochMilli() * 1_000_000;
    }
}
