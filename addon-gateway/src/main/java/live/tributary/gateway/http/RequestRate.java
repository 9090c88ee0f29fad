package live.tributary.gateway.http;

import com.github.benmanes.caffeine.cache.Ticker;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * How often each address asks: so many a second per IPv4 address or IPv6 /64, and so many at once.
 *
 * <p>Of each client one number is kept, the time at which its next request would be in step (the generic cell rate algorithm): a bucket
 * of tokens with nothing to fill. A client whose time has passed is as good as one that was never seen, so that its place in the table,
 * which has a fixed size, is free; where all places that a client may take are taken, the one that would be free the soonest is forgotten.
 */
public final class RequestRate {
    /** The most that are remembered at a time. */
    static final int MAX_CLIENTS = 1 << 17;

    private static final int WAYS = 8;
    private static final int SETS = MAX_CLIENTS / WAYS;
    private static final int LOCKS = 256;
    private static final double NANOS_PER_SECOND = 1e9;
    /** Of multicast, which nobody sends from: no /64 is taken for an IPv4 address. */
    private static final long IPV4 = 0xFFFFL << Integer.SIZE + Short.SIZE;

    private final long interval;
    private final long tolerance;
    private final Ticker ticker;
    private final long[] clients = new long[MAX_CLIENTS];
    private final long[] inStepAt = new long[MAX_CLIENTS];
    /** Each guards the sets whose number has its own as remainder. */
    private final Object[] locks = Stream.generate(Object::new).limit(LOCKS).toArray();

    public RequestRate(double perSecond, double burst, Ticker ticker) {
        this.interval = (long) (NANOS_PER_SECOND / perSecond);
        this.tolerance = (long) ((burst - 1) * interval);
        this.ticker = ticker;
        Arrays.fill(inStepAt, ticker.read());
    }

    /** Counts a request; false where the address has asked too often. */
    public boolean admits(InetAddress address) {
        long client = prefix(address);
        int set = (int) ((client * 0x9E3779B97F4A7C15L >>> Integer.SIZE) % SETS);
        synchronized (locks[set % LOCKS]) {
            long now = ticker.read();
            int place = place(client, set * WAYS);
            long due = clients[place] == client ? Math.max(0, inStepAt[place] - now) : 0;
            if (due > tolerance) {
                return false;
            }
            clients[place] = client;
            inStepAt[place] = now + due + interval;
            return true;
        }
    }

    /** The client's place, or that which is free or the soonest to be. */
    private int place(long client, int from) {
        int soonest = from;
        for (int i = from; i < from + WAYS; i++) {
            if (clients[i] == client) {
                return i;
            }
            soonest = inStepAt[i] - inStepAt[soonest] < 0 ? i : soonest;
        }
        return soonest;
    }

    private static long prefix(InetAddress address) {
        byte[] raw = address.getAddress();
        return address instanceof Inet4Address
                ? IPV4 | ByteBuffer.wrap(raw).getInt() & 0xFFFF_FFFFL
                : ByteBuffer.wrap(raw).getLong();
    }
}
