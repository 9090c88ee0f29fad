package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import java.util.Optional;

/** A request that waits for its answer: a whole one, or one that is refused already and ends its connection. */
record PendingRequest(HttpRequest head, ByteBuf body, Optional<HttpAnswer> refusal) {
    boolean isHead() {
        return head.method().equals(HttpMethod.HEAD);
    }

    boolean keepAlive() {
        return refusal.isEmpty() && HttpUtil.isKeepAlive(head);
    }
}
