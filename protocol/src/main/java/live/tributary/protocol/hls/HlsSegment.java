package live.tributary.protocol.hls;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * One segment as a media playlist lists it.
 *
 * @param sequence its media sequence number
 * @param uri as written: relative or absolute, not checked
 * @param duration EXTINF, whole milliseconds
 * @param range the part of the resource that it is; empty where it is all of it
 * @param init the initialization section that counts for it (EXT-X-MAP), if there is one
 * @param programDateTime EXT-X-PROGRAM-DATE-TIME, only where the tag stands before this very segment
 * @param discontinuity whether EXT-X-DISCONTINUITY stands before it
 * @param gap whether the feed says that it is missing (EXT-X-GAP)
 */
public record HlsSegment(
        long sequence,
        String uri,
        Duration duration,
        Optional<ByteRange> range,
        Optional<Init> init,
        Optional<Instant> programDateTime,
        boolean discontinuity,
        boolean gap) {

    /** Bytes {@code offset <= i < offset + length} of a resource. */
    public record ByteRange(long offset, long length) {
        public ByteRange {
            if (offset < 0 || length <= 0 || offset > Long.MAX_VALUE - length) {
                throw new IllegalArgumentException("range: " + length + "@" + offset + " (expected: length > 0)");
            }
        }

        long end() {
            return offset + length;
        }
    }

    /** An initialization section: a resource, or a part of one. */
    public record Init(String uri, Optional<ByteRange> range) {}
}
