package live.tributary.gateway.web;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.RawPath;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.live.LiveOptions;
import live.tributary.gateway.ranking.LeftOut;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;

/**
 * How the gateway sees its relays, as it would offer them to whoever asks: {@code /relays.json}, and {@code /health}.
 *
 * <p>Relays' addresses are public, a tracker hands them out to anybody; no viewer's is shown.
 */
public final class RelaysService implements HttpService {
    /** The most streams in one answer; {@code ?stream=} asks for one. */
    private static final int MAX_STREAMS = 100;

    private static final double SCORE_STEP = 1000;

    private final ListedStreams streams;
    private final Visits visits;
    private final RelayRanking ranking;
    private final InstantSource clock;

    public RelaysService(ListedStreams streams, Visits visits, RelayRanking ranking, InstantSource clock) {
        this.streams = streams;
        this.visits = visits;
        this.ranking = ranking;
        this.clock = clock;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        return switch (query.rawPath()) {
            case "/relays.json" -> Answers.now(relays(query));
            case "/health" -> Answers.now(health());
            default -> Optional.empty();
        };
    }

    private HttpAnswer health() {
        ObjectNode json = Answers.object();
        json.put("status", "ok");
        json.put("streams", streams.all().size());
        json.put("live", streams.all().stream().filter(StreamView::live).count());
        json.put(
                "relays",
                streams.all().stream()
                        .flatMap(stream -> stream.relays().stream())
                        .filter(relay -> relay.role() == NodeRole.RELAY && relay.linked())
                        .map(RelayView::key)
                        .distinct()
                        .count());
        return Answers.json(Answers.NO_STORE, json);
    }

    private HttpAnswer relays(HttpQuery query) {
        Optional<Map<String, String>> parameters = RawPath.parameters(query.rawQuery(), true);
        Optional<Viewer> viewer = LiveOptions.parse(query.rawQuery())
                .flatMap(options -> visits.of(query).map(options::apply))
                .map(visit -> visit.viewer());
        if (parameters.isEmpty() || viewer.isEmpty()) {
            return Answers.error(400, "query: " + query.rawQuery() + " (expected: stream=<key>)");
        }
        String wanted = parameters.get().getOrDefault("stream", "");
        List<StreamView> shown = wanted.isEmpty()
                ? streams.all()
                : streams.find(wanted).map(List::of).orElse(List.of());
        ObjectNode json = Answers.object();
        ArrayNode list = json.putArray("streams");
        shown.stream().limit(MAX_STREAMS).forEach(stream -> list.add(stream(stream, viewer.get())));
        return Answers.json(Answers.NO_STORE, json);
    }

    private ObjectNode stream(StreamView stream, Viewer viewer) {
        Ranking ranked = ranking.rank(stream.key(), viewer, stream.relays(), clock.instant());
        Set<RelayKey> holders = stream.renditions().stream()
                .sorted()
                .limit(1)
                .flatMap(rendition -> stream.newest(rendition, 2).stream().limit(1))
                .flatMap(record -> stream.holders(record).stream())
                .map(RelayView::key)
                .collect(Collectors.toUnmodifiableSet());
        ObjectNode json = Answers.object();
        json.put("stream", stream.key().text());
        json.put("live", stream.live());
        stream.head().flatMap(head -> head.head().fallback()).ifPresent(base -> json.put("fallback", base.toString()));
        ArrayNode offered = json.putArray("offered");
        for (RankedRelay relay : ranked.offered()) {
            ObjectNode entry = relay(relay.relay());
            entry.put("base", relay.httpBase());
            entry.put("kilometres", Math.round(relay.kilometres()));
            entry.put("near", relay.near());
            entry.put(
                    "nearness", relay.nearness().name().toLowerCase(Locale.ROOT).replace('_', '-'));
            entry.put("score", Math.round(relay.score() * SCORE_STEP) / SCORE_STEP);
            entry.put("upToDate", holders.contains(relay.key()));
            offered.add(entry);
        }
        ArrayNode leftOut = json.putArray("leftOut");
        for (LeftOut left : ranked.leftOut()) {
            leftOut.add(relay(left.relay()).put("reason", left.reason().label()));
        }
        return json;
    }

    private static ObjectNode relay(RelayView relay) {
        ObjectNode json = Answers.object();
        json.put("relay", relay.key().text());
        json.put("role", relay.role().name().toLowerCase(Locale.ROOT));
        ArrayNode endpoints = json.putArray("endpoints");
        relay.endpoints().stream().map(Endpoint::text).forEach(endpoints::add);
        relay.descriptor().ifPresent(descriptor -> {
            json.put("claimedLoadPerMille", descriptor.body().loadPerMille());
            json.put("software", descriptor.body().software());
        });
        return json;
    }
}
