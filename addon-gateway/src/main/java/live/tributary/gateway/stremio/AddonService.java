package live.tributary.gateway.stremio;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.RawPath;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.Holders;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.gateway.ranking.RelaySet;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.stream.StreamKey;
import org.jspecify.annotations.Nullable;

/**
 * The add-on protocol over HTTP: {@code /[config/]manifest.json}, {@code catalog}, {@code meta}, {@code stream}.
 *
 * <p>Answers that are the same for everybody are kept for a moment as they are sent, by path and URL. A stream list is one viewer's: of
 * it the words are kept, and who is named in them is worked out for each who asks.
 */
public final class AddonService implements HttpService {
    private static final Duration MANIFEST_MAX_AGE = Duration.ofMinutes(10);
    /** As long as a client keeps the answer that goes away soonest. */
    private static final Duration KEPT = Streams.MAX_AGE;

    /** What a stream list knows of its stream may be so old; viewers keep the list for longer. */
    private static final Duration OUTLINE_KEPT = Duration.ofSeconds(1);

    private static final long MAX_KEPT_BYTES = 64L * 1024 * 1024;
    private static final long MAX_LISTINGS = 20_000;
    private static final long MAX_ROUTES = 20_000;
    private static final long MAX_CONFIGS = 10_000;
    private static final String SUFFIX = ".json";
    private static final String STREAM = "stream";
    private static final String IN_PATH = "/" + STREAM + "/";

    private final AddonIdentity identity;
    private final ListedStreams streams;
    private final Visits visits;
    private final RelayRanking ranking;
    private final InstantSource clock;
    private final Ticker ticker;
    private final Holders holders = new Holders();
    private final Cache<Key, Rendered> kept;
    private final Cache<StreamKey, Listing> listings;
    /** Of paths of streams that are listed; forgotten soon, since a stream may be listed no more. */
    private final Cache<String, Route> routes;

