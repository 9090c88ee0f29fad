package live.tributary.origin.http;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;

/** The services that an origin adds once its port is bound: they need the stream, the stream needs the port. */
public final class OwnServices implements HttpService {
    private final List<HttpService> services = new CopyOnWriteArrayList<>();

    public void add(HttpService service) {
        services.add(service);
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        return services.stream()
                .filter(service -> !query.method().equals("POST") || service.takesPosts())
                .flatMap(service -> service.answer(query).stream())
                .findFirst();
    }

    @Override
    public boolean takesPosts() {
        return services.stream().anyMatch(HttpService::takesPosts);
    }
}
