package live.tributary.gateway.http;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

    private static final String OTHER = "other";

    /** What is counted by name; everything else is {@code other}, or strangers could make up series. */
    private static final Map<String, String> RESOURCES = Stream.of(
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
                    "health")
            .collect(Collectors.toUnmodifiableMap(name -> name, name -> name.replace(".json", "")));

    private final Visits visits;
    private final Optional<RequestRate> rate;
    private final Meters meters;
    private final List<HttpService> services;
    /** Of each result by resource. */
    private final List<Map<String, Tally>> tallies;

    private enum Result {
        OK,
        BAD_REQUEST,
        NOT_FOUND,
        RATE_LIMITED,
        UNAVAILABLE,
        FAILED
    }

    /** @param rate none in private mode, where all clients may share one address */
    public FrontDoor(Visits visits, Optional<RequestRate> rate, Meters meters, List<HttpService> services) {
        this.visits = visits;
        this.rate = rate;
        this.meters = meters;
        this.services = List.copyOf(services);
        this.tallies = Stream.generate(() -> (Map<String, Tally>) new ConcurrentHashMap<String, Tally>())
                .limit(Result.values().length)
                .toList();
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (rate.isPresent() && !rate.get().admits(visits.address(query))) {
            count(query, Result.RATE_LIMITED);
            return Answers.now(Answers.retryLater(429, "too many requests", RETRY_AFTER));
        }
        try {
            for (HttpService service : services) {
                Optional<CompletionStage<HttpAnswer>> answer = service.answer(query);
                if (answer.isPresent()) {
                    count(query, answer.get());
                    return answer;
                }
            }
            return Optional.empty();
        } catch (RuntimeException e) {
            LOG.error("no answer for {}", query.rawPath(), e);
            count(query, Result.FAILED);
            return Answers.now(Answers.error(500, "the gateway failed to answer"));
        }
    }

    private void count(HttpQuery query, CompletionStage<HttpAnswer> answer) {
        if (answer instanceof CompletableFuture<HttpAnswer> future
                && future.isDone()
                && !future.isCompletedExceptionally()) {
            count(query, result(future.join().status())); // As most are: nobody has to be told later.
        } else {
            answer.thenAccept(given -> count(query, result(given.status())));
        }
    }

    private void count(HttpQuery query, Result result) {
        String resource = resource(query.rawPath());
        Map<String, Tally> known = tallies.get(result.ordinal());
        Tally tally = known.get(resource);
        if (tally == null) {
            tally = known.computeIfAbsent(resource, name -> meters.tally(Meter.ADDON_REQUESTS, name, result));
        }
        tally.increment();
    }

    /** The first segment, or behind a config the second. */
    private static String resource(String rawPath) {
        int end = rawPath.indexOf('/', 1);
        String first = rawPath.substring(Math.min(1, rawPath.length()), end < 0 ? rawPath.length() : end);
        String found = RESOURCES.get(first);
        if (found == null && end >= 0) {
            int next = rawPath.indexOf('/', end + 1);
            found = RESOURCES.get(rawPath.substring(end + 1, next < 0 ? rawPath.length() : next));
        }
        return found == null ? OTHER : found;
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
