package live.tributary.mesh.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What of an answer's body a request gets: all, one range, or nothing where it has it already (RFC 9110, 13 and 14). */
final class Selection {
    private Selection() {}

    /** The bytes that answer a request with these headers; sets status and length. */
    static OutgoingBody of(HttpHeaders asked, HttpAnswer answer, HttpResponse head) {
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
}
