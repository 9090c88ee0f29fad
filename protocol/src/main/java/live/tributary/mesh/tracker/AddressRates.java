package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.random.RandomGenerator;

/**
 * How much each address has asked of late, in a table of fixed size, callable from any thread.
 *
 * <p>A slot holds the time at which its address's allowance will be full again (the generic cell rate algorithm). Addresses that
 * meet in a slot share an allowance; the seed keeps a stranger from choosing whom he meets, and no flood makes the table grow. This
 * machine's own requests are not counted: behind them stands a proxy that does not say for whom it asks, or nobody else.
 */
final class AddressRates {
    private static final int SLOTS = 1 << 16;
    private static final long MIX = 0x9e3779b97f4a7c15L;

    private final AtomicLongArray fullAt = new AtomicLongArray(SLOTS);
    private final long seed;
    private final long nanosPerRequest;
    private final long burstNanos;
    private final long start;

    AddressRates(int perSecond, int burst, RandomGenerator random, long now) {
        this.nanosPerRequest = TimeUnit.SECONDS.toNanos(1) / perSecond;
        this.burstNanos = nanosPerRequest * burst;
        this.seed = random.nextLong();
        this.start = now;
    }

    /** Whether {@code address} may ask once more; if so, it has. */
    boolean take(InetAddress address, long now) {
        if (address.isLoopbackAddress()) {
            return true;
        }
        long time = now - start;
        int slot = slot(Network.customer(address));
        while (true) {
            long before = fullAt.get(slot);
            long after = Math.max(before, time) + nanosPerRequest;
            if (after - time > burstNanos) {
                return false;
            }
            if (fullAt.compareAndSet(slot, before, after)) {
                return true;
            }
        }
    }

    private int slot(Network network) {
        long mixed = (network.bits() ^ seed) * MIX;
        mixed = (mixed ^ mixed >>> 32 ^ network.length()) * MIX;
        return (int) (mixed >>> (Long.SIZE - Integer.numberOfTrailingZeros(SLOTS)));
    }
}
