package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/**
 * Issues and checks the connection ids of BEP 15 without remembering any.
 *
 * <p>An id proves that its bearer received a datagram at its address within the last two minutes, so that nobody can make the
 * tracker send to, or remember, an address that is not his. It is 0x80, the second of issue (16 bits), and the first 40 bits of a
 * keyed hash (SipHash-2-4) of that second and the address. To forge one a stranger has to guess 40 bits, blind, within two
 * minutes. The key changes every hour, before the second's 16 bits come round; the last one still counts while ids made with it
 * live. The leading byte keeps ids apart from what else arrives at the port. Callable from any thread.
 */
final class ConnectionIds {
    /** BEP 15: a tracker accepts an id until two minutes after it was sent. */
    static final long LIFETIME_SECONDS = 120;

    private static final long KEY_SECONDS = 3600;
    private static final long MARK = 0x80L << 56;
    private static final int SECOND_SHIFT = 40;
    private static final long SECOND_MASK = 0xffff;
    private static final long HASH_MASK = (1L << SECOND_SHIFT) - 1;

    private final RandomGenerator random;
    private final long start;
    private volatile Keys keys;

    private record Key(long k0, long k1) {}

    /** The key of this hour and the one before it, and the second at which the hour is over. */
    private record Keys(Key current, Key previous, long until) {}

    /**
     * @param random where keys come from: not to be guessed, so a secure one outside of tests
     * @param now monotonic, nanoseconds
     */
    ConnectionIds(RandomGenerator random, long now) {
        this.random = random;
        this.start = now;
        this.keys = new Keys(newKey(), newKey(), KEY_SECONDS);
    }

    long issue(InetAddress address, long now) {
        long second = second(now);
        return id(keys(second).current(), address, second);
    }

    boolean accepts(long id, InetAddress address, long now) {
        long second = second(now);
        long age = second - (id >>> SECOND_SHIFT) & SECOND_MASK;
        if (age > LIFETIME_SECONDS) {
            return false;
        }
        long issued = second - age;
        Keys valid = keys(second);
        return id == id(valid.current(), address, issued) || id == id(valid.previous(), address, issued);
    }

    private long second(long now) {
        return TimeUnit.NANOSECONDS.toSeconds(now - start);
    }

    private Keys keys(long second) {
        Keys valid = keys;
        return second < valid.until() ? valid : renewed(second);
    }

    private synchronized Keys renewed(long second) {
        Keys valid = keys;
        while (second >= valid.until()) {
            valid = new Keys(newKey(), valid.current(), valid.until() + KEY_SECONDS);
        }
        keys = valid;
        return valid;
    }

    private Key newKey() {
        return new Key(random.nextLong(), random.nextLong());
    }

    private static long id(Key key, InetAddress address, long second) {
        byte[] raw = address.getAddress();
        long high = 0;
        long low = 0;
        for (int i = 0; i < raw.length; i++) {
            if (i < Long.BYTES) {
                high = high << Byte.SIZE | raw[i] & 0xff;
            } else {
                low = low << Byte.SIZE | raw[i] & 0xff;
            }
        }
        long tail = second << Byte.SIZE | raw.length;
        return MARK
                | (second & SECOND_MASK) << SECOND_SHIFT
                | SipHash.of(key.k0(), key.k1(), high, low, tail) & HASH_MASK;
    }
}
