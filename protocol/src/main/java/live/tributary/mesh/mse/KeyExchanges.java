package live.tributary.mesh.mse;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import live.tributary.protocol.mse.MseKey;
import live.tributary.protocol.mse.MseSecret;

/**
 * The arithmetic of encrypted handshakes, on a bounded pool off the event loops. Callable from any thread.
 *
 * <p>An exchange costs half a millisecond for a hundred bytes from anybody, so each address gets its share of them, and what finds
 * the queue full is refused: the dialling client comes back.
 */
public final class KeyExchanges implements AutoCloseable {
    /** What one IPv4 address, or one IPv6 /64, may start at once. */
    static final int BURST = 20;
    /** How long it takes for one more. */
    static final Duration REFILL = Duration.ofMillis(250);
    /** The most that wait; the last of them waits about an eighth of a second. */
    static final int MAX_WAITING = 256;
    /** Addresses remembered; beyond that the longest unheard is forgotten. */
    static final int MAX_ADDRESSES = 4096;

    private static final int MAX_PADDING = 512;
    private static final int V6_PREFIX = 8;

    private final Executor pool;
    private final AutoCloseable closing;
    private final Random random;
    private final LongSupplier nanoTime;

    /** When the whole burst of an address is there again; guarded by itself. */
    private final Map<ByteBuffer, Long> fullAgain = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<ByteBuffer, Long> eldest) {
            return size() > MAX_ADDRESSES;
        }
    };

    /**
     * One side's part of a finished exchange.
     *
     * @param publicKey what the other side needs, followed by {@code padding} of random length
     * @param secret empty where the other side's key was no good
     */
    record Agreed(byte[] publicKey, byte[] padding, Optional<MseSecret> secret) {}

    /** A key of the dialling side, and the padding behind it. */
    record Opened(MseKey key, byte[] padding) {}

    private KeyExchanges(Executor pool, AutoCloseable closing, Random random, LongSupplier nanoTime) {
        this.pool = pool;
        this.closing = closing;
        this.random = random;
        this.nanoTime = nanoTime;
    }

    /**
     * @param random makes keys
     * @param nanoTime a monotonic clock
     */
    public static KeyExchanges start(Random random, LongSupplier nanoTime) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MAX_WAITING),
                new DefaultThreadFactory("key-exchanges", true));
        return new KeyExchanges(pool, pool::shutdownNow, random, nanoTime);
    }

    /** On an executor of the caller's, who may refuse tasks. */
    static KeyExchanges on(Executor executor, Random random, LongSupplier nanoTime) {
        return new KeyExchanges(executor, () -> {}, random, nanoTime);
    }

    /**
     * The accepting side's exchange; {@code then} is told on {@code loop}.
     *
     * @return false where the address has had its share or too many wait: nothing will be told
     */
    boolean accept(InetAddress from, byte[] theirKey, Executor loop, Consumer<Agreed> then) {
        return mayStart(from)
                && run(loop, then, () -> {
                    MseKey key = new MseKey(random);
                    return new Agreed(key.publicKey(), padding(), key.agree(theirKey));
                });
    }

    /** The dialling side's key. */
    boolean open(Executor loop, Consumer<Opened> then) {
        return run(loop, then, () -> new Opened(new MseKey(random), padding()));
    }

    /** The dialling side's second step. */
    boolean agree(MseKey key, byte[] theirKey, Executor loop, Consumer<Optional<MseSecret>> then) {
        return run(loop, then, () -> key.agree(theirKey));
    }

    private interface Work<T> {
        T done();
    }

    private <T> boolean run(Executor loop, Consumer<T> then, Work<T> work) {
        try {
            pool.execute(() -> {
                T result = work.done();
                try {
                    loop.execute(() -> then.accept(result));
                } catch (RejectedExecutionException e) {
                    return; // The loop is shut down, and its channels with it.
                }
            });
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private boolean mayStart(InetAddress from) {
        if (from.isLoopbackAddress()) {
            return true;
        }
        byte[] raw = from.getAddress();
        ByteBuffer key =
                ByteBuffer.wrap(raw, 0, Math.min(raw.length, V6_PREFIX)).slice();
        long now = nanoTime.getAsLong();
        synchronized (fullAgain) {
            long full = fullAgain.getOrDefault(key, now);
            long after = (full - now > 0 ? full : now) + REFILL.toNanos();
            if (after - now > BURST * REFILL.toNanos()) {
                return false;
            }
            fullAgain.put(key, after);
            return true;
        }
    }

    private byte[] padding() {
        byte[] padding = new byte[random.nextInt(MAX_PADDING + 1)];
        random.nextBytes(padding);
        return padding;
    }

    @Override
    public void close() throws Exception {
        closing.close();
    }
}
