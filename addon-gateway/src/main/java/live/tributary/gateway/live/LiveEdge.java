package live.tributary.gateway.live;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;

/**
 * The newest chunks of a rendition that can be had, without a gap, each with its URI.
 *
 * <p>A chunk that nobody has yet holds back those behind it, since a player that was shown a gap never sees what filled it; one
 * that stays away for some target durations is given up, and the list goes on behind it.
 */
public final class LiveEdge {
    /** At least this many chunks, so that a player that falls behind still finds its place. */
    private static final int USUAL_CHUNKS = 10;

    private static final int MAX_CHUNKS = 40;
    private static final int MIN_TARGET_DURATIONS = 4;
    private static final int WAITED_TARGET_DURATIONS = 3;
    private static final int MAX_TARGET_SECONDS = 120;

    private final List<ChunkRecord> chunks;
    private final Map<ChunkRecord, String> uris;
    private final Duration target;
    private final boolean ended;

    private LiveEdge(List<ChunkRecord> chunks, Map<ChunkRecord, String> uris, Duration target, boolean ended) {
        this.chunks = chunks;
        this.uris = uris;
        this.target = target;
        this.ended = ended;
    }

    /** @param uri where a chunk is to be had; empty where it is not */
    public static LiveEdge of(StreamView stream, int rendition, Function<ChunkRecord, Optional<String>> uri) {
        List<ChunkRecord> newest = stream.newest(rendition, MAX_CHUNKS);
        Duration target = target(stream, newest);
        List<ChunkRecord> run = new ArrayList<>();
        Map<ChunkRecord, String> uris = new LinkedHashMap<>();
        for (ChunkRecord record : newest) {
            Optional<String> found = uri.apply(record);
            if (found.isPresent()) {
                run.add(record);
                uris.put(record, found.get());
            } else if (!run.isEmpty() && stillComing(record, newest, target)) {
                break;
            } else {
                run.clear();
            }
        }
        List<ChunkRecord> listed = tail(LivePlaylist.newestRun(run), target);
        boolean ended = stream.head()
                .filter(head -> head.head().status() == Head.Status.ENDED)
                .isPresent();
        return new LiveEdge(listed, uris, target, ended);
    }

    /** Whether a chunk that nobody has is so near the newest that it is worth waiting for: a player cannot take back a gap. */
    private static boolean stillComing(ChunkRecord missing, List<ChunkRecord> newest, Duration target) {
        Duration behind = Duration.between(
                missing.body().published(), newest.get(newest.size() - 1).body().published());
        return behind.compareTo(target.multipliedBy(WAITED_TARGET_DURATIONS)) < 0;
    }

    private static List<ChunkRecord> tail(List<ChunkRecord> run, Duration target) {
        Duration total = Duration.ZERO;
        int from = run.size();
        while (from > 0
                && (run.size() - from < USUAL_CHUNKS
                        || total.compareTo(target.multipliedBy(MIN_TARGET_DURATIONS)) < 0)) {
            from--;
            total = total.plus(run.get(from).body().duration());
        }
        return run.subList(from, run.size());
    }

    /** The stream's own, which stays; before it has told, that of the chunks. */
    private static Duration target(StreamView stream, List<ChunkRecord> newest) {
        return stream.about()
                .map(about -> about.body().targetDuration())
                .orElseGet(() -> newest.stream()
                        .map(record -> record.body().duration())
                        .max(Duration::compareTo)
                        .orElse(Duration.ofSeconds(MAX_TARGET_SECONDS)));
    }

    public boolean isEmpty() {
        return chunks.isEmpty();
    }

    /** In order of seq. */
    public List<ChunkRecord> chunks() {
        return List.copyOf(chunks);
    }

    public String playlist() {
        return new LivePlaylist(target, uris::get).withEnd(ended).write(chunks);
    }
}
