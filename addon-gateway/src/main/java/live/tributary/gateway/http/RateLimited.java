package live.tributary.gateway.http;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The gateway's services behind one limit per address; a service that fails becomes an answer, not a closed connection. */
public final class RateLimited implements HttpService {
    private static final Logger LOG = LoggerFactory.getLogger(RateLimited.class);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    private final Visits visits;
    private final Optional<RequestRate> rate;
    private final List<HttpService> services;

    /** @param rate none in private mode, where all clients may share one address */
    public RateLimited(Visits visits, Optional<RequestRate> rate, List<HttpService> services) {
        this.visits = visits;
        this.rate = rate;
        this.services = List.copyOf(services);
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (rate.isPresent() && !rate.get().admits(visits.address(query))) {
            return Answers.now(Answers.retryLater(429, "too many requests", RETRY_AFTER));
        }
        try {
            return services.stream()
                    .map(service -> service.answer(query))
                    .flatMap(Optional::stream)
                    .findFirst();
        } catch (RuntimeException e) {
            LOG.error("no answer for {}", query.rawPath(), e);
            return Answers.now(Answers.error(500, "the gateway failed to answer"));
        }
    }
}
