package live.tributary.relay.nat;

import java.net.InetAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import live.tributary.protocol.stream.Endpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that keeps the relay's port mapped; neither the start nor, beyond two seconds, the stop of the program waits for a
 * router. The stop may begin while other parts of the program end: see {@link #stopSoon}.
 */
public final class PortMapper implements AutoCloseable {
    private static final long STOP_MILLIS = 2_000;
    private static final Logger LOG = LoggerFactory.getLogger(PortMapper.class);

    private final Routers routers;
    private final PortMapping mapping;
    private final Thread thread;
    private boolean stopping;

    /**
     * Starts at once.
     *
     * @param reachable whether the world reaches such an address
     * @param mapped hears where the port is reached from now on; on the thread's own
     * @param unmapped hears where it no longer is
     */
    public PortMapper(
            Routers routers,
            int port,
            Predicate<InetAddress> reachable,
            Consumer<Endpoint> mapped,
            Consumer<Endpoint> unmapped) {
        this.routers = routers;
        this.mapping = new PortMapping(routers, port, reachable, mapped, unmapped);
        this.thread = new Thread(this::run, "relay-port-mapping");
        thread.setDaemon(true);
        thread.start();
    }

    /** What came of it, in plain words. */
    public String text() {
        return mapping.text();
    }

    private void run() {
        try {
            while (pause(mapping.step())) {
                // Each step says when the next is due.
            }
            mapping.release();
        } catch (InterruptedException e) {
            LOG.debug("port mapping: given up, since the program stops");
        } catch (RuntimeException e) {
            LOG.error("port mapping failed", e);
        } finally {
            routers.close();
        }
    }

    /** Whether to go on. */
    private synchronized boolean pause(Duration length) throws InterruptedException {
        long until = System.nanoTime() + length.toNanos();
        long left = length.toNanos();
        while (!stopping && left > 0) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
            left = until - System.nanoTime();
        }
        return !stopping;
    }

    /** By which protocol the port is mapped now; empty where it is not. */
    public Optional<String> protocol() {
        return mapping.protocol();
    }

    /** Begins to take the mapping back, or gives a search up, and returns at once. */
    public synchronized void stopSoon() {
        if (stopping) {
            return; // The router is being asked already.
        }
        stopping = true;
        notifyAll();
        if (mapping.protocol().isEmpty()) {
            thread.interrupt();
        }
    }

    @Override
    public void close() throws InterruptedException {
        stopSoon();
        thread.join(STOP_MILLIS);
        thread.interrupt();
    }
}
