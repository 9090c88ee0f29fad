package live.tributary.mesh.admin;

import java.util.concurrent.atomic.LongAdder;

/** A count that only grows, bumped from any thread; keep it rather than ask {@link Meters} for it each time. */
public final class Tally {
    private final LongAdder sum = new LongAdder();

    public void increment() {
        sum.increment();
    }

    public void add(long amount) {
        sum.add(amount);
    }

    public long sum() {
        return sum.sum();
    }
}
