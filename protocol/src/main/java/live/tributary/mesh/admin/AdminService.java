package live.tributary.mesh.admin;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
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
public final class AdminService implements HttpService, AutoCloseable {
    /** The most answers that wait to be put together. */
    static final int MAX_WAITING = 64;

    private static final String NO_STORE = "no-store";

    private final Meters meters;
    private final NodeStatus status;
    /** An answer takes milliseconds, and the first one half a second: on an event loop every link there would stand still. */
    private final ThreadPoolExecutor thread = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(MAX_WAITING), new DefaultThreadFactory("admin", true));

    /** Puts answers together on a thread of its own. */
    public AdminService(Meters meters, NodeStatus status) {
        this.meters = meters;
        this.status = status;
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
        try {
            return Optional.of(CompletableFuture.supplyAsync(answer, thread));
        } catch (RejectedExecutionException e) {
            String why = thread.isShutdown()
                    ? "this node is stopping"
                    : "too many ask at once (expected: <= " + MAX_WAITING + ")";
            return Optional.of(CompletableFuture.completedStage(HttpAnswer.text(503, why)));
        }
    }

    /** Whoever waits still gets its answer. */
    @Override
    public void close() {
        thread.shutdown();
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
