package live.tributary.gateway.live;

import com.github.benmanes.caffeine.cache.Ticker;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.RawPath;
import live.tributary.gateway.http.Visit;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.hls.MasterPlaylist;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;

/**
 * Playlists written for each viewer: {@code /live/…}, {@code /hybrid/…} and Owncast's layout of the same, {@code /owncast/…/hls/…};
 * {@code /steer/…}, the ways beside them; and {@code /dvr/…}, what was.
 *
 * <p>A chunk is named by its relay's URL, but to browsers by one of this gateway's that leads there: see {@link ChunkLinks}.
 */
public final class LiveService implements HttpService {
    private static final Duration RETRY_AFTER = Duration.ofSeconds(2);
    private static final String MASTER = "master.m3u8";
    private static final String MEDIA = "live.m3u8";
    private static final Pattern MARK = Pattern.compile("(\\d{1,11})\\.m3u8");
    private static final String OWNCAST = "stream.m3u8";
    /** Made for one viewer and true for a moment: a second is what keeps two reloads of one player apart. */
    private static final String CACHE_CONTROL = "private, max-age=1";

    private final ListedStreams streams;
    private final Visits visits;
    private final RelayRanking ranking;
    private final HybridUris hybridUris;
    private final ListedUris listedUris;
    private final Holders holders;
    private final InstantSource clock;

    public LiveService(ListedStreams streams, Visits visits, RelayRanking ranking, InstantSource clock, Ticker ticker) {
        this.streams = streams;
        this.visits = visits;
        this.ranking = ranking;
        this.clock = clock;
        this.listedUris = new ListedUris(ticker);
        this.hybridUris = new HybridUris(clock, ticker);
        this.holders = new Holders();
    }

    private enum Kind {
        LIVE,
        HYBRID
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        return RawPath.of(query.rawPath()).flatMap(path -> route(path, query)).flatMap(Answers::now);
    }

    private Optional<HttpAnswer> route(RawPath path, HttpQuery query) {
        return switch (path.raw(0)) {
            case "steer" -> path.size() == 2 ? Optional.of(steer(path, query)) : Optional.empty();
            case "dvr" -> path.size() == 4 ? Optional.of(past(path, query)) : Optional.empty();
            case "live" -> playlist(Kind.LIVE, path, 2, MASTER, MEDIA, query).or(() -> chunk(path, query));
            case "hybrid" -> playlist(Kind.HYBRID, path, 2, MASTER, MEDIA, query);
            case "owncast" ->
                path.size() > 2 && path.raw(2).equals("hls")
                        ? playlist(Kind.LIVE, path, 3, OWNCAST, OWNCAST, query)
                        : Optional.empty();
            default -> Optional.empty();
        };
    }

    /** @param at where in the path the stream's name ends */
    private Optional<HttpAnswer> playlist(
            Kind kind, RawPath path, int at, String master, String media, HttpQuery query) {
        boolean isMaster = path.size() == at + 1 && path.raw(at).equals(master);
        boolean isMedia = path.size() == at + 2 && path.raw(at + 1).equals(media);
        if (!isMaster && !isMedia) {
            return Optional.empty();
        }
        Optional<LiveOptions> options = LiveOptions.parse(query.rawQuery());
        Optional<Visit> visit = visits.of(query);
        if (options.isEmpty() || visit.isEmpty()) {
            return Optional.of(Answers.error(400, "query: " + query.rawQuery() + " (expected: what /configure makes)"));
        }
        Optional<StreamView> stream = path.decoded(1).flatMap(streams::find);
        if (stream.isEmpty()) {
            return Optional.of(Answers.error(404, "no such stream here"));
        }
        if (isMaster) {
            List<Rendition> renditions = renditions(stream.get());
            IntFunction<String> uri =
                    number -> number + "/" + media + options.get().query();
            return Optional.of(m3u8(
                    kind == Kind.LIVE
                            ? Steering.master(stream.get().key(), renditions, uri, options.get())
                            : MasterPlaylist.of(renditions, uri, List.of())));
        }
        Optional<Integer> rendition = rendition(path.raw(at));
        if (rendition.isEmpty()) {
            return Optional.of(Answers.error(404, "no such rendition"));
        }
        Viewer viewer = options.get().apply(visit.get()).viewer();
        ChunkLinks links = new ChunkLinks(visit.get().base(), options.get());
        return Optional.of(
                media(kind, stream.get(), rendition.get(), viewer, links, ChunkLinks.wanted(query.headers())));
    }

