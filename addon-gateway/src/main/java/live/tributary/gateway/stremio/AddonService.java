package live.tributary.gateway.stremio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.RawPath;
import live.tributary.gateway.http.Visit;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.Holders;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;

/**
 * The add-on protocol over HTTP: {@code /[config/]manifest.json}, {@code catalog}, {@code meta}, {@code stream}.
 *
 * <p>Answers are kept for a moment, per config, URL and network of the viewer: many ask the same at the same time.
 */
public final class AddonService implements HttpService {
    private static final Duration MANIFEST_MAX_AGE = Duration.ofMinutes(10);
    /** As long as a client keeps the answer that goes away soonest. */
    private static final Duration KEPT = Streams.MAX_AGE;

    private static final long MAX_KEPT_BYTES = 64L * 1024 * 1024;
    private static final int KEY_OVERHEAD = 500;
    private static final String SUFFIX = ".json";

    private final AddonIdentity identity;
    private final ListedStreams streams;
    private final Visits visits;
    private final RelayRanking ranking;
    private final InstantSource clock;
    private final Holders holders;
    private final Cache<Key, Rendered> kept;

    public AddonService(
            AddonIdentity identity,
            ListedStreams streams,
            Visits visits,
            RelayRanking ranking,
            InstantSource clock,
            Ticker ticker) {
        this.identity = identity;
        this.streams = streams;
        this.visits = visits;
        this.ranking = ranking;
        this.clock = clock;
        this.holders = new Holders(ticker);
        this.kept = Caffeine.newBuilder()
                .maximumWeight(MAX_KEPT_BYTES)
                .weigher((Key key, Rendered rendered) -> rendered.json.length + KEY_OVERHEAD)
                .expireAfterWrite(KEPT)
                .ticker(ticker)
                .build();
    }

    /** What an answer depends on, besides the state of the mesh. */
    private record Key(String path, String base, Optional<Network> network, Optional<Place> place) {}

    private record Rendered(byte[] json, String cacheControl) {
        HttpAnswer answer() {
            return new HttpAnswer(
                    200,
                    Map.of("content-type", Answers.JSON, "cache-control", cacheControl),
                    Unpooled.wrappedBuffer(json));
        }
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        return RawPath.of(query.rawPath()).flatMap(path -> route(path, query)).flatMap(Answers::now);
    }

    private Optional<HttpAnswer> route(RawPath path, HttpQuery query) {
        if (isResource(path)) {
            return Optional.of(answer(path, AddonConfig.DEFAULT, query));
        }
        if (path.size() > 1 && isResource(path.tail())) {
            return Optional.of(AddonConfig.decode(path.raw(0))
                    .map(config -> answer(path.tail(), config, query))
                    .orElseGet(() -> Answers.error(400, "config: not one that /configure makes")));
        }
        return Optional.empty();
    }

    private static boolean isResource(RawPath path) {
        return switch (path.raw(0)) {
            case "manifest.json" -> path.size() == 1;
            case "meta", "stream" -> path.size() == 3;
            case "catalog" -> path.size() == 3 || path.size() == 4;
            default -> false;
        };
    }

    private HttpAnswer answer(RawPath path, AddonConfig config, HttpQuery query) {
        Optional<Visit> visit = visits.of(query);
        if (visit.isEmpty()) {
            return Answers.error(400, "host: missing or not one (expected: the gateway's name)");
        }
        String last = path.raw(path.size() - 1);
        if (!last.endsWith(SUFFIX) || (path.size() > 1 && !path.raw(1).equals(Manifest.TYPE))) {
            return Answers.error(404, "no such resource");
        }
        boolean personal = path.raw(0).equals("stream");
        Key key = new Key(
                query.rawPath(),
                visit.get().base(),
                personal ? Optional.of(visit.get().viewer().network()) : Optional.empty(),
                personal ? visit.get().viewer().location().place() : Optional.empty());
        Rendered before = kept.getIfPresent(key);
        return before != null ? before.answer() : fresh(path, config, visit.get(), key);
    }

    private HttpAnswer fresh(RawPath path, AddonConfig config, Visit visit, Key key) {
        return switch (path.raw(0)) {
            case "manifest.json" -> keep(key, Answers.shared(MANIFEST_MAX_AGE), manifest(visit));
            case "catalog" -> catalog(path, key);
            case "meta" ->
                ofVideo(
                        path,
                        (stream, episode) -> keep(
                                key,
                                Answers.shared(Catalog.MAX_AGE),
                                Catalog.meta(stream, visit.base(), clock.instant())));
            default -> ofVideo(path, (stream, episode) -> streams(stream, episode, config, visit, key));
        };
    }

    private ObjectNode manifest(Visit visit) {
        List<String> tags = streams.all().stream()
                .flatMap(stream -> new StreamFacts(stream).tags().stream())
                .toList();
        return Manifest.of(identity, tags, visit.base());
    }

    private HttpAnswer catalog(RawPath path, Key key) {
        String id = path.size() == 3 ? withoutSuffix(path.raw(2)) : path.raw(2);
        if (!id.equals(Manifest.CATALOG)) {
            return Answers.error(404, "no such catalog");
        }
        return RawPath.parameters(path.size() == 4 ? withoutSuffix(path.raw(3)) : "", false)
                .flatMap(extra -> Catalog.of(streams.all(), extra, key.base(), clock.instant()))
                .map(json -> json.path("metas").isEmpty()
                        ? Answers.json(Answers.NO_STORE, json)
                        : keep(key, Answers.shared(Catalog.MAX_AGE), json))
                .orElseGet(() -> Answers.error(
                        400,
                        "extra: " + path.raw(path.size() - 1) + " (expected: search, genre or skip, percent-encoded)"));
    }

    private HttpAnswer streams(StreamView stream, Optional<Episode> episode, AddonConfig config, Visit visit, Key key) {
        Streams.Answer answer = Streams.of(
                stream,
                episode,
                visit,
                config,
                viewer -> ranking.rank(stream.key(), viewer, stream.relays(), clock.instant()),
                holders,
                clock.instant());
        return answer.explained()
                ? Answers.json(Answers.NO_STORE, answer.json())
                : keep(key, Answers.personal(Streams.MAX_AGE), answer.json());
    }

    private HttpAnswer ofVideo(RawPath path, BiFunction<StreamView, Optional<Episode>, HttpAnswer> answer) {
        Optional<String> id = new RawPath(List.of(withoutSuffix(path.raw(2)))).decoded(0);
        if (id.isEmpty()) {
            return Answers.error(400, "id: not percent-encoded UTF-8");
        }
        return VideoId.parse(id.get())
                .flatMap(video -> streams.find(video.key()).map(stream -> answer.apply(stream, video.episode())))
                .orElseGet(() -> Answers.error(404, "no such stream here"));
    }

    private HttpAnswer keep(Key key, String cacheControl, ObjectNode json) {
        Rendered rendered = new Rendered(Answers.bytes(json), cacheControl);
        kept.put(key, rendered);
        return rendered.answer();
    }

    private static String withoutSuffix(String segment) {
        return segment.substring(0, segment.length() - SUFFIX.length());
    }
}
