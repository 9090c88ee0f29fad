package live.tributary.mesh.net;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits on a fact, with a bound. */
public final class Eventually {
    private static final Duration BOUND = Duration.ofSeconds(40);
    private static final long LOOK_EVERY_NANOS = 5_000_000;

    private Eventually() {}

    public static void holds(String fact, BooleanSupplier condition) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not within " + BOUND + ": " + fact);
            }
            LockSupport.parkNanos(LOOK_EVERY_NANOS);
        }
    }
}
