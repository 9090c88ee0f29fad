package live.tributary.gateway.live;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;

/**
 * Five minutes of a broadcast as a playlist that plays from their beginning: while they last it grows, then it ends.
 *
 * <p>Unlike a torrent of the same five minutes it is there before they are over, so that who catches up plays on; it goes across
 * discontinuities; and each chunk may lie with another relay.
 */
public final class PastPlaylist {
    /** Five minutes on a five-minute mark. */
    public static final Duration LENGTH = WindowId.LENGTH;

    /** An hour and more of chunks of one second. */
    private static final int MAX_CHUNKS = 4_096;
    /** So long after the last chunk's time nothing more comes. */
    private static final Duration GRACE = Duration.ofMinutes(1);

    private static final List<String> TAGS = List.of("#EXT-X-PLAYLIST-TYPE:EVENT", "#EXT-X-START:TIME-OFFSET=0");

    private PastPlaylist() {}

    /** Where it is to be had. */
    public static String path(StreamView stream, int rendition, Instant start) {
        return "/dvr/" + stream.key().text() + "/" + rendition + "/" + start.getEpochSecond() + ".m3u8";
    }

    /**
     * The playlist; empty where nothing of it can be had.
     *
     * @param start a five-minute mark
     * @param uri where a chunk is to be had; empty where it is not
     */
    public static Optional<String> of(
            StreamView stream, int rendition, Instant start, Function<ChunkRecord, Optional<String>> uri, Instant now) {
        Duration from = Duration.between(Instant.EPOCH, start);
        List<ChunkRecord> known = stream.newest(rendition, MAX_CHUNKS);
        List<ChunkRecord> within = known.stream()
                .filter(record -> record.body().start().compareTo(from) >= 0)
                .filter(record -> record.body().start().compareTo(from.plus(LENGTH)) < 0)
                .toList();
        if (within.isEmpty()) {
            return Optional.empty();
        }
        boolean over = !within.get(within.size() - 1).equals(known.get(known.size() - 1))
                || now.isAfter(start.plus(LENGTH).plus(GRACE))
                || stream.head()
                        .filter(head -> head.head().status() == Head.Status.ENDED)
                        .isPresent();
        Map<ChunkRecord, String> uris = new LinkedHashMap<>();
        List<ChunkRecord> run = over ? longestRun(within, uri, uris) : firstRun(within, uri, uris);
        if (run.isEmpty()) {
            return Optional.empty();
        }
        Duration target = stream.about()
                .map(about -> about.body().targetDuration())
                .orElseGet(() -> run.get(0).body().duration());
        return Optional.of(
                new LivePlaylist(target, uris::get).withEnd(over).withTags(TAGS).write(run));
    }

    /** What has come so far without a gap, so that the list only ever grows. */
    private static List<ChunkRecord> firstRun(
            List<ChunkRecord> records, Function<ChunkRecord, Optional<String>> uri, Map<ChunkRecord, String> uris) {
        return runs(records, uri, uris).stream().findFirst().orElse(List.of());
    }

    private static List<ChunkRecord> longestRun(
            List<ChunkRecord> records, Function<ChunkRecord, Optional<String>> uri, Map<ChunkRecord, String> uris) {
        List<ChunkRecord> longest = List.of();
        for (List<ChunkRecord> run : runs(records, uri, uris)) {
            longest = run.size() > longest.size() ? run : longest;
        }
        return longest;
    }

    private static List<List<ChunkRecord>> runs(
            List<ChunkRecord> records, Function<ChunkRecord, Optional<String>> uri, Map<ChunkRecord, String> uris) {
        List<List<ChunkRecord>> runs = new ArrayList<>();
        List<ChunkRecord> run = new ArrayList<>();
        for (ChunkRecord record : records) {
            Optional<String> found = uri.apply(record);
            found.ifPresent(where -> uris.put(record, where));
            boolean goesOn = !run.isEmpty() && LivePlaylist.follows(run.get(run.size() - 1), record);
            if (!run.isEmpty() && (found.isEmpty() || !goesOn)) {
                runs.add(run);
                run = new ArrayList<>();
            }
            if (found.isPresent()) {
                run.add(record);
            }
        }
        if (!run.isEmpty()) {
            runs.add(run);
        }
        return runs;
    }
}
