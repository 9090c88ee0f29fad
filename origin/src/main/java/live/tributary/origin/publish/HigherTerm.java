package live.tributary.origin.publish;

import java.time.Duration;
import java.time.Instant;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;

/** What shows that another origin publishes now: a higher term that is alive, not one that a DHT or a disk remembers. */
public final class HigherTerm {
    private static final Duration LATELY = Duration.ofMinutes(1);

    private HigherTerm() {}

    public static boolean shows(ChunkRecord record, long own, Instant now) {
        return record.term() > own && record.body().published().isAfter(now.minus(LATELY));
    }

    public static boolean shows(Head head, long own, Instant now) {
        return head.term() > own && head.status() == Head.Status.LIVE && !head.expired(now);
    }
}
