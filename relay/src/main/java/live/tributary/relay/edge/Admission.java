package live.tributary.relay.edge;

import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Who may watch here: everybody, until the upload is used up; from then on those who already do, and nobody new.
 *
 * <p>The upload counts as used up when 95 % of what two seconds allow has left in the last two seconds. A viewer is an address, for half a
 * minute after its last request. Before the relay stops it turns everybody away, who is then sent elsewhere.
 */
public final class Admission {
    private static final long WINDOW = TimeUnit.SECONDS.toNanos(2);
    private static final long STEP = TimeUnit.MILLISECONDS.toNanos(250);
    private static final double FULL = 0.95;
    private static final long REMEMBERED = TimeUnit.SECONDS.toNanos(30);
    private static final int MAX_VIEWERS = 10_000;

    private final double bytesPerNano;
    private final LongSupplier sent;
    private final LongSupplier nanoTime;
    private final Deque<Sample> samples = new ArrayDeque<>();
    private final Map<InetAddress, Long> viewers = new LinkedHashMap<>(16, 0.75f, true);

    private boolean leaving;

    private record Sample(long at, long sent) {}

    /**
     * @param sent bytes sent so far, by anything that shares the upload
     * @param nanoTime a monotonic clock
     */
    public Admission(long uploadBitsPerSecond, LongSupplier sent, LongSupplier nanoTime) {
        this.bytesPerNano = uploadBitsPerSecond / 8.0 / TimeUnit.SECONDS.toNanos(1);
        this.sent = sent;
        this.nanoTime = nanoTime;
    }

    synchronized boolean admits(InetAddress viewer) {
        long now = nanoTime.getAsLong();
        if (leaving) {
            viewers.remove(viewer);
            notifyAll();
            return false;
        }
        boolean overloaded = overloaded(now);
        Long last = viewers.get(viewer);
        if (overloaded && (last == null || now - last > REMEMBERED)) {
            return false;
        }
        viewers.put(viewer, now);
        if (viewers.size() > MAX_VIEWERS) {
            viewers.remove(viewers.keySet().iterator().next()); // The one who was silent for longest.
        }
        return true;
    }

    /** Turns everybody away from now on; returns once those who were watching have heard of it, or time is up. */
    public synchronized void leave(Duration atMost) throws InterruptedException {
        leaving = true;
        long now = nanoTime.getAsLong();
        viewers.values().removeIf(last -> now - last > REMEMBERED);
        long end = now + atMost.toNanos();
        for (long left = atMost.toNanos(); left > 0 && !viewers.isEmpty(); left = end - nanoTime.getAsLong()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    synchronized boolean isLeaving() {
        return leaving;
    }

    private boolean overloaded(long now) {
        if (samples.isEmpty() || now - samples.getLast().at() >= STEP) {
            samples.add(new Sample(now, sent.getAsLong()));
        }
        while (samples.size() > 2 && now - second().at() >= WINDOW) {
            samples.removeFirst();
        }
        Sample first = samples.getFirst();
        Sample last = samples.getLast();
        long span = last.at() - first.at();
        return span >= WINDOW - STEP && last.sent() - first.sent() >= FULL * bytesPerNano * span;
    }

    private Sample second() {
        var all = samples.iterator();
        all.next();
        return all.next();
    }
}
