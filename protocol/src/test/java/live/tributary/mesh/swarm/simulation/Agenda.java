package live.tributary.mesh.swarm.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The virtual clock and all that is to happen.
 *
 * <p>Nearly everything happens within half a second, so the near future lies in a wheel of short spans, unsorted; only the span
 * that is now, and what is further off than the wheel reaches, are kept in order.
 */
final class Agenda {
    private static final int SPAN_BITS = 17;
    private static final int SPANS = 1 << 12;

    private final List<ArrayList<Event>> wheel = new ArrayList<>(SPANS);
    private final PriorityQueue<Event> current = new PriorityQueue<>();
    private final PriorityQueue<Event> farOff = new PriorityQueue<>();
    /** The span that {@link #current} is of. */
    private long span;

    private int onWheel;
    private long now;
    private long order;
    private long happened;

    Agenda() {
        for (int i = 0; i < SPANS; i++) {
            wheel.add(new ArrayList<>());
        }
    }

    long now() {
        return now;
    }

    long happened() {
        return happened;
    }

    void at(long time, Runnable action) {
        put(new Event(Math.max(now, time), order++, action));
    }

    void in(long delay, Runnable action) {
        at(now + delay, action);
    }

    void runUntil(long end) {
        for (Event next = first(); next != null && next.at() <= end; next = first()) {
            current.remove();
            now = next.at();
            happened++;
            next.action().run();
        }
        now = end;
    }

    private void put(Event event) {
        long its = event.at() >> SPAN_BITS;
        if (its <= span) {
            current.add(event);
        } else if (its < span + SPANS) {
            wheel.get((int) (its % SPANS)).add(event);
            onWheel++;
        } else {
            farOff.add(event);
        }
    }

    /** The next event, which is then the first of {@link #current}; null where there is none. */
    private @Nullable Event first() {
        while (current.isEmpty()) {
            Event far = farOff.peek();
            if (onWheel == 0) {
                if (far == null) {
                    return null;
                }
                span = far.at() >> SPAN_BITS;
            } else {
                span++;
            }
            ArrayList<Event> due = wheel.get((int) (span % SPANS));
            onWheel -= due.size();
            current.addAll(due);
            due.clear();
            for (; far != null && far.at() >> SPAN_BITS < span + SPANS; far = farOff.peek()) {
                put(farOff.remove());
            }
        }
        return current.peek();
    }
}
