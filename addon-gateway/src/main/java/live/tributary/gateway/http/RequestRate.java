package live.tributary.gateway.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;

/** How often each address asks: a bucket of tokens per IPv4 address or IPv6 /64. */
public final class RequestRate {
    private static final long MAX_CLIENTS = 100_000;
    private static final double NANOS_PER_SECOND = 1e9;

    private final double perSecond;
    private final double burst;
    private final Ticker ticker;
    private final Cache<Client, Bucket> buckets;

    /** An IPv4 address or the first eight bytes of an IPv6 one. */
    private record Client(long prefix, boolean ipv4) {}

    private record Bucket(double tokens, long at, boolean admitted) {}

    public RequestRate(double perSecond, double burst, Ticker ticker) {
        this.perSecond = perSecond;
        this.burst = burst;
        this.ticker = ticker;
        this.buckets = Caffeine.newBuilder()
                .maximumSize(MAX_CLIENTS)
                .expireAfterAccess(Duration.ofMillis((long) (1000 * burst / perSecond) + 1000))
                .ticker(ticker)
                .build();
    }

    /** Takes a token; false where none is left. */
    public boolean admits(InetAddress address) {
        long now = ticker.read();
        return buckets.asMap()
                .compute(key(address), (key, bucket) -> {
                    double tokens = bucket == null
                            ? burst
                            : Math.min(burst, bucket.tokens + (now - bucket.at) * perSecond / NANOS_PER_SECOND);
                    return tokens >= 1 ? new Bucket(tokens - 1, now, true) : new Bucket(tokens, now, false);
                })
                .admitted;
    }

    private static Client key(InetAddress address) {
        byte[] raw = address.getAddress();
        return address instanceof Inet4Address
                ? new Client(ByteBuffer.wrap(raw).getInt(), true)
                : new Client(ByteBuffer.wrap(raw).getLong(), false);
    }
}
