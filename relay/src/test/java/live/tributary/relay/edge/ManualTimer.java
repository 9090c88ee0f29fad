package live.tributary.relay.edge;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** A timer whose last task runs when the test says that its time has come. */
final class ManualTimer extends ScheduledThreadPoolExecutor {
    private final AtomicReference<Runnable> last = new AtomicReference<>(() -> {});
    private long delayMillis;

    ManualTimer() {
        super(0);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
        last.set(task);
        delayMillis = unit.toMillis(delay);
        return super.schedule(() -> {}, 1, TimeUnit.DAYS);
    }

    void advance(Duration duration) {
        if (duration.toMillis() >= delayMillis) {
            last.get().run();
        }
    }
}
