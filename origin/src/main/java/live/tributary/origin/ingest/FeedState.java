package live.tributary.origin.ingest;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where a feed stands. */
public enum FeedState {
    /** No live content, whatever playlist may lie there. */
    OFFLINE,
    /** New segments are listed, none is complete yet. */
    STARTING,
    LIVE,
    /** Live, but silent for longer than its segments explain. */
    STALLED,
    /** The feed said that it ended; the broadcaster may come back within the grace. */
    ENDING;

    /** Whether viewers should still be told that the stream runs. */
    public boolean isOn() {
        return this != OFFLINE;
    }

    /** How the renditions of a feed stand, in words. */
    public static String text(Map<Integer, FeedState> renditions) {
        return renditions.isEmpty()
                ? "nothing is known of it yet"
                : new TreeMap<>(renditions)
                        .entrySet().stream()
                                .map(entry -> "rendition " + entry.getKey() + " "
                                        + entry.getValue().name().toLowerCase(Locale.ROOT))
                                .collect(Collectors.joining(", "));
    }
}