    private final Cache<String, Optional<AddonConfig>> configs = Caffeine.newBuilder()
            .maximumSize(MAX_CONFIGS)
            .executor(Runnable::run)
            .build();

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
        this.ticker = ticker;
        this.kept = Caffeine.newBuilder()
                .maximumWeight(MAX_KEPT_BYTES)
                .weigher((Key key, Rendered rendered) -> rendered.weight())
                .expireAfterWrite(KEPT)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
        this.routes = Caffeine.newBuilder()
                .maximumSize(MAX_ROUTES)
                .expireAfterWrite(KEPT)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
        this.listings = Caffeine.newBuilder()
                .maximumSize(MAX_LISTINGS)
                .expireAfterWrite(KEPT)
                .ticker(ticker)
                .executor(Runnable::run)
                .build();
    }

    /** What an answer that is the same for everybody depends on, besides the state of the mesh. */
    private record Key(String path, String base) {}

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (!query.rawPath().endsWith(SUFFIX)) {
            return RawPath.of(query.rawPath()).filter(AddonService::isResource).flatMap(path -> notFound());
        }
        Optional<String> base = visits.base(query);
        if (base.isEmpty()) {
            return RawPath.of(query.rawPath())
                    .filter(AddonService::isResource)
                    .flatMap(path ->
                            Answers.now(Answers.error(400, "host: missing or not one (expected: the gateway's name)")));
        }
        if (query.rawPath().contains(IN_PATH)) {
            Route route = routes.getIfPresent(query.rawPath());
            if (route != null) {
                return Answers.now(streams(route, query, base.get()));
            }
        }
        Key key = new Key(query.rawPath(), base.get());
        Rendered known = kept.getIfPresent(key);
        return known != null
                ? Answers.now(known.answer(query.headers()))
                : RawPath.of(query.rawPath())
                        .filter(AddonService::isResource)
                        .flatMap(path -> Answers.now(fresh(path, query, key)));
    }

    private static Optional<CompletionStage<HttpAnswer>> notFound() {
        return Answers.now(Answers.error(404, "no such resource"));
    }

    /** With or without a config before it. */
    private static boolean isResource(RawPath path) {
        return isBareResource(path) || (path.size() > 1 && isBareResource(path.tail()));
    }

    private static boolean isBareResource(RawPath path) {
        return switch (path.raw(0)) {
            case "manifest.json" -> path.size() == 1;
            case "meta", STREAM -> path.size() == 3;
            case "catalog" -> path.size() == 3 || path.size() == 4;
            default -> false;
        };
    }

    private HttpAnswer fresh(RawPath path, HttpQuery query, Key key) {
        boolean bare = isBareResource(path);
        Optional<AddonConfig> config =
                bare ? Optional.of(AddonConfig.DEFAULT) : configs.get(path.raw(0), AddonConfig::decode);
        if (config.isEmpty()) {
            return Answers.error(400, "config: not one that /configure makes");
        }
        RawPath asked = bare ? path : path.tail();
        if (asked.size() > 1 && !asked.raw(1).equals(Manifest.TYPE)) {
            return Answers.error(404, "no such resource");
        }
        return switch (asked.raw(0)) {
            case "manifest.json" -> keep(key, query, () -> new Rendered(manifest(key.base()), MANIFEST_MAX_AGE));
            case "catalog" -> catalog(asked, query, key);
            case "meta" ->
                ofVideo(
                        asked,
                        (stream, video) -> keep(
                                key,
                                query,
                                () -> new Rendered(
                                        Answers.bytes(Catalog.meta(stream, key.base(), clock.instant())),
                                        Catalog.MAX_AGE)));
            default ->
                ofVideo(asked, (stream, video) -> {
                    Route route = new Route(
                            config.get(), video.episode(), listings.get(stream.key(), missing -> new Listing(stream)));
                    routes.put(query.rawPath(), route);
                    return streams(route, query, key.base());
                });
        };
    }

    /** One renders, whoever asks the same meanwhile waits for it. */
    private HttpAnswer keep(Key key, HttpQuery query, Supplier<Rendered> render) {
        return kept.get(key, missing -> render.get()).answer(query.headers());
    }

    private byte[] manifest(String base) {
        List<String> tags = streams.all().stream()
                .flatMap(stream -> new StreamFacts(stream).tags().stream())
                .toList();
        return Answers.bytes(Manifest.of(identity, tags, base));
    }

    private HttpAnswer catalog(RawPath path, HttpQuery query, Key key) {
        String id = path.size() == 3 ? withoutSuffix(path.raw(2)) : path.raw(2);
        if (!id.equals(Manifest.CATALOG)) {
            return Answers.error(404, "no such catalog");
        }
        return RawPath.parameters(path.size() == 4 ? withoutSuffix(path.raw(3)) : "", false)
                .flatMap(extra -> Catalog.of(streams.all(), extra, key.base(), clock.instant()))
                .map(json -> json.path("metas").isEmpty()
                        ? Answers.json(Answers.NO_STORE, json)
                        : keep(key, query, () -> new Rendered(Answers.bytes(json), Catalog.MAX_AGE)))
                .orElseGet(() -> Answers.error(
                        400,
                        "extra: " + path.raw(path.size() - 1) + " (expected: search, genre or skip, percent-encoded)"));
    }

    private HttpAnswer streams(Route route, HttpQuery query, String base) {
        Instant now = clock.instant();
        Outline outline = route.listing().outline(now);
        return route.streams(outline, base)
                .answer(
                        visits.of(query, visits.address(query), base).viewer(),
                        viewer -> ranking.rank(outline.stream().key(), viewer, outline.relays(), now),
                        now);
    }

    /** Where the path of a stream list leads, and the words of its answers so far. */
    private static final class Route {
        /** Most gateways are reached by one URL or two. */
        private static final int BASES = 4;

        private final AddonConfig config;
        private final Optional<Episode> episode;
        private final Listing listing;
        private final AtomicReferenceArray<@Nullable Streams> byBase = new AtomicReferenceArray<>(BASES);

        Route(AddonConfig config, Optional<Episode> episode, Listing listing) {
            this.config = config;
            this.episode = episode;
            this.listing = listing;
        }

        Listing listing() {
            return listing;
        }

        Streams streams(Outline outline, String base) {
            int place = Math.floorMod(base.hashCode(), BASES);
            Streams known = byBase.get(place);
            if (known == null || !known.isOf(outline, base)) {
                known = new Streams(outline, episode, config, base, known);
                byBase.set(place, known);
            }
            return known;
        }
    }

    /** A stream, and what was last known of it. */
    private final class Listing {
        private final StreamView stream;
        private volatile @Nullable Outline last;
        private volatile long checkedAt;

        Listing(StreamView stream) {
            this.stream = stream;
        }

        Outline outline(Instant now) {
            Outline known = last;
            long time = ticker.read();
            if (known != null && time - checkedAt < OUTLINE_KEPT.toNanos()) {
                return known;
            }
            RelaySet relays = ranking.set(stream.relays());
            Outline next = known == null ? new Outline(stream, relays, holders, now) : known.renewed(relays, now);
            last = next;
            checkedAt = time;
            return next;
        }
    }

    private HttpAnswer ofVideo(RawPath path, BiFunction<StreamView, VideoId, HttpAnswer> answer) {
        Optional<String> id = new RawPath(List.of(withoutSuffix(path.raw(2)))).decoded(0);
        if (id.isEmpty()) {
            return Answers.error(400, "id: not percent-encoded UTF-8");
        }
        return VideoId.parse(id.get())
                .flatMap(video -> streams.find(video.key()).map(stream -> answer.apply(stream, video)))
                .orElseGet(() -> Answers.error(404, "no such stream here"));
    }

    private static String withoutSuffix(String segment) {
        return segment.substring(0, segment.length() - SUFFIX.length());
    }
}
