package live.tributary.mesh.http;

import java.util.concurrent.atomic.AtomicReferenceArray;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.Tally;

/** What a server answered, by status, and how many clients it cut off; callable from any thread. */
public final class HttpTallies {
    private static final String CUT = "cut";
    private static final int STATUSES = 600;

    private final Meters meters;
    private final AtomicReferenceArray<Tally> byStatus = new AtomicReferenceArray<>(STATUSES);
    private final Tally cut;

    public HttpTallies(Meters meters) {
        this.meters = meters;
        this.cut = meters.tally(Meter.HTTP_ANSWERS, CUT);
    }

    void answered(int status) {
        Tally tally = byStatus.get(status);
        if (tally == null) {
            tally = meters.tally(Meter.HTTP_ANSWERS, status);
            byStatus.set(status, tally); // The meters give the same one to everybody.
        }
        tally.increment();
    }

    /** A client was too slow, or asked too much at once, and was closed on. */
    void cut() {
        cut.increment();
    }
}
