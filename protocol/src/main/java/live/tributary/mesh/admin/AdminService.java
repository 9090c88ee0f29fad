package live.tributary.mesh.admin;

import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;

/**
 * The operator's three paths: {@code /metrics}, {@code /status} and, at {@code /}, a page of the status.
 *
 * <p>The server lets every page read its answers, which is right for viewers. Here it would let any site that the operator visits ask
 * what runs on his machine: browsers name the asking site, and such requests are refused.
 */
public final class AdminService implements HttpService {
    private static final String NO_STORE = "no-store";

    private final Meters meters;
    private final NodeStatus status;
    private final Executor executor;

    /** @param executor where answers are put together, off the event loop */
    public AdminService(Meters meters, NodeStatus status, Executor executor) {
        this.meters = meters;
        this.status = status;
        this.executor = executor;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (query.headers().contains(HttpHeaderNames.ORIGIN)) {
            return Optional.of(CompletableFuture.completedStage(
                    HttpAnswer.text(403, "only for the operator (expected: no page of another site that asks)")));
        }
        return switch (query.rawPath()) {
            case "/metrics" -> later(() -> text("text/plain; version=0.0.4; charset=utf-8", meters.scrape()));
            case "/status" -> later(() -> text("application/json", status.json().toPrettyString()));
            case "/" ->
                later(() -> text("text/html; charset=utf-8", page())
                        .with("content-security-policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'"));
            default -> Optional.empty();
        };
    }

    private Optional<CompletionStage<HttpAnswer>> later(Supplier<HttpAnswer> answer) {
        return Optional.of(CompletableFuture.supplyAsync(answer, executor));
    }

    private static HttpAnswer text(String contentType, String body) {
        return HttpAnswer.of(contentType, NO_STORE, body.getBytes(StandardCharsets.UTF_8));
    }

    private static String page() {
        try (InputStream in = AdminService.class.getResourceAsStream("status.html")) {
            if (in == null) {
                throw new IllegalStateException("status.html is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
