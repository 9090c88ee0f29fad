package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * An answer whose head was put together once, and whose body is bytes in parts that follow one another: it leaves by one write, however
 * often it is given, and nothing is copied before that.
 *
 * <p>For small things that know no ranges or tags.
 */
public final class PreparedAnswer {
    /** The longest body, bytes: it is not paced, and stands in the socket's queue as a whole. */
    public static final int MAX_BODY = 64 * 1024;

    private static final byte[] END = "\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);

    private final byte[] beforeLength;
    private final byte[] digits;
    private final byte[][] parts;
    private final int length;

    private PreparedAnswer(byte[] beforeLength, byte[][] parts) {
        this.beforeLength = beforeLength;
        this.parts = parts;
        int sum = 0;
        for (byte[] part : parts) {
            sum += part.length;
        }
        this.length = sum;
        this.digits = Integer.toString(length).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** What answers of one kind have in common. */
    public static final class Head {
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
            PreparedAnswer prepared = new PreparedAnswer(beforeLength, parts);
            return prepared.length > MAX_BODY
                    ? new HttpAnswer(status, headers, prepared.body())
                    : new HttpAnswer(
                            status, headers, Unpooled.EMPTY_BUFFER, Optional.empty(), false, Optional.of(prepared));
        }
    }

    /** Of the body, bytes. */
    public int length() {
        return length;
    }

    /** All that is sent for a GET on a connection that lasts. */
    ByteBuf whole(ByteBufAllocator allocator) {
        ByteBuf out = head(allocator, length);
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out;
    }

    /** All that is sent for a HEAD. */
    ByteBuf head(ByteBufAllocator allocator) {
        return head(allocator, 0);
    }

    private ByteBuf head(ByteBufAllocator allocator, int more) {
        return allocator
                .ioBuffer(beforeLength.length + digits.length + END.length + more)
                .writeBytes(beforeLength)
                .writeBytes(digits)
                .writeBytes(END);
    }

    /** For who sends it in another way; nobody has to let go of it. */
    ByteBuf body() {
        return Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(parts));
    }
}
