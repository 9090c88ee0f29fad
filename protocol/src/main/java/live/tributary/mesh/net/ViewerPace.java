package live.tributary.mesh.net;

import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.http.Pace;

/** What viewers are sent by HTTP, from the node's one upload allowance; counts what leaves. */
public final class ViewerPace implements Pace {
    /** What is taken at once is sent in this time: whoever is more urgent waits no longer. */
    private static final long RUN_MILLIS = 20;

    private static final int SHORTEST_RUN = 32 * 1024;
    private static final int LONGEST_RUN = 4 * 1024 * 1024;

    private final UploadBudget budget;
    private final Tally sent;
    private final int run;

    /** @param bitsPerSecond the budget's */
    public ViewerPace(UploadBudget budget, long bitsPerSecond, Tally sent) {
        this.budget = budget;
        this.sent = sent;
        long most = bitsPerSecond / Byte.SIZE / TimeUnit.SECONDS.toMillis(1) * RUN_MILLIS;
        this.run = (int) Math.max(SHORTEST_RUN, Math.min(LONGEST_RUN, most));
    }

    @Override
    public long take(int bytes, boolean older) {
        long wait = budget.take(older ? UploadBudget.Purpose.OLDER : UploadBudget.Purpose.LIVE_TO_VIEWERS, bytes);
        if (wait == 0) {
            sent.add(bytes);
        }
        return wait;
    }

    @Override
    public void spend(int bytes) {
        budget.spend(bytes);
        sent.add(bytes);
    }

    @Override
    public int run() {
        return run;
    }
}
