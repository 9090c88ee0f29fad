package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * An answer whose head and body were put together once and leave by one write, however often it is given.
 *
 * <p>For small things that know no ranges or tags.
 */
public final class PreparedAnswer {
    /** The longest body, bytes: it is not paced, and stands in the socket's queue as a whole. */
    public static final int MAX_BODY = 64 * 1024;

    private final byte[] bytes;
    private final int headLength;

    private PreparedAnswer(byte[] bytes, int headLength) {
        this.bytes = bytes;
        this.headLength = headLength;
    }

    /** What answers of one kind have in common. */
    public static final class Head {
        private static final byte[] END = "\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);

        private final int status;
        private final Map<String, String> headers;
        private final byte[] beforeLength;

        public Head(int status, Map<String, String> headers) {
            this.status = status;
            this.headers = Map.copyOf(headers);
            StringBuilder head = new StringBuilder("HTTP/1.1 ")
                    .append(HttpResponseStatus.valueOf(status))
                    .append("\r\n");
            headers.forEach((name, value) -> line(head, name, value));
            HttpConnection.COMMON_HEADERS.forEach((name, value) -> line(head, name, value));
            beforeLength = head.append("content-length: ").toString().getBytes(StandardCharsets.ISO_8859_1);
        }

        private static void line(StringBuilder head, String name, String value) {
            if (value.indexOf('\r') >= 0 || value.indexOf('\n') >= 0) {
                throw new IllegalArgumentException(name + ": more than a line (expected: one line)");
            }
            head.append(name).append(": ").append(value).append("\r\n");
        }

        /** The answer with this body, whose parts follow one another; above {@link #MAX_BODY} it is sent as any other one. */
        public HttpAnswer answer(byte[]... parts) {
            int length = 0;
            for (byte[] part : parts) {
                length += part.length;
            }
            byte[] digits = Integer.toString(length).getBytes(StandardCharsets.ISO_8859_1);
            int headLength = beforeLength.length + digits.length + END.length;
            byte[] bytes = new byte[headLength + length];
            int at = put(bytes, 0, beforeLength);
            at = put(bytes, at, digits);
            at = put(bytes, at, END);
            for (byte[] part : parts) {
                at = put(bytes, at, part);
            }
            PreparedAnswer prepared = new PreparedAnswer(bytes, headLength);
            return new HttpAnswer(
                    status,
                    headers,
                    Unpooled.unreleasableBuffer(prepared.body()),
                    Optional.empty(),
                    false,
                    length > MAX_BODY ? Optional.empty() : Optional.of(prepared));
        }

        private static int put(byte[] bytes, int at, byte[] part) {
            System.arraycopy(part, 0, bytes, at, part.length);
            return at + part.length;
        }
    }

    /** All that is sent for a GET on a connection that lasts. */
    ByteBuf whole() {
        return Unpooled.wrappedBuffer(bytes);
    }

    /** All that is sent for a HEAD. */
    ByteBuf head() {
        return Unpooled.wrappedBuffer(bytes, 0, headLength);
    }

    private ByteBuf body() {
        return Unpooled.wrappedBuffer(bytes, headLength, bytes.length - headLength);
    }
}
