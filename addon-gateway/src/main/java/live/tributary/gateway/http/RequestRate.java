package live.tributary.gateway.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How often each address asks: so many a second per IPv4 address or IPv6 /64, and so many at once.
 *
 * <p>Of each client one number is kept, the time at which its next request would be in step (the generic cell rate algorithm): a bucket
 * of tokens with nothing to fill.
 */
public final class RequestRate {
    private static final long MAX_CLIENTS = 100_000;
    private static final double NANOS_PER_SECOND = 1e9;

    private final long interval;
    private final long tolerance;
    private final Ticker ticker;
    private final Cache<Client, AtomicLong> inStepAt;

    /** An IPv4 address or the first eight bytes of an IPv6 one. */
    private record Client(long prefix, boolean ipv4) {}

    public RequestRate(double perSecond, double burst, Ticker ticker) {
        this.interval = (long) (NANOS_PER_SECOND / perSecond);
        this.tolerance = (long) ((burst - 1) * interval);
        this.ticker = ticker;
        this.inStepAt = Caffeine.newBuilder()
                .maximumSize(MAX_CLIENTS)
                .expireAfterAccess(Duration.ofNanos(tolerance + interval).plusSeconds(1))
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** Counts a request; false where the address has asked too often. */
    public boolean admits(InetAddress address) {
        long now = ticker.read();
        AtomicLong next = inStepAt.get(key(address), client -> new AtomicLong(now));
        while (true) {
            long due = next.get();
            if (due - now > tolerance) {
                return false;
            }
            if (next.compareAndSet(due, (due - now > 0 ? due : now) + interval)) {
                return true;
            }
        }
    }

    private static Client key(InetAddress address) {
        byte[] raw = address.getAddress();
        return address instanceof Inet4Address
                ? new Client(ByteBuffer.wrap(raw).getInt(), true)
                : new Client(ByteBuffer.wrap(raw).getLong(), false);
    }
}
