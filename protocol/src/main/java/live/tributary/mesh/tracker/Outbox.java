package live.tributary.mesh.tracker;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import live.tributary.protocol.tracker.WebTrackerResponse;

/** What one browser is to be sent, as WebSocket frames (RFC 6455) one behind the other, until it is taken; filled from any thread. */
final class Outbox {
    /** Bytes beyond which its owner had better take them, and others leave it alone. */
    static final int ENOUGH = 64 * 1024;

    private static final int FINAL_TEXT = 0x81;
    private static final int MAX_SHORT = 125;
    private static final int TWO_BYTES = 126;
    private static final int EIGHT_BYTES = 127;
    private static final int MAX_TWO_BYTES = 0xffff;
    private static final int USUAL = 2048;

    /** Where a thread writes a message, whose length stands before it in its frame. */
    private static final ThreadLocal<ByteBuf> MESSAGE = ThreadLocal.withInitial(() -> Unpooled.buffer(USUAL));

    private ByteBuf frames = Unpooled.EMPTY_BUFFER;
    private boolean over;
    private volatile int waiting;

    /** Adds a message; whether it is the first since the last were taken. */
    boolean add(WebTrackerResponse message, ByteBufAllocator allocator) {
        ByteBuf json = MESSAGE.get().clear();
        WebTrackerResponse.write(message, json);
        synchronized (this) {
            if (over) {
                return false;
            }
            boolean first = waiting == 0;
            if (first) {
                frames = allocator.ioBuffer(USUAL);
            }
            writeHeader(json.readableBytes());
            frames.writeBytes(json);
            waiting = frames.readableBytes();
            return first;
        }
    }

    private void writeHeader(int length) {
        frames.writeByte(FINAL_TEXT);
        if (length <= MAX_SHORT) {
            frames.writeByte(length);
        } else if (length <= MAX_TWO_BYTES) {
            frames.writeByte(TWO_BYTES).writeShort(length);
        } else {
            frames.writeByte(EIGHT_BYTES).writeLong(length);
        }
    }

    boolean hasEnough() {
        return waiting >= ENOUGH;
    }

    /** All frames, which now are the caller's. */
    synchronized ByteBuf take() {
        ByteBuf taken = frames;
        frames = Unpooled.EMPTY_BUFFER;
        waiting = 0;
        return taken;
    }

    /** Nobody takes anything any more. */
    synchronized void close() {
        over = true;
        take().release();
    }
}
