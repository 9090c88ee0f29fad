package live.tributary.mesh.net;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded pool for what an event loop must not do itself, such as signatures and hashes; answers come back to the loop that asked.
 *
 * <p>A check that finds the queue full is asked again a little later: what is checked was bounded before it came here.
 */
final class Checks implements AutoCloseable {
    private static final int MAX_WAITING = 2048;
    private static final long AGAIN_MILLIS = 20;
    private static final Logger LOG = LoggerFactory.getLogger(Checks.class);

    private final ThreadPoolExecutor pool;

    Checks(String role, int threads) {
        pool = new ThreadPoolExecutor(
                threads,
                threads,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MAX_WAITING),
                new DefaultThreadFactory(role, true));
    }

    /** Asks on the pool and tells on the loop; nothing is told after either was closed. */
    <T> void ask(EventLoop loop, Supplier<T> question, Consumer<T> answer) {
        try {
            pool.execute(() -> run(loop, question, answer));
        } catch (RejectedExecutionException e) {
            if (!pool.isShutdown() && !loop.isShuttingDown()) {
                loop.schedule(() -> ask(loop, question, answer), AGAIN_MILLIS, TimeUnit.MILLISECONDS);
            }
        }
    }

    private static <T> void run(EventLoop loop, Supplier<T> question, Consumer<T> answer) {
        try {
            T result = question.get();
            if (!loop.isShuttingDown()) {
                loop.execute(() -> answer.accept(result));
            }
        } catch (RejectedExecutionException e) {
            LOG.debug("answer after the loop was closed");
        }
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }
}
