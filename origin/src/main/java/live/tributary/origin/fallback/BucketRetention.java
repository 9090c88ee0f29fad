package live.tributary.origin.fallback;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which objects leave the bucket: chunks that left the history, and the documents of an earlier term with its last chunk, before
 * it, so that no list is left that names nothing. Without I/O; not thread-safe.
 */
final class BucketRetention {
    private static final Duration INTERVAL = Duration.ofSeconds(10);

    private final BucketLayout layout;
    private final Duration history;
    private final Set<String> leaving = new HashSet<>();
    private Instant next = Instant.MIN;

    BucketRetention(BucketLayout layout, Duration history) {
        this.layout = layout;
        this.history = history;
    }

    /** Whether it is time to look again. */
    boolean isDue(Instant now) {
        return !now.isBefore(next);
    }

    /** When what is older has left the history. */
    Instant oldest(Instant now) {
        return now.minus(history);
    }

    /** Those of {@code keys} that are to be deleted now, each told once until it is {@link #done}. */
    List<String> leaving(Map<String, Instant> keys, Instant now) {
        next = now.plus(INTERVAL);
        Instant oldest = oldest(now);
        List<String> stay = keys.entrySet().stream()
                .filter(entry -> isChunk(entry.getKey()) && !entry.getValue().isBefore(oldest))
                .map(Map.Entry::getKey)
                .toList();
        return keys.entrySet().stream()
                .filter(entry -> isChunk(entry.getKey())
                        ? entry.getValue().isBefore(oldest)
                        : !entry.getKey().startsWith(layout.base() + "/")
                                && stay.stream().noneMatch(chunk -> chunk.startsWith(termOf(entry.getKey()))))
                .map(Map.Entry::getKey)
                .sorted(Comparator.comparing(BucketRetention::isChunk)) // False, of documents, comes first.
                .filter(leaving::add)
                .toList();
    }

    /** It was deleted, or could not be, and may be told again. */
    void done(String key) {
        leaving.remove(key);
    }

    private static boolean isChunk(String name) {
        return name.endsWith(".ts") || name.endsWith(".mp4");
    }

    /** A document's key up to and with its term. */
    private static String termOf(String name) {
        String folder = name.substring(0, name.lastIndexOf('/') + 1);
        return name.endsWith("/live.m3u8") ? folder.replaceAll("[^/]+/$", "") : folder;
    }
}
