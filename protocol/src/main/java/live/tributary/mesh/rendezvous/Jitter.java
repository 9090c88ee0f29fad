package live.tributary.mesh.rendezvous;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Spreads periods by a fifth either way, so that nodes started together do not stay in step. */
record Jitter(RandomGenerator random) {
    private static final double SPREAD = 0.2;

    Duration around(Duration period) {
        double factor = 1 + SPREAD * (2 * random.nextDouble() - 1);
        return Duration.ofNanos((long) (period.toNanos() * factor));
    }

    static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