    /** Leads to where one chunk is now. */
    private Optional<HttpAnswer> chunk(RawPath path, HttpQuery query) {
        Optional<Long> seq = path.size() == ChunkLinks.SEGMENTS ? ChunkLinks.seq(path.raw(3)) : Optional.empty();
        if (seq.isEmpty()) {
            return Optional.empty();
        }
        Optional<LiveOptions> options = LiveOptions.parse(query.rawQuery());
        Optional<Visit> visit = visits.of(query);
        if (options.isEmpty() || visit.isEmpty()) {
            return Optional.of(
                    Answers.error(400, "query: " + query.rawQuery() + " (expected: what the playlist names)"));
        }
        Optional<StreamView> stream = path.decoded(1).flatMap(streams::find);
        Optional<ChunkRecord> record = stream.flatMap(view ->
                rendition(path.raw(2)).flatMap(rendition -> view.record(new ChunkId(rendition, seq.get()))));
        if (record.filter(known -> known.fileName().equals(path.raw(3))).isEmpty()) {
            return Optional.of(Answers.error(404, "no such chunk here"));
        }
        Viewer viewer = options.get().apply(visit.get()).viewer();
        return Optional.of(listedUris
                .of(record.get(), viewer, sources(stream.get(), viewer))
                .map(HttpAnswer::redirect)
                .orElseGet(() -> Answers.retryLater(503, "no relay in reach holds this chunk", RETRY_AFTER)));
    }

    private static List<Rendition> renditions(StreamView stream) {
        return stream.about()
                .map(About::body)
                .map(About.Body::renditions)
                .orElse(List.of(new Rendition(0, Rendition.Kind.VARIANT, "")));
    }

    private HttpAnswer steer(RawPath path, HttpQuery query) {
        Optional<LiveOptions> options = LiveOptions.parse(query.rawQuery());
        Optional<Visit> visit = visits.of(query);
        if (options.isEmpty() || visit.isEmpty()) {
            return Answers.error(400, "query: " + query.rawQuery() + " (expected: what the master playlist names)");
        }
        return path.decoded(1)
                .filter(name -> name.endsWith(Steering.SUFFIX))
                .map(name -> name.substring(0, name.length() - Steering.SUFFIX.length()))
                .flatMap(streams::find)
                .map(stream -> {
                    Viewer viewer = options.get().apply(visit.get()).viewer();
                    byte[] json = Answers.bytes(
                            Steering.manifest(stream, renditions(stream), sources(stream, viewer), options.get()));
                    return HttpAnswer.of(Steering.CONTENT_TYPE, CACHE_CONTROL, json);
                })
                .orElseGet(() -> Answers.error(404, "no such stream here"));
    }

    private HttpAnswer past(RawPath path, HttpQuery query) {
        Optional<LiveOptions> options = LiveOptions.parse(query.rawQuery());
        Optional<Visit> visit = visits.of(query);
        if (options.isEmpty() || visit.isEmpty()) {
            return Answers.error(400, "query: " + query.rawQuery() + " (expected: what the add-on names)");
        }
        Optional<StreamView> stream = path.decoded(1).flatMap(streams::find);
        Optional<Integer> rendition = rendition(path.raw(2));
        Optional<Instant> start = mark(path.raw(3));
        if (stream.isEmpty() || rendition.isEmpty() || start.isEmpty()) {
            return Answers.error(404, "no such stream or time here");
        }
        Viewer viewer = options.get().apply(visit.get()).viewer();
        ChunkSources sources = sources(stream.get(), viewer);
        return PastPlaylist.of(stream.get(), rendition.get(), start.get(), sources::url, clock.instant())
                .map(LiveService::m3u8)
                .orElseGet(() ->
                        Answers.retryLater(503, "nothing of it to play: no relay in reach holds it", RETRY_AFTER));
    }

    /** {@code <seconds>.m3u8}, on a five-minute mark. */
    private static Optional<Instant> mark(String text) {
        return Optional.of(MARK.matcher(text))
                .filter(Matcher::matches)
                .map(matcher -> Long.parseLong(matcher.group(1)))
                .filter(seconds -> seconds % PastPlaylist.LENGTH.toSeconds() == 0)
                .map(Instant::ofEpochSecond);
    }

    private HttpAnswer media(
            Kind kind, StreamView stream, int rendition, Viewer viewer, ChunkLinks links, boolean lasting) {
        ChunkSources sources = sources(stream, viewer);
        Function<ChunkRecord, Optional<String>> uri = switch (kind) {
            case LIVE ->
                lasting && links.leadEverywhere()
                        ? record -> links.of(record, sources)
                        : record -> listedUris.of(record, viewer, sources);
            case HYBRID -> record -> hybridUris.of(record, viewer, links, sources);
        };
        LiveEdge edge = LiveEdge.of(stream, rendition, uri);
        if (edge.isEmpty()) {
            return Answers.retryLater(503, "nothing to play yet: no relay in reach holds a chunk", RETRY_AFTER);
        }
        return m3u8(edge.playlist());
    }

    private ChunkSources sources(StreamView stream, Viewer viewer) {
        return new ChunkSources(stream, ranking.rank(stream.key(), viewer, stream.relays(), clock.instant()), holders);
    }

    private static HttpAnswer m3u8(String text) {
        return new HttpAnswer(
                200,
                // Exactly this type: players that compare it as a string take no parameter behind it.
                Map.of("content-type", LivePlaylist.CONTENT_TYPE, "cache-control", CACHE_CONTROL),
                Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static Optional<Integer> rendition(String text) {
        try {
            int number = Integer.parseInt(text);
            return number >= 0 && number <= ChunkId.MAX_RENDITION ? Optional.of(number) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty(); // The caller answers 404.
        }
    }
}
