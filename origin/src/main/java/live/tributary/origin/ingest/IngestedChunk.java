package live.tributary.origin.ingest;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Sha256;

/**
 * A complete segment as it will be published.
 *
 * @param bytes the chunk's bytes, the receiver's from now on
 * @param initLength the length of the MP4 init at their start; 0 for TS
 * @param afterBreak whether it is a discontinuity
 * @param position the feed's run and number: chunks of several renditions that share it show the same time
 * @param time the feed's own wall clock time for its start
 * @param name what tells the segment from others in the feed: where to go on after a restart
 */
public record IngestedChunk(
        byte[] bytes,
        Sha256 sha256,
        Container container,
        int initLength,
        Duration duration,
        boolean afterBreak,
        Position position,
        Optional<Instant> time,
        String name) {
    /** Where a segment stands in its feed. */
    public record Position(int epoch, long sequence) {}
}
