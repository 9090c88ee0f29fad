package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * An answer. The server adds Content-Length and the CORS headers, honours Range where the answer says Accept-Ranges, and
 * releases the body once it is written.
 *
 * @param file the body's bytes once more, where the kernel can send them by itself
 * @param older whether others' answers, for the live edge, are more urgent
 * @param prepared the whole as it is sent, where it was put together before; it has the body, then, which is made when it is asked for
 */
public record HttpAnswer(
        int status,
        Map<String, String> headers,
        ByteBuf body,
        Optional<SharedFile> file,
        boolean older,
        Optional<PreparedAnswer> prepared) {
    public HttpAnswer {
        headers = Map.copyOf(headers);
    }

    public HttpAnswer(int status, Map<String, String> headers, ByteBuf body, Optional<SharedFile> file, boolean older) {
        this(status, headers, body, file, older, Optional.empty());
    }

    public HttpAnswer(int status, Map<String, String> headers, ByteBuf body) {
        this(status, headers, body, Optional.empty(), false);
    }

    public static HttpAnswer of(String contentType, String cacheControl, byte[] body) {
        return new HttpAnswer(
                200, Map.of("content-type", contentType, "cache-control", cacheControl), Unpooled.wrappedBuffer(body));
    }

    public static HttpAnswer text(int status, String message) {
        return new HttpAnswer(
                status,
                Map.of("content-type", "text/plain; charset=utf-8", "cache-control", "no-store"),
                Unpooled.wrappedBuffer((message + "\n").getBytes(StandardCharsets.UTF_8)));
    }

    public static HttpAnswer redirect(String location) {
        return new HttpAnswer(302, Map.of("location", location, "cache-control", "no-store"), Unpooled.EMPTY_BUFFER);
    }

    public HttpAnswer with(String header, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(header, value);
        return new HttpAnswer(status, more, body(), file, older);
    }

    @Override
    public ByteBuf body() {
        return prepared.map(PreparedAnswer::body).orElse(body);
    }

    /** Lets go of the body of an answer that is not given. */
    public void release() {
        body.release();
        file.ifPresent(SharedFile::release);
    }
}
