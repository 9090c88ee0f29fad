package live.tributary.protocol.hls;

import java.time.Duration;
import java.util.List;
import live.tributary.protocol.stream.Rendition;

/** A feed's playlist as it stood at one look. */
public sealed interface HlsSnapshot {
    /**
     * A master playlist.
     *
     * @param renditions variants in order, then alternate audio; an entry's index is its rendition's number
     */
    record Master(List<Entry> renditions) implements HlsSnapshot {
        public Master {
            renditions = List.copyOf(renditions);
            if (renditions.isEmpty()) {
                throw new IllegalArgumentException("renditions: none (expected: at least one)");
            }
        }
    }

    /**
     * A rendition and where its media playlist is.
     *
     * @param uri as written in the playlist: relative or absolute, not checked
     */
    record Entry(Rendition rendition, String uri) {}

    /**
     * A media playlist.
     *
     * @param targetDuration EXT-X-TARGETDURATION; where it is missing or 0, the longest segment's duration
     * @param mediaSequence the number of the first segment
     * @param ended whether EXT-X-ENDLIST was there
     * @param encrypted whether a segment is: EXT-X-KEY with a method other than NONE
     * @param partsOnly whether there are EXT-X-PARTs and no whole segment
     * @param ours whether Tributary wrote it: it carries magnet comments
     */
    record Media(
            Duration targetDuration,
            long mediaSequence,
            boolean ended,
            boolean encrypted,
            boolean partsOnly,
            boolean ours,
            List<HlsSegment> segments)
            implements HlsSnapshot {
        public Media {
            segments = List.copyOf(segments);
        }
    }
}
