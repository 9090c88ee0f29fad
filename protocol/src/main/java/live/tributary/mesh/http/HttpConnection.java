package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FileRegion;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
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
 * pile up requests. A
 * body leaves in runs, each when the socket has room and the pace allows it. One deadline at a time is set, for whatever is
 * being waited for; past it the connection is closed.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    /** What a client takes at least of a body in the time that it may stall, so that nobody holds a chunk for ever. */
    private static final int LEAST_TAKEN = 64 * 1024;
    /** Playlists, announces and errors do not queue behind chunks for the upload allowance. */
    private static final int UNPACED = 16 * 1024;

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
    private final Queue<Pending> waiting = new ArrayDeque<>();

    /** The request whose body is still coming in. */
    private @Nullable HttpRequest incoming;

    private ByteBuf incomingBody = Unpooled.EMPTY_BUFFER;
    private boolean refusing;
    private boolean asked;

    private boolean answering;
    private @Nullable OutgoingBody outgoing;
    /** What the kernel sends now; nothing else is written until it has. */
    private @Nullable FileRegion inFlight;

    private long leftBefore;
    private boolean paced;
    private boolean older;
    private boolean closeAfter;
    private boolean pumping;
    /** The pace has named a time; until then it is not asked again, whatever else happens. */
    private boolean awaitsTurn;

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
    }

    /** A whole request, or one that is already refused. */
    private record Pending(HttpRequest head, ByteBuf body, Optional<HttpAnswer> refusal) {
        boolean isHead() {
            return head.method().equals(HttpMethod.HEAD);
        }

        boolean keepAlive() {
            return refusal.isEmpty() && HttpUtil.isKeepAlive(head);
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
        incomingBody.release();
        incomingBody = Unpooled.EMPTY_BUFFER;
        if (outgoing != null) {
            outgoing.release();
            outgoing = null;
        }
    }

    // ---- Requests in

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        reading = true;
        try {
            if (message instanceof HttpRequest request && !refusing) {
                begin(ctx, request);
            }
            if (message instanceof HttpContent content && !refusing && incoming != null) {
                take(ctx, incoming, content);
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

    private void begin(ChannelHandlerContext ctx, HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            refuse(ctx, request, malformed(request.decoderResult().cause()));
            return;
        }
        if (HttpUtil.getContentLength(request, 0L) > limits.body()) {
            refuse(ctx, request, tooLong());
            return;
        }
        incoming = request;
        if (HttpUtil.is100ContinueExpected(request) && !answering) {
            ctx.writeAndFlush(new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
        }
    }

    private void take(ChannelHandlerContext ctx, HttpRequest request, HttpContent content) {
        if (content.decoderResult().isFailure()) {
            refuse(ctx, request, malformed(content.decoderResult().cause()));
            return;
        }
        int more = content.content().readableBytes();
        if (more > 0) {
            if (incomingBody.readableBytes() + more > limits.body()) {
                refuse(ctx, request, tooLong());
                return;
            }
            if (incomingBody.capacity() == 0) { // The shared empty one.
                incomingBody = ctx.alloc().buffer(more);
            }
            incomingBody.writeBytes(content.content());
        }
        if (content instanceof LastHttpContent) {
            ByteBuf body = incomingBody;
            incomingBody = Unpooled.EMPTY_BUFFER;
            incoming = null;
            enqueue(ctx, new Pending(request, body, Optional.empty()));
        }
    }

    private HttpAnswer tooLong() {
        return HttpAnswer.text(413, "body: longer (expected: <= " + limits.body() + " bytes)");
    }

    private HttpAnswer malformed(@Nullable Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            return HttpAnswer.text(414, "request line: longer (expected: <= " + limits.requestLine() + " characters)");
        }
        if (cause instanceof TooLongHttpHeaderException) {
            return HttpAnswer.text(431, "headers: longer (expected: <= " + limits.headers() + " bytes)");
        }
        return HttpAnswer.text(400, "malformed request");
    }

    /** Answers when its turn comes, then closes; reads nothing more. */
    private void refuse(ChannelHandlerContext ctx, HttpRequest request, HttpAnswer refusal) {
        refusing = true;
        incoming = null;
        enqueue(ctx, new Pending(request, Unpooled.EMPTY_BUFFER, Optional.of(refusal)));
    }

    private void enqueue(ChannelHandlerContext ctx, Pending pending) {
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
        Pending pending = waiting.poll();
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

    private void route(ChannelHandlerContext ctx, Pending pending) {
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
            ChannelHandlerContext ctx, Pending pending, @Nullable HttpAnswer answer, @Nullable Throwable failure) {
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

    private Optional<HttpQuery> query(ChannelHandlerContext ctx, Pending pending, String method) {
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

    private void write(ChannelHandlerContext ctx, Pending pending, HttpAnswer answer) {
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
        OutgoingBody body = cut(pending.head().headers(), answer, head);
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
        if (body.remaining() <= UNPACED && ctx.channel().isWritable()) {
            writeWhole(ctx, head, body);
            return;
        }
        ctx.write(head);
        outgoing = body;
        paced = body.remaining() > UNPACED;
        older = answer.older();
        waitAtMost(ctx, limits.stalled());
        pump(ctx);
    }

    private static boolean isPlain(Pending pending) {
        return pending.keepAlive() && pending.head().protocolVersion().equals(HttpVersion.HTTP_1_1);
    }

    /** What is encoded already goes past the encoder. */
    private void write(ChannelHandlerContext ctx, Pending pending, int status, PreparedAnswer answer) {
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

    /** What of the body answers the request: all, one range, or nothing; sets status and length. */
    private static OutgoingBody cut(HttpHeaders asked, HttpAnswer answer, HttpResponse head) {
        OutgoingBody body = new OutgoingBody(answer.body().duplicate(), answer.file());
        int length = body.remaining();
        HttpHeaders headers = head.headers();
        String etag = headers.get(HttpHeaderNames.ETAG);
        if (answer.status() == 200 && etag != null && matches(asked.get(HttpHeaderNames.IF_NONE_MATCH), etag)) {
            head.setStatus(HttpResponseStatus.NOT_MODIFIED);
            body.release();
            return OutgoingBody.empty();
        }
        String range = asked.get(HttpHeaderNames.RANGE);
        String ifRange = asked.get(HttpHeaderNames.IF_RANGE);
        if (answer.status() == 200
                && range != null
                && headers.containsValue(HttpHeaderNames.ACCEPT_RANGES, HttpHeaderValues.BYTES, true)
                && (ifRange == null || ifRange.equals(etag))) {
            Optional<ByteRange> wanted = ByteRange.parse(range, length);
            if (wanted.isPresent()) {
                ByteRange part = wanted.get();
                headers.set(HttpHeaderNames.CONTENT_RANGE, part.contentRange(length));
                head.setStatus(
                        part.satisfiable()
                                ? HttpResponseStatus.PARTIAL_CONTENT
                                : HttpResponseStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
                body.cut(part.from(), part.length());
            }
        }
        if (answer.status() != HttpResponseStatus.NO_CONTENT.code()) {
            headers.set(HttpHeaderNames.CONTENT_LENGTH, body.remaining());
        }
        return body;
    }

    private static boolean matches(@Nullable String ifNoneMatch, String etag) {
        if (ifNoneMatch == null) {
            return false;
        }
        for (String tag : ifNoneMatch.split(",", -1)) {
            String plain = tag.strip();
            if (plain.equals("*") || plain.equals(etag) || plain.equals("W/" + etag)) {
                return true;
            }
        }
        return false;
    }

    /** Writes as much of the body as the socket and the pace take now. */
    private void pump(ChannelHandlerContext ctx) {
        if (pumping
                || awaitsTurn) { // Flushing may report at once that the socket has room again, or that all has left.
            return;
        }
        pumping = true;
        boolean written = false;
        while (outgoing != null && !written && inFlight == null && ctx.channel().isWritable()) {
            int length = Math.min(server.pace().run(), outgoing.remaining());
            long wait = paced ? server.pace().take(length, older) : 0;
            if (wait > 0) {
                waitAtMost(ctx, limits.stalled());
                awaitsTurn = true;
                ctx.executor().schedule(() -> takeTurn(ctx), wait, TimeUnit.NANOSECONDS);
                break;
            }
            if (!paced) {
                server.pace().spend(length);
            }
            OutgoingBody body = outgoing;
            Object part = body.take(length);
            written = body.remaining() == 0;
            if (part instanceof FileRegion region) {
                inFlight = region;
                leftBefore = 0;
                ctx.write(region).addListener(sent -> left(ctx, sent.isSuccess()));
            } else {
                ctx.write(part).addListener(sent -> waitAtMost(ctx, limits.stalled()));
            }
            if (written) {
                outgoing = null;
                body.release();
                var last = ctx.write(LastHttpContent.EMPTY_LAST_CONTENT);
                if (closeAfter) {
                    last.addListener(ChannelFutureListener.CLOSE);
                }
            }
            if (inFlight != null || !ctx.channel().isWritable()) {
                ctx.flush(); // After which there may be room again.
            }
        }
        ctx.flush();
        pumping = false;
        if (written && inFlight == null) {
            finished(ctx);
        }
    }

    private void takeTurn(ChannelHandlerContext ctx) {
        awaitsTurn = false;
        pump(ctx);
    }

    /** The kernel has sent a part of a file, or cannot. */
    private void left(ChannelHandlerContext ctx, boolean whole) {
        inFlight = null;
        if (!whole) {
            ctx.close(); // The client was promised more.
            return;
        }
        waitAtMost(ctx, limits.stalled());
        if (!pumping) {
            if (outgoing == null) {
                finished(ctx);
            } else {
                pump(ctx);
            }
        }
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
        pump(ctx);
        ctx.fireChannelWritabilityChanged();
    }

    // ---- WebSocket

    private void upgrade(ChannelHandlerContext ctx, Pending pending, HttpServer.WebSocket webSocket) {
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
        if (left <= 0 && !takesSome()) {
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

    /** Whether a client that is being sent a part of a file took enough of it since it was last asked. */
    private boolean takesSome() {
        FileRegion region = inFlight;
        if (region == null || region.transferred() - leftBefore < LEAST_TAKEN) {
            return false;
        }
        leftBefore = region.transferred();
        return true;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!(cause instanceof IOException) && !(cause.getCause() instanceof SSLException)) {
            LOG.warn("an HTTP connection failed", cause);
        }
        ctx.close();
    }
}
