package live.tributary.gateway.stremio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import live.tributary.gateway.http.Answers;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;

/**
 * The past of a broadcast as episodes, and some of its future.
 *
 * <p>A client takes the next episode from the list that it loaded when it began to play. Hence those to come are listed too: who
 * catches up plays on.
 */
final class Dvr {
    private static final int MAX_PAST = 144;
    private static final int FUTURE = 72;

    private Dvr() {}

    /** The windows of an episode: of several runs within the same five minutes the longest first. */
    static List<StreamView.Window> windows(StreamView stream, int rendition, Episode episode) {
        return stream.windows(rendition).stream()
                .filter(window ->
                        window.id().isEpisode() && Episode.of(window.id()).equals(episode))
                .sorted(Comparator.comparing(
                        (StreamView.Window window) -> window.torrent().chunks().size(), Comparator.reverseOrder()))
                .toList();
    }

    /** Episodes in order of time; none where no relay holds any. */
    static ArrayNode videos(StreamView stream, int rendition, String id, Instant now) {
        TreeSet<Episode> listed = new TreeSet<>(Comparator.comparing(Episode::start));
        stream.windows(rendition).stream()
                .filter(window -> window.id().isEpisode() && isHeld(stream, window))
                .limit(MAX_PAST)
                .forEach(window -> listed.add(Episode.of(window.id())));
        if (!listed.isEmpty() && stream.live()) {
            Episode next = listed.last().next();
            for (int i = 0; i < FUTURE; i++) {
                listed.add(next);
                next = next.next();
            }
        }
        ArrayNode videos = Answers.object().arrayNode();
        for (Episode episode : listed) {
            ObjectNode video = videos.addObject();
            video.put("id", id + ":" + episode.season() + ":" + episode.number());
            video.put("title", episode.title());
            video.put("season", episode.season());
            video.put("episode", episode.number());
            // Clients never go on to a video whose release lies ahead, whatever its numbers.
            video.put("released", (episode.start().isAfter(now) ? now : episode.start()).toString());
            if (episode.end().isAfter(now)) {
                video.put("overview", "Being broadcast or still to come; it plays on from the episode before.");
            }
        }
        return videos;
    }

    /** Whether one relay has its first and its last chunk: near enough for a list that is the same for everybody. */
    private static boolean isHeld(StreamView stream, StreamView.Window window) {
        List<ChunkRecord> chunks = window.torrent().chunks();
        Set<RelayKey> both = new HashSet<>(relays(stream, chunks.get(0)));
        both.retainAll(relays(stream, chunks.get(chunks.size() - 1)));
        return !both.isEmpty();
    }

    private static List<RelayKey> relays(StreamView stream, ChunkRecord record) {
        return stream.holders(record).stream()
                .filter(relay -> relay.role() == NodeRole.RELAY)
                .map(RelayView::key)
                .toList();
    }
}
