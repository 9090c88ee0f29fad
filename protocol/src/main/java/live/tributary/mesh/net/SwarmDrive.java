package live.tributary.mesh.net;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.ObjLongConsumer;
import live.tributary.mesh.swarm.LiveSwarm;
import org.jspecify.annotations.Nullable;

/** Calls a stream's swarm with the time, never from within a call to it, and again when it wants to be. */
final class SwarmDrive {
    private final EventLoop loop;
    private final LongSupplier nanoTime;
    private final LiveSwarm swarm;

    private @Nullable Future<?> timer;
    private long timerAt = Long.MAX_VALUE;
    private boolean driving;
    private boolean stopped;

    SwarmDrive(EventLoop loop, LongSupplier nanoTime, LiveSwarm swarm) {
        this.loop = loop;
        this.nanoTime = nanoTime;
        this.swarm = swarm;
    }

    /** Calls at once, or, from within a call, right after it. */
    void call(ObjLongConsumer<LiveSwarm> call) {
        if (stopped) {
            return;
        }
        if (driving) {
            loop.execute(() -> call(call));
            return;
        }
        driving = true;
        try {
            call.accept(swarm, nanoTime.getAsLong());
        } finally {
            driving = false;
        }
        scheduleTick();
    }

    private void scheduleTick() {
        long next = swarm.nextTick();
        Future<?> scheduled = timer;
        if (next == Long.MAX_VALUE || scheduled != null && !scheduled.isDone() && next >= timerAt) {
            return; // A tick that comes too early does no harm, and schedules the next.
        }
        if (scheduled != null) {
            scheduled.cancel(false);
        }
        long now = nanoTime.getAsLong();
        timerAt = next;
        timer = loop.schedule(
                () -> {
                    timer = null;
                    call(LiveSwarm::tick);
                },
                next <= now ? 0 : next - now,
                TimeUnit.NANOSECONDS);
    }

    /** No call reaches the swarm any more. */
    void stop() {
        stopped = true;
        Future<?> scheduled = timer;
        if (scheduled != null) {
            scheduled.cancel(false);
        }
    }
}
