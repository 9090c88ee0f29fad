package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The request that is coming in on a connection: its head, then its body, neither longer than the limits. */
final class IncomingRequest {
    private final HttpLimits limits;
    /** The request whose body is still coming in. */
    private @Nullable HttpRequest head;

    private ByteBuf body = Unpooled.EMPTY_BUFFER;
    /** A request was refused: nothing behind it is read. */
    private boolean refused;

    IncomingRequest(HttpLimits limits) {
        this.limits = limits;
    }

    /** Takes what the codec has read, a copy of its bytes; the request that is whole with it, or refused for it, else null. */
    @Nullable
    PendingRequest read(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest request && !refused) {
            PendingRequest refusal = begin(request);
            if (refusal != null) {
                return refusal;
            }
        }
        return message instanceof HttpContent content && !refused && head != null ? take(ctx, head, content) : null;
    }

    /** Whether this is a head that was taken, and whose client waits to be told to send the body. */
    boolean expectsContinue(Object message) {
        return message == head && head != null && HttpUtil.is100ContinueExpected(head);
    }

    private @Nullable PendingRequest begin(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            return refuse(request, malformed(request.decoderResult().cause()));
        }
        if (HttpUtil.getContentLength(request, 0L) > limits.body()) {
            return refuse(request, tooLong());
        }
        head = request;
        return null;
    }

    private @Nullable PendingRequest take(ChannelHandlerContext ctx, HttpRequest request, HttpContent content) {
        if (content.decoderResult().isFailure()) {
            return refuse(request, malformed(content.decoderResult().cause()));
        }
        int more = content.content().readableBytes();
        if (more > 0) {
            if (body.readableBytes() + more > limits.body()) {
                return refuse(request, tooLong());
            }
            if (body.capacity() == 0) { // The shared empty one.
                body = ctx.alloc().buffer(more);
            }
            body.writeBytes(content.content());
        }
        if (!(content instanceof LastHttpContent)) {
            return null;
        }
        ByteBuf whole = body;
        body = Unpooled.EMPTY_BUFFER;
        head = null;
        return new PendingRequest(request, whole, Optional.empty());
    }

    private PendingRequest refuse(HttpRequest request, HttpAnswer refusal) {
        refused = true;
        head = null;
        return new PendingRequest(request, Unpooled.EMPTY_BUFFER, Optional.of(refusal));
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

    void release() {
        body.release();
        body = Unpooled.EMPTY_BUFFER;
    }
}
