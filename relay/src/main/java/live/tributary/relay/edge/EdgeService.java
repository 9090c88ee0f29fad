package live.tributary.relay.edge;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.hls.MasterPlaylist;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.StreamKey;

/**
 * {@code /live/<stream>/…}: master, live and replay playlists with relative URIs, and the chunks.
 *
 * <p>The live playlist lists a chunk as soon as its record is here, because its bytes are on their way: who asks for it too early
 * waits a little. A chunk that is not on its way is listed only where somebody holds it.
 */
public final class EdgeService implements HttpService {
    /** How many chunks a live playlist lists. */
    static final int LIVE_CHUNKS = 10;

    static final int MAX_REPLAY_CHUNKS = 5_000;
    static final String PLAYLIST_CACHE_CONTROL = "no-cache";

    private static final String PREFIX = "/live/";
    private static final String MASTER = "master.m3u8";
    private static final String LIVE = "live.m3u8";
    private static final String REPLAY = "replay.m3u8";
    private static final int MAX_DIGITS = 18;
    private static final String RETRY_SECONDS = "5";

    private final Function<StreamKey, Optional<StreamView>> streams;
    private final ChunkAnswers chunks;
    private final Admission admission;
    private final InstantSource clock;

    /** @param streams those that this relay carries */
    public EdgeService(
            Function<StreamKey, Optional<StreamView>> streams,
            ChunkAnswers chunks,
            Admission admission,
            InstantSource clock) {
        this.streams = streams;
        this.chunks = chunks;
        this.admission = admission;
        this.clock = clock;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (!query.rawPath().startsWith(PREFIX)) {
            return Optional.empty();
        }
        String[] parts = query.rawPath().substring(PREFIX.length()).split("/", -1);
        Optional<StreamView> stream = key(parts[0]).flatMap(streams);
        if (stream.isEmpty()) {
            return Optional.empty();
        }
        if (!admission.admits(query.remote().getAddress())) {
            return Optional.of(CompletableFuture.completedStage(sentOn(stream.get(), query)));
        }
        if (parts.length == 2 && parts[1].equals(MASTER)) {
            return now(master(stream.get()));
        }
        Optional<Integer> rendition = parts.length == 3 ? rendition(parts[1]) : Optional.empty();
        return rendition.flatMap(number -> ofRendition(stream.get(), number, parts[2], query));
    }

    private HttpAnswer sentOn(StreamView stream, HttpQuery query) {
        boolean leaving = admission.isLeaving();
        return OtherPlaces.withRoom(stream, query, leaving)
                .map(HttpAnswer::redirect)
                .orElseGet(() -> HttpAnswer.text(503, leaving ? "this relay stops" : "this relay is full")
                        .with("retry-after", RETRY_SECONDS));
    }

    private Optional<CompletionStage<HttpAnswer>> ofRendition(
            StreamView stream, int rendition, String name, HttpQuery query) {
        return switch (name) {
            case LIVE -> now(playlist(stream, rendition, LIVE_CHUNKS, record -> obtainable(stream, record)));
            case REPLAY -> now(playlist(stream, rendition, MAX_REPLAY_CHUNKS, stream::holds));
            default -> chunk(stream, rendition, name).map(record -> chunks.answer(stream, record, query));
        };
    }

    private static Optional<CompletionStage<HttpAnswer>> now(Optional<String> playlist) {
        return playlist.map(text -> CompletableFuture.completedStage(HttpAnswer.of(
                LivePlaylist.CONTENT_TYPE, PLAYLIST_CACHE_CONTROL, text.getBytes(StandardCharsets.UTF_8))));
    }

    private static Optional<String> master(StreamView stream) {
        if (stream.about().isPresent()) {
            return Optional.of(MasterPlaylist.of(stream.about().get(), number -> number + "/" + LIVE));
        }
        List<Rendition> known = stream.renditions().stream()
                .sorted()
                .map(number -> new Rendition(number, Rendition.Kind.VARIANT, ""))
                .toList();
        return known.isEmpty()
                ? Optional.empty()
                : Optional.of(MasterPlaylist.of(known, number -> number + "/" + LIVE, List.of()));
    }

    private boolean obtainable(StreamView stream, ChunkRecord record) {
        return stream.holds(record)
                || chunks.isOnItsWay(record, clock.instant())
                || !stream.holders(record).isEmpty();
    }

    /** The newest run of chunks, from the first to the last that is to be had; those between that are not are gaps. */
    private static Optional<String> playlist(
            StreamView stream, int rendition, int most, Predicate<ChunkRecord> toBeHad) {
        List<ChunkRecord> known = stream.newest(rendition, most);
        int end = known.size();
        while (end > 0 && !toBeHad.test(known.get(end - 1))) {
            end--;
        }
        List<ChunkRecord> run = LivePlaylist.newestRun(known.subList(0, end));
        int start = 0;
        while (start < run.size() && !toBeHad.test(run.get(start))) {
            start++;
        }
        List<ChunkRecord> records = run.subList(start, run.size());
        if (records.isEmpty()) {
            return Optional.empty();
        }
        Duration target = stream.about()
                .map(about -> about.body().targetDuration())
                .or(() -> longest(records.stream()))
                .orElse(Duration.ofSeconds(1));
        boolean ended = stream.head()
                .filter(head -> head.head().status() == Head.Status.ENDED)
                .isPresent();
        return Optional.of(new LivePlaylist(target, ChunkRecord::fileName)
                .withEnd(ended)
                .withGaps(toBeHad.negate())
                .write(records));
    }

    private static Optional<Duration> longest(Stream<ChunkRecord> records) {
        return records.map(record -> record.body().duration()).max(Duration::compareTo);
    }

    private static Optional<StreamKey> key(String text) {
        try {
            return Optional.of(StreamKey.fromText(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Not a key, so not a stream that is carried.
        }
    }

    private static Optional<Integer> rendition(String text) {
        return number(text).filter(number -> number <= ChunkId.MAX_RENDITION).map(Long::intValue);
    }

    private static Optional<ChunkRecord> chunk(StreamView stream, int rendition, String name) {
        int dot = name.indexOf('.');
        return number(dot < 0 ? "" : name.substring(0, dot))
                .flatMap(seq -> stream.record(new ChunkId(rendition, seq)))
                .filter(record -> record.fileName().equals(name));
    }

    private static Optional<Long> number(String text) {
        if (text.isEmpty() || text.length() > MAX_DIGITS) {
            return Optional.empty();
        }
        for (int at = 0; at < text.length(); at++) {
            if (text.charAt(at) < '0' || text.charAt(at) > '9') {
                return Optional.empty();
            }
        }
        return Optional.of(Long.parseLong(text));
    }
}
