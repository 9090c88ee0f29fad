package live.tributary.gateway.http;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's services behind one limit per address, counted by what was asked and what came of it; a service that fails becomes
 * an answer, not a closed connection.
 */
public final class FrontDoor implements HttpService {
    private static final Logger LOG = LoggerFactory.getLogger(FrontDoor.class);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    /** What is counted by name; everything else is {@code other}, or strangers could make up series. */
    private static final Set<String> RESOURCES = Set.of(
            "manifest.json",
            "catalog",
            "meta",
            "stream",
            "configure",
            "live",
            "hybrid",
            "steer",
            "dvr",
            "owncast",
            "watch",
            "web",
            "relays.json",
            "health");

    private final Visits visits;
    private final Optional<RequestRate> rate;
    private final Meters meters;
    private final List<HttpService> services;
    private final Map<Counted, Tally> tallies = new ConcurrentHashMap<>();

    private enum Result {
        OK,
        BAD_REQUEST,
        NOT_FOUND,
        RATE_LIMITED,
        UNAVAILABLE,
        FAILED
    }

    private record Counted(String resource, Result result) {}

    /** @param rate none in private mode, where all clients may share one address */
    public FrontDoor(Visits visits, Optional<RequestRate> rate, Meters meters, List<HttpService> services) {
        this.visits = visits;
        this.rate = rate;
        this.meters = meters;
        this.services = List.copyOf(services);
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (rate.isPresent() && !rate.get().admits(visits.address(query))) {
            count(query, Result.RATE_LIMITED);
            return Answers.now(Answers.retryLater(429, "too many requests", RETRY_AFTER));
        }
        try {
            return services.stream()
                    .map(service -> service.answer(query))
                    .flatMap(Optional::stream)
                    .findFirst()
                    .map(stage -> stage.thenApply(answer -> {
                        count(query, result(answer.status()));
                        return answer;
                    }));
        } catch (RuntimeException e) {
            LOG.error("no answer for {}", query.rawPath(), e);
            count(query, Result.FAILED);
            return Answers.now(Answers.error(500, "the gateway failed to answer"));
        }
    }

    private void count(HttpQuery query, Result result) {
        tallies.computeIfAbsent(
                        new Counted(resource(query.rawPath()), result),
                        counted -> meters.tally(Meter.ADDON_REQUESTS, counted.resource, counted.result))
                .increment();
    }

    /** The first segment, or behind a config the second. */
    private static String resource(String rawPath) {
        String[] segments = rawPath.split("/", 4);
        for (int i = 1; i < Math.min(segments.length, 3); i++) {
            if (RESOURCES.contains(segments[i])) {
                return segments[i].replace(".json", "");
            }
        }
        return "other";
    }

    private static Result result(int status) {
        return switch (status) {
            case 400, 405, 413 -> Result.BAD_REQUEST;
            case 404 -> Result.NOT_FOUND;
            case 503 -> Result.UNAVAILABLE;
            default -> status < 400 ? Result.OK : Result.FAILED;
        };
    }
}
