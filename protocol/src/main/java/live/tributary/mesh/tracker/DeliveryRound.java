package live.tributary.mesh.tracker;

import io.netty.util.concurrent.EventExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Gives the browsers of one event loop what is there for them, all together: at once where none was given anything of late, else
 * when the last round is five milliseconds old.
 *
 * <p>A browser that announces gets an answer, and soon after the offers and answers of several others. By rounds these leave by
 * one system call, and another event loop is woken once for all that it is told; nobody notices five milliseconds before a
 * connection that takes hundreds to make. Called from any thread.
 */
final class DeliveryRound {
    static final long LENGTH = TimeUnit.MILLISECONDS.toNanos(5);

    private final EventExecutor loop;
    private List<WebSocketPeer> due = new ArrayList<>();
    private long next;

    DeliveryRound(EventExecutor loop) {
        this.loop = loop;
        this.next = loop.ticker().nanoTime();
    }

    /** A browser of this loop has something waiting. */
    void add(WebSocketPeer peer) {
        boolean first;
        long wait;
        synchronized (this) {
            first = due.isEmpty();
            due.add(peer);
            wait = next - loop.ticker().nanoTime();
        }
        if (first && wait <= 0) {
            loop.execute(this::deliver);
        } else if (first) {
            loop.schedule(this::deliver, wait, TimeUnit.NANOSECONDS);
        }
    }

    private void deliver() {
        List<WebSocketPeer> taken;
        synchronized (this) {
            taken = due;
            due = new ArrayList<>(taken.size());
            next = loop.ticker().nanoTime() + LENGTH;
        }
        taken.forEach(WebSocketPeer::deliver);
    }
}
