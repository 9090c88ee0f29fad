package live.tributary.mesh.http;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.Tally;

/** What a server answered, by status, and how many clients it cut off; callable from any thread. */
public final class HttpTallies {
    private static final String CUT = "cut";

    private final Meters meters;
    private final Map<Integer, Tally> byStatus = new ConcurrentHashMap<>();
    private final Tally cut;

    public HttpTallies(Meters meters) {
        this.meters = meters;
        this.cut = meters.tally(Meter.HTTP_ANSWERS, CUT);
    }

    void answered(int status) {
        byStatus.computeIfAbsent(status, code -> meters.tally(Meter.HTTP_ANSWERS, code))
                .increment();
    }

    /** A client was too slow, or asked too much at once, and was closed on. */
    void cut() {
        cut.increment();
    }
}
