package live.tributary.origin.ingest;

import java.time.Duration;
import java.util.List;
import live.tributary.protocol.stream.Rendition;

/** Hears what a feed is and what it brings, on the threads of its renditions; it may block them. */
public interface IngestListener {
    /** The feed's renditions are known, or are others than before. */
    void described(List<Rendition> renditions, Duration targetDuration);

    void chunk(int rendition, IngestedChunk chunk);

    void state(int rendition, FeedState state);

    /**
     * Something cannot be read, and is tried again and again.
     *
     * @param of the feed, or a rendition of it
     * @param why empty where that is over
     */
    default void trouble(String of, String why) {}

    /** Segments were lost for good. */
    void missed(int rendition, long segments);
}
