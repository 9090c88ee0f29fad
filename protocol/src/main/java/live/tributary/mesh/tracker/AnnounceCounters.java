package live.tributary.mesh.tracker;

import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.Tally;

/** Counts what became of the requests of one transport. */
final class AnnounceCounters {
    private final Tally[] tallies = new Tally[Result.values().length];

    enum Result {
        ANSWERED,
        SCRAPED,
        /** An answer of WebRTC went to whoever made the offer. */
        PASSED,
        /** A connection id was given out. */
        CONNECTED,
        UNKNOWN,
        /** The peer id is another connection's. */
        REFUSED,
        LIMITED,
        MALFORMED,
        /** UDP without a connection id that holds: not answered. */
        UNVERIFIED
    }

    AnnounceCounters(Meters meters, String transport) {
        for (Result result : Result.values()) {
            tallies[result.ordinal()] = meters.tally(Meter.ANNOUNCES, transport, result);
        }
    }

    void count(Result result) {
        tallies[result.ordinal()].increment();
    }
}
