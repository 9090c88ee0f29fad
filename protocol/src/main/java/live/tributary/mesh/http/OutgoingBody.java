package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.FileRegion;
import io.netty.handler.codec.http.DefaultHttpContent;
import java.util.Optional;

/** What of an answer's body has not left yet, as memory or, where the kernel may send it, as a part of a file. */
final class OutgoingBody {
    /** What is shorter than this leaves as memory, in one system call with the headers. */
    private static final int WORTH_A_CALL = 64 * 1024;

    private final ByteBuf bytes;
    private Optional<SharedFile> file;
    private int at;

    /** Takes both over; {@code file} has the same bytes. */
    OutgoingBody(ByteBuf bytes, Optional<SharedFile> file) {
        this.bytes = bytes;
        this.file = file;
    }

    static OutgoingBody empty() {
        return new OutgoingBody(Unpooled.EMPTY_BUFFER, Optional.empty());
    }

    /** Only {@code length} bytes from {@code from} are to leave. */
    void cut(int from, int length) {
        bytes.skipBytes(from);
        bytes.writerIndex(bytes.readerIndex() + length);
        at = from;
    }

    /** The bytes as memory alone: for TLS, and where there are few. */
    void asMemory() {
        file.ifPresent(SharedFile::release);
        file = Optional.empty();
    }

    boolean isShort() {
        return remaining() < WORTH_A_CALL;
    }

    int remaining() {
        return bytes.readableBytes();
    }

    /** The next bytes, to be written to a channel: {@link DefaultHttpContent} or {@link FileRegion}. */
    Object take(int length) {
        if (file.isEmpty()) {
            return new DefaultHttpContent(bytes.readRetainedSlice(length));
        }
        FileRegion region = file.get().region(at, length);
        bytes.skipBytes(length);
        at += length;
        return region;
    }

    /** All that remains, which now is the caller's; only of a body that is memory alone. */
    ByteBuf takeAll() {
        return bytes;
    }

    void release() {
        bytes.release();
        asMemory();
    }
}
