package live.tributary.origin.publish;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import live.tributary.origin.ingest.FeedState;

/**
 * How the feed stands, for whoever asks: what each rendition does, since when it is silent, and what is wrong.
 *
 * <p>Its lock is held for moments only, never across the disk or the mesh, so that a status page is answered while both are stuck.
 */
final class FeedBoard {
    private static final double NANOS_OF_A_SECOND = 1e9;

    private final LongSupplier nanoTime;
    private final Map<Integer, FeedState> feeds = new HashMap<>();
    private final Map<Integer, Long> heardAt = new HashMap<>();
    private final Map<String, String> troubles = new TreeMap<>();

    FeedBoard(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** The feed has this many renditions. */
    synchronized void has(int renditions) {
        feeds.keySet().removeIf(rendition -> rendition >= renditions);
    }

    synchronized void state(int rendition, FeedState state) {
        feeds.put(rendition, state);
    }

    /** A segment came. */
    synchronized void heard(int rendition) {
        heardAt.put(rendition, nanoTime.getAsLong());
        feeds.merge(rendition, FeedState.LIVE, (before, live) -> before.isOn() ? before : live);
    }

    /** @param why empty where it is over */
    synchronized void trouble(String of, String why) {
        if (why.isEmpty()) {
            troubles.remove(of);
        } else {
            troubles.put(of, why);
        }
    }

    synchronized boolean isOn() {
        return feeds.values().stream().anyMatch(FeedState::isOn);
    }

    /** What an operator should look at now. */
    synchronized Optional<String> alarm() {
        List<String> lines = new ArrayList<>();
        troubles.forEach((of, why) -> lines.add(of + ": " + why));
        new TreeMap<>(feeds).forEach((rendition, state) -> {
            if (state == FeedState.STALLED) {
                lines.add("rendition " + rendition + ": no new segment for " + Math.round(silence(rendition))
                        + " s; is the encoder running?");
            }
        });
        return lines.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", lines));
    }

    /** Seconds since the last segment of the rendition that is silent for longest, of those on air. */
    synchronized double silenceSeconds() {
        return feeds.entrySet().stream()
                .filter(entry -> entry.getValue() == FeedState.LIVE || entry.getValue() == FeedState.STALLED)
                .mapToDouble(entry -> silence(entry.getKey()))
                .max()
                .orElse(0);
    }

    private double silence(int rendition) {
        long now = nanoTime.getAsLong();
        return (now - heardAt.getOrDefault(rendition, now)) / NANOS_OF_A_SECOND;
    }

    /** How the renditions stand, in a line. */
    synchronized String text() {
        return FeedState.text(feeds);
    }
}
