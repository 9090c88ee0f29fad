package live.tributary.mesh.net;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** A task that runs once, a moment after the first of the reasons for it, so that those that come together are one. Of one thread. */
final class Soon {
    private final ScheduledExecutorService thread;
    private final Duration moment;
    private final Runnable task;
    private boolean planned;

    Soon(ScheduledExecutorService thread, Duration moment, Runnable task) {
        this.thread = thread;
        this.moment = moment;
        this.task = task;
    }

    /** There is a reason. */
    void please() {
        if (!planned) {
            planned = true;
            var unused = thread.schedule(this::run, moment.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void run() {
        planned = false;
        task.run();
    }
}
