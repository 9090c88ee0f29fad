package live.tributary.mesh.mse;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.Future;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.DropReason;
import live.tributary.protocol.mse.Rc4;
import org.jspecify.annotations.Nullable;

/** What the two sides of an encrypted handshake share: the time it may take, its faults, and the pipeline that it leaves behind. */
abstract class MseHandshake extends ByteToMessageDecoder {
    private @Nullable Future<?> deadline;

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        deadline = context.executor()
                .schedule(() -> drop(context, DropReason.SLOW), MseLimits.HANDSHAKE.toMillis(), TimeUnit.MILLISECONDS);
        begin(context);
    }

    /** The handler is in its pipeline. */
    void begin(ChannelHandlerContext context) {}

    @Override
    protected void handlerRemoved0(ChannelHandlerContext context) {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    /** The connection ends, since {@code reason}. */
    abstract void drop(ChannelHandlerContext context, DropReason reason);

    /** Takes what is buffered up again after the pool has answered. */
    final void goOn(ChannelHandlerContext context) {
        context.channel().config().setAutoRead(true);
        try {
            channelRead(context, Unpooled.EMPTY_BUFFER);
        } catch (Exception e) { // As Netty does with what a handler throws.
            context.fireExceptionCaught(e);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // Reset by the other side: nothing of ours.
    }

    /** What arrives next waits, unread, for the pool. */
    static void pause(ChannelHandlerContext context) {
        context.channel().config().setAutoRead(false);
    }

    /** Bytes that are in, copied and deciphered. */
    static byte[] deciphered(ByteBuf in, int length, Rc4 cipher) {
        byte[] bytes = new byte[length];
        in.readBytes(bytes);
        cipher.apply(bytes);
        return bytes;
    }

    /**
     * Skips to behind {@code mark}, which has at most {@link MseLimits#PADDING} bytes before it.
     *
     * @return true once it is found; false where more bytes are needed
     * @throws NotFoundException where it cannot come any more
     */
    static boolean skipBehind(ByteBuf in, byte[] mark) throws NotFoundException {
        int last = Math.min(in.readableBytes() - mark.length, MseLimits.PADDING);
        byte[] here = new byte[mark.length];
        for (int skipped = 0; skipped <= last; skipped++) {
            in.getBytes(in.readerIndex() + skipped, here);
            if (Arrays.equals(here, mark)) {
                in.skipBytes(skipped + mark.length);
                return true;
            }
        }
        if (last == MseLimits.PADDING) {
            throw new NotFoundException();
        }
        return false;
    }

    static <T> T known(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("keys: none yet (expected: after the exchange)");
        }
        return value;
    }

    static boolean isZero(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** The other side's padding was longer than padding may be, or it is no MSE at all. */
    static final class NotFoundException extends Exception {
        private static final long serialVersionUID = 1;

        NotFoundException() {
            super("mark: not found (expected: behind at most " + MseLimits.PADDING + " bytes)", null, false, false);
        }
    }
}
