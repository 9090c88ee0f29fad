package lbms.plugins.mldht.kad;

import java.net.InetAddress;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import lbms.plugins.mldht.kad.utils.AddressUtils;

/**
 * Tributary's own class in the place of bt-dht's one of this name: how many packets an address may send or be sent.
 *
 * <p>bt-dht's budget, a burst of ten and two a second, counts by address and not by port. In private mode a whole mesh may sit
 * behind one address, so its budget is larger; else it is the same.
 */
public class SpamThrottle {
    private static final int BURST = 10;
    private static final int PER_SECOND = 2;
    private static final int PRIVATE_FACTOR = 100;

    private final ConcurrentMap<InetAddress, Integer> packets = new ConcurrentHashMap<>();
    private final AtomicLong decayed = new AtomicLong(System.nanoTime());

    /** Counts a packet; whether it is one too many. */
    public boolean addAndTest(InetAddress address) {
        return saturatingAdd(address) >= burst();
    }

    public boolean test(InetAddress address) {
        return packets.getOrDefault(address, 0) >= burst();
    }

    public void remove(InetAddress address) {
        packets.remove(address);
    }

    /** Counts a packet to be sent; the milliseconds that it must wait. */
    public int calculateDelayAndAdd(InetAddress address) {
        int count = packets.merge(address, 1, Integer::sum);
        return Math.max(0, count - burst()) * (int) TimeUnit.SECONDS.toMillis(1) / perSecond();
    }

    public void saturatingDec(InetAddress address) {
        packets.computeIfPresent(address, (key, count) -> count <= 1 ? null : count - 1);
    }

    public int saturatingAdd(InetAddress address) {
        int most = burst();
        return packets.merge(address, 1, (count, one) -> Math.min(count + one, most));
    }

    /** Forgives what the time since the last call allows. */
    public void decay() {
        long last = decayed.get();
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - last);
        if (seconds < 1 || !decayed.compareAndSet(last, last + TimeUnit.SECONDS.toNanos(seconds))) {
            return;
        }
        long forgiven = seconds * perSecond();
        packets.replaceAll((address, count) -> (int) Math.max(0, count - forgiven));
        packets.values().removeIf(count -> count == 0);
    }

    private static int burst() {
        return AddressUtils.isPrivateAccepted() ? BURST * PRIVATE_FACTOR : BURST;
    }

    private static int perSecond() {
        return AddressUtils.isPrivateAccepted() ? PER_SECOND * PRIVATE_FACTOR : PER_SECOND;
    }
}
