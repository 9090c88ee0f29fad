package live.tributary.mesh.http;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import live.tributary.mesh.admin.Meters;

/** HTTP/1.1 on connections that it is given: asks its services in turn, and answers whatever comes with CORS headers. */
public final class HttpServer {
    private static final int MAX_CHUNK = 8 * 1024;

    private final List<HttpService> services;
    private final List<WebSocketService> webSockets;
    private final HttpLimits limits;
    private final Pace pace;
    private final HttpTallies tallies;
    private final Optional<PlainGets.Heads> plain;

    /** A server that counts for itself alone. */
    public HttpServer(List<HttpService> services, List<WebSocketService> webSockets, HttpLimits limits, Pace pace) {
        this(services, webSockets, limits, pace, new HttpTallies(new Meters()), Optional.empty());
    }

    /** @param plain answers the plain GETs of a path that one of the services answers too */
    public HttpServer(
            List<HttpService> services,
            List<WebSocketService> webSockets,
            HttpLimits limits,
            Pace pace,
            HttpTallies tallies,
            Optional<PlainGetService> plain) {
        this.services = List.copyOf(services);
        this.webSockets = List.copyOf(webSockets);
        this.limits = limits;
        this.pace = pace;
        this.tallies = tallies;
        this.plain = plain.map(service -> new PlainGets.Heads(service, tallies));
    }

    public static HttpServer of(HttpService... services) {
        return new HttpServer(List.of(services), List.of(), HttpLimits.DEFAULT, Pace.UNLIMITED);
    }

    /** Puts the server's handlers at the end of a pipeline. */
    public void install(ChannelPipeline pipeline, boolean tls) {
        HttpConnection connection = new HttpConnection(this, tls);
        plain.ifPresent(heads -> pipeline.addLast(new PlainGets(heads, connection, tls)));
        pipeline.addLast(new WholeGets(limits), decoder(), new HttpResponseEncoder(), connection);
    }

    /** Answers the first request, whatever it is, with a refusal and closes. */
    public void installRefusal(ChannelPipeline pipeline, int status, String message) {
        pipeline.addLast(
                decoder(),
                new HttpResponseEncoder(),
                new HttpConnection(
                        new HttpServer(
                                List.of(new Refusal(status, message)),
                                List.of(),
                                limits,
                                Pace.UNLIMITED,
                                tallies,
                                Optional.empty()),
                        false));
    }

    private ChannelHandler decoder() {
        return new HttpRequestDecoder(new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.requestLine())
                .setMaxHeaderSize(limits.headers())
                .setMaxChunkSize(MAX_CHUNK));
    }

    HttpLimits limits() {
        return limits;
    }

    HttpTallies tallies() {
        return tallies;
    }

    Pace pace() {
        return pace;
    }

    Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        boolean post = query.method().equals("POST");
        for (HttpService service : services) {
            Optional<CompletionStage<HttpAnswer>> answer =
                    post && !service.takesPosts() ? Optional.empty() : service.answer(query);
            if (answer.isPresent()) {
                return answer;
            }
        }
        return Optional.empty();
    }

    Optional<WebSocket> webSocket(HttpQuery query) {
        for (WebSocketService service : webSockets) {
            Optional<ChannelHandler> handler = service.accept(query);
            if (handler.isPresent()) {
                return Optional.of(new WebSocket(handler.get(), service.maxFrame()));
            }
        }
        return Optional.empty();
    }

    /** The handler that takes a connection over, and the longest frame that it wants to see. */
    record WebSocket(ChannelHandler handler, int maxFrame) {}

    /** Says no to everything. */
    private record Refusal(int status, String message) implements HttpService {
        @Override
        public boolean takesPosts() {
            return true;
        }

        @Override
        public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
            return Optional.of(CompletableFuture.completedStage(
                    HttpAnswer.text(status, message).with("connection", "close")));
        }
    }
}
