package live.tributary.mesh.swarm.simulation;

import java.util.PriorityQueue;

/** The virtual clock and all that is to happen. */
final class Agenda {
    private final PriorityQueue<Event> events = new PriorityQueue<>(1 << 16);
    private long now;
    private long order;
    private long happened;

    long now() {
        return now;
    }

    long happened() {
        return happened;
    }

    void at(long time, Runnable action) {
        events.add(new Event(Math.max(now, time), order++, action));
    }

    void in(long delay, Runnable action) {
        at(now + delay, action);
    }

    void runUntil(long end) {
        for (Event next = events.peek(); next != null && next.at() <= end; next = events.peek()) {
            events.remove();
            now = next.at();
            happened++;
            next.action().run();
        }
        now = end;
    }
}
