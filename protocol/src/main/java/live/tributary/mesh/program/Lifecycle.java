package live.tributary.mesh.program;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The parts of a running program, closed in the reverse order of their start, and the news that it shall end. */
public final class Lifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private final AtomicBoolean failed = new AtomicBoolean();

    /** Closes {@code part} when the program ends, before all that were added earlier. */
    public synchronized <T extends AutoCloseable> T add(T part) {
        parts.push(part);
        return part;
    }

    /** Ends the program with exit code 1: a part failed that it cannot do without. From any thread; returns at once. */
    public void fail(String what, Throwable cause) {
        if (failed.compareAndSet(false, true)) {
            LOG.error("{}", what, cause);
        }
        end.countDown();
    }

    /** Ends the program in order. */
    public void stop() {
        end.countDown();
    }

    boolean failed() {
        return failed.get();
    }

    void awaitEnd() throws InterruptedException {
        end.await();
    }

    synchronized void close() {
        while (!parts.isEmpty()) {
            AutoCloseable part = parts.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("closing {} failed", part.getClass().getSimpleName(), e);
            }
        }
    }
}
