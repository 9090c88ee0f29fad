package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One HTTP connection: requests are answered one after the other in the order in which they came.
 *
 * <p>While an answer is under way and another request waits, nothing more is read, so a client that does not read its answers cannot
 * pile up requests. One deadline at a time is set, for whatever is being waited for; past it the connection is closed.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    private static final String ALLOWED_METHODS = "GET, HEAD, POST, OPTIONS";
    private static final String ALLOWED_MOSTLY = "GET, HEAD, OPTIONS";
    private static final String ALLOWED_HEADERS =
            "accept, authorization, cache-control, content-type, if-none-match, if-range, range";
    private static final AsciiString EXPOSED_HEADERS =
            AsciiString.cached("ETag, Content-Length, Content-Range, Accept-Ranges, Location");
    private static final AsciiString ANY_ORIGIN = AsciiString.cached("*");
    private static final AsciiString CONTENT_TYPE_OPTIONS = AsciiString.cached("x-content-type-options");
    private static final AsciiString NO_SNIFFING = AsciiString.cached("nosniff");
    /** What every answer carries. */
    static final Map<String, String> COMMON_HEADERS = commonHeaders();

    private static final String PREFLIGHT_SECONDS = "86400";
    private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);

    private final HttpServer server;
    private final HttpLimits limits;
    private final boolean tls;
    private final Queue<PendingRequest> waiting = new ArrayDeque<>();

    private final IncomingRequest incoming;
    private boolean asked;

    private boolean answering;
    private boolean closeAfter;
    private final BodyPump bodies;

    /** More may come of what was read; what is written until then is flushed at its end. */
    private boolean reading;

    private long deadline;
    private @Nullable Future<?> check;

    /** In the order in which they are written. */
    private static Map<String, String> commonHeaders() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN.toString(), ANY_ORIGIN.toString());
        headers.put(HttpHeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS.toString(), EXPOSED_HEADERS.toString());
        headers.put(CONTENT_TYPE_OPTIONS.toString(), NO_SNIFFING.toString());
        return Collections.unmodifiableMap(headers);
    }

    HttpConnection(HttpServer server, boolean tls) {
        this.server = server;
        this.limits = server.limits();
        this.tls = tls;
        this.incoming = new IncomingRequest(limits);
        this.bodies = new BodyPump(server.pace(), new Leaving());
    }

    private final class Leaving implements BodyPump.Listener {
        @Override
        public void mayStall(ChannelHandlerContext ctx) {
            waitAtMost(ctx, limits.stalled());
        }

        @Override
        public void left(ChannelHandlerContext ctx) {
            finished(ctx);
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        waitAtMost(ctx, limits.firstRequest());
        checkDeadline(ctx);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (check != null) {
            check.cancel(false);
        }
        releaseAll();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        releaseAll();
        ctx.fireChannelInactive();
    }

    private void releaseAll() {
        waiting.forEach(pending -> pending.body().release());
        waiting.clear();
        incoming.release();
        bodies.release();
    }

    // ---- Requests in

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        reading = true;
        try {
            PendingRequest whole = incoming.read(ctx, message);
            if (whole != null) {
                enqueue(ctx, whole);
            } else if (incoming.expectsContinue(message) && !answering) {
                ctx.writeAndFlush(new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        reading = false;
        ctx.flush();
        ctx.fireChannelReadComplete();
    }

    private void enqueue(ChannelHandlerContext ctx, PendingRequest pending) {
        if (waiting.size() >= limits.pipelined()) {
            pending.body().release();
            pending.refusal().ifPresent(HttpAnswer::release);
            server.tallies().cut();
            ctx.flush();
            ctx.close();
            return;
        }
        asked = true;
        waiting.add(pending);
        if (answering) {
            ctx.channel().config().setAutoRead(false);
        }
        next(ctx);
    }

    // ---- Answers out

    private void next(ChannelHandlerContext ctx) {
        if (answering || !ctx.channel().isActive()) {
            return;
        }
        PendingRequest pending = waiting.poll();
        if (pending == null) {
            ctx.channel().config().setAutoRead(true);
            return;
        }
        answering = true;
        waitAtMost(ctx, limits.answer());
        try {
            route(ctx, pending);
        } finally {
            pending.body().release();
        }
    }

    private void route(ChannelHandlerContext ctx, PendingRequest pending) {
        HttpRequest head = pending.head();
        if (pending.refusal().isPresent()) {
            write(ctx, pending, pending.refusal().get());
            return;
        }
        if (head.method().equals(HttpMethod.OPTIONS)) {
            write(ctx, pending, preflight(head.headers()));
            return;
        }
        boolean get = head.method().equals(HttpMethod.GET) || pending.isHead();
        if (!get && !head.method().equals(HttpMethod.POST)) {
            write(ctx, pending, notAllowed(ALLOWED_METHODS));
            return;
        }
        Optional<HttpQuery> query = query(ctx, pending, get ? "GET" : "POST");
        if (query.isEmpty()) {
            write(ctx, pending, HttpAnswer.text(400, "malformed request target"));
            return;
        }
        try {
            if (get && head.headers().containsValue(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true)) {
                Optional<HttpServer.WebSocket> webSocket = server.webSocket(query.get());
                if (webSocket.isPresent()) {
                    upgrade(ctx, pending, webSocket.get());
                    return;
                }
            }
            Optional<CompletionStage<HttpAnswer>> answer = server.answer(query.get());
            if (answer.isEmpty()) {
                write(ctx, pending, get ? HttpAnswer.text(404, "not found") : notAllowed(ALLOWED_MOSTLY));
                return;
            }
            pending.body().retain(); // A service may look at it until it has answered.
            answer.get().whenComplete((done, failure) -> {
                if (ctx.executor().inEventLoop()) {
                    answered(ctx, pending, done, failure);
                } else {
                    ctx.executor().execute(() -> answered(ctx, pending, done, failure));
                }
            });
        } catch (RuntimeException e) {
            write(ctx, pending, failed(query.get().rawPath(), e));
        }
    }

    private void answered(
            ChannelHandlerContext ctx,
            PendingRequest pending,
            @Nullable HttpAnswer answer,
            @Nullable Throwable failure) {
        pending.body().release();
        write(ctx, pending, answer != null ? answer : failed(pending.head().uri(), failure));
    }

    private static HttpAnswer notAllowed(String allowed) {
        return HttpAnswer.text(405, "method not allowed").with("allow", allowed);
    }

    private static HttpAnswer failed(String what, @Nullable Throwable failure) {
        LOG.warn("no answer to {}", what, failure);
        return HttpAnswer.text(500, "internal error");
    }

    private Optional<HttpQuery> query(ChannelHandlerContext ctx, PendingRequest pending, String method) {
        String target = pending.head().uri();
        if (target.startsWith("http://") || target.startsWith("https://")) { // RFC 9112, 3.2.2: absolute form.
            int path = target.indexOf('/', target.indexOf("//") + 2);
            target = path < 0 ? "/" : target.substring(path);
        }
        if (!target.startsWith("/")) {
            return Optional.empty();
        }
        int question = target.indexOf('?');
        return Optional.of(new HttpQuery(
                method,
                question < 0 ? target : target.substring(0, question),
                question < 0 ? "" : target.substring(question + 1),
                pending.head().headers(),
                (InetSocketAddress) ctx.channel().remoteAddress(),
                tls,
                pending.body()));
    }

    private static HttpAnswer preflight(HttpHeaders asked) {
        HttpAnswer answer = new HttpAnswer(204, Map.of(), Unpooled.EMPTY_BUFFER)
                .with("allow", ALLOWED_METHODS)
                .with("access-control-allow-methods", ALLOWED_METHODS)
                .with("access-control-allow-headers", ALLOWED_HEADERS)
                .with("access-control-max-age", PREFLIGHT_SECONDS);
        return asked.contains("access-control-request-private-network")
                ? answer.with("access-control-allow-private-network", "true")
                : answer;
    }

    private void write(ChannelHandlerContext ctx, PendingRequest pending, HttpAnswer answer) {
        if (!ctx.channel().isActive() || ctx.isRemoved()) {
            answer.release();
            return;
        }
        if (answer.prepared().isPresent() && isPlain(pending) && ctx.channel().isWritable()) {
            write(ctx, pending, answer.status(), answer.prepared().get());
            return;
        }
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()));
        HttpHeaders headers = head.headers();
        answer.headers().forEach(headers::set);
        headers.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN)
                .set(HttpHeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS)
                .set(CONTENT_TYPE_OPTIONS, NO_SNIFFING);
        OutgoingBody body = Selection.of(pending.head().headers(), answer, head);
        server.tallies().answered(head.status().code());
        closeAfter =
                !pending.keepAlive() || headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE, true);
        if (closeAfter) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (pending.head().protocolVersion().equals(HttpVersion.HTTP_1_0)) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
        if (pending.isHead()) {
            body.release();
            body = OutgoingBody.empty();
        }
        if (tls || body.isShort()) {
            body.asMemory();
        }
        if (body.remaining() <= BodyPump.UNPACED && ctx.channel().isWritable()) {
            writeWhole(ctx, head, body);
            return;
        }
        ctx.write(head);
        waitAtMost(ctx, limits.stalled());
        bodies.begin(ctx, body, answer.older(), closeAfter);
    }

    private static boolean isPlain(PendingRequest pending) {
        return pending.keepAlive() && pending.head().protocolVersion().equals(HttpVersion.HTTP_1_1);
    }

    /** What is encoded already goes past the encoder. */
    private void write(ChannelHandlerContext ctx, PendingRequest pending, int status, PreparedAnswer answer) {
        server.tallies().answered(status);
        ByteBuf bytes = pending.isHead() ? answer.head(ctx.alloc()) : answer.whole(ctx.alloc());
        server.pace().spend(bytes.readableBytes());
        ctx.pipeline().context(HttpResponseEncoder.class).write(bytes);
        closeAfter = false;
        if (!reading || !ctx.channel().isWritable()) {
            ctx.flush();
        }
        finished(ctx);
    }

    /** A small answer is one message; those to requests that came together leave together. */
    private void writeWhole(ChannelHandlerContext ctx, HttpResponse head, OutgoingBody body) {
        server.pace().spend(body.remaining());
        var sent = ctx.write(new DefaultFullHttpResponse(
                head.protocolVersion(), head.status(), body.takeAll(), head.headers(), EmptyHttpHeaders.INSTANCE));
        if (closeAfter) {
            sent.addListener(ChannelFutureListener.CLOSE);
        }
        if (!reading || !ctx.channel().isWritable()) {
            ctx.flush();
        }
        finished(ctx);
    }

    /** A request was answered before it came here, with a body of so many bytes. */
    void answeredPlainly(ChannelHandlerContext ctx, int bytes) {
        asked = true;
        server.pace().spend(bytes);
        waitAtMost(ctx, limits.idle());
    }

    private void finished(ChannelHandlerContext ctx) {
        answering = false;
        waitAtMost(ctx, limits.idle());
        if (!closeAfter) {
            next(ctx);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        bodies.pump(ctx);
        ctx.fireChannelWritabilityChanged();
    }

    // ---- WebSocket

    private void upgrade(ChannelHandlerContext ctx, PendingRequest pending, HttpServer.WebSocket webSocket) {
        WebSocketServerHandshaker handshaker = new WebSocketServerHandshakerFactory(
                        "", null, false, webSocket.maxFrame())
                .newHandshaker(pending.head());
        if (handshaker == null) {
            write(
                    ctx,
                    pending,
                    HttpAnswer.text(400, "websocket version (expected: 13)").with("sec-websocket-version", "13"));
            return;
        }
        var request = new DefaultFullHttpRequest(
                HttpVersion.HTTP_1_1, HttpMethod.GET, pending.head().uri(), Unpooled.EMPTY_BUFFER);
        request.headers().set(pending.head().headers());
        try {
            handshaker.handshake(ctx.channel(), request);
        } catch (RuntimeException e) { // Its way of saying that a header is missing.
            write(ctx, pending, HttpAnswer.text(400, "malformed websocket request"));
            return;
        }
        WebSocketFrames.install(ctx.pipeline(), webSocket.handler());
        ctx.pipeline().remove(this);
        ctx.channel().config().setAutoRead(true);
    }

    // ---- Deadlines

    private void waitAtMost(ChannelHandlerContext ctx, Duration duration) {
        deadline = ctx.executor().ticker().nanoTime() + duration.toNanos();
    }

    private void checkDeadline(ChannelHandlerContext ctx) {
        long left = deadline - ctx.executor().ticker().nanoTime();
        if (left <= 0 && !bodies.isTaken()) {
            if (answering || !asked) { // Else it had nothing more to ask, as any client one day.
                server.tallies().cut();
                ctx.channel()
                        .config()
                        .setOption(ChannelOption.SO_LINGER, 0); // What it did not take is not kept for it.
            }
            ctx.close();
        } else if (left <= 0) {
            waitAtMost(ctx, limits.stalled());
            checkDeadline(ctx);
        } else {
            check = ctx.executor().schedule(() -> checkDeadline(ctx), left, TimeUnit.NANOSECONDS);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!(cause instanceof IOException) && !(cause.getCause() instanceof SSLException)) {
            LOG.warn("an HTTP connection failed", cause);
        }
        ctx.close();
    }
}
