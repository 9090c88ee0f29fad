package live.tributary.gateway.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** How often each address asks: a bucket of tokens per IPv4 address or IPv6 /64. */
public final class RequestRate {
    private static final long MAX_CLIENTS = 100_000;
    private static final double NANOS_PER_SECOND = 1e9;
    private static final int V6_PREFIX_BYTES = 8;

    private final double perSecond;
    private final double burst;
    private final Ticker ticker;
    private final Cache<List<Byte>, Bucket> buckets;

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

    private static List<Byte> key(InetAddress address) {
        byte[] raw = address.getAddress();
        byte[] prefix = address instanceof Inet4Address ? raw : Arrays.copyOf(raw, V6_PREFIX_BYTES);
        Byte[] key = new Byte[prefix.length];
        Arrays.setAll(key, i -> prefix[i]);
        return List.of(key);
    }
}
