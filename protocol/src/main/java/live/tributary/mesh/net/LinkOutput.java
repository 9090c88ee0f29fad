package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageEncoder;

/**
 * What leaves by one link: messages at once, blocks when the channel takes more and the upload budget allows.
 *
 * <p>What an end that reads nothing leaves here is bounded, in blocks and in messages; beyond that the link closes, and no other
 * link has waited for it.
 */
final class LinkOutput {
    /** The most bytes of blocks that wait for a link. */
    static final long MAX_QUEUED = 8 << 20;
    /** How long a link may take nothing of what waits for it. */
    static final Duration STALLED = Duration.ofSeconds(15);

    /** Bytes of messages without payload that may wait in the channel: far more than a reading end ever leaves there. */
    private static final long MAX_PENDING = 4 << 20;

    private final Channel channel;
    private final EventLoop loop;
    private final NodeContext node;
    private final Link.BlockSource blocks;
    private final Listener listener;
    private final ArrayDeque<PeerMessage.Block> waiting = new ArrayDeque<>();

    private boolean open = true;
    private long queuedBytes;
    private long lastProgress;
    private boolean pumpScheduled;
    private boolean flushScheduled;

    /** The link, which hears what leaves. */
    interface Listener {
        /** A message without payload was handed over. */
        void wrote(int bytes);

        void sent(PeerMessage.Block block);

        /** Dropped from the store since it was promised; the other end was told. */
        void gone(PeerMessage.Block block);

        /** More waits than may: the other end reads nothing. */
        void overflowed();
    }

    LinkOutput(Channel channel, EventLoop loop, NodeContext node, Link.BlockSource blocks, Listener listener) {
        this.channel = channel;
        this.loop = loop;
        this.node = node;
        this.blocks = blocks;
        this.listener = listener;
        this.lastProgress = now();
    }

    /** Queues a block. */
    void add(PeerMessage.Block block) {
        if (waiting.isEmpty() && queuedBytes == 0) {
            lastProgress = now();
        }
        waiting.add(block);
        queuedBytes += block.length();
        if (queuedBytes > MAX_QUEUED) {
            listener.overflowed();
        } else {
            pump();
        }
    }

    long queuedBytes() {
        return queuedBytes;
    }

    /** The channel takes more again, or tokens may have come in. */
    void pump() {
        while (open && !waiting.isEmpty() && channel.isWritable()) {
            PeerMessage.Block block = waiting.element();
            long wait = node.budget().take(blocks.purpose(block), PeerMessageEncoder.PIECE_OVERHEAD + block.length());
            if (wait > 0) {
                pumpAfter(wait);
                return;
            }
            waiting.remove();
            Optional<ByteBuf> bytes = blocks.read(block);
            if (bytes.isEmpty()) {
                queuedBytes -= block.length();
                write(new PeerMessage.Reject(block));
                listener.gone(block);
                continue;
            }
            channel.write(new PeerMessage.Piece(block.piece(), block.begin(), bytes.get()))
                    .addListener(written -> onLoop(() -> left(block, written.isSuccess())));
            flushSoon();
        }
    }

    private void left(PeerMessage.Block block, boolean sent) {
        queuedBytes -= block.length();
        lastProgress = now();
        if (sent && open) {
            listener.sent(block);
            pump();
        }
    }

    private void pumpAfter(long nanos) {
        if (!pumpScheduled) {
            pumpScheduled = true;
            loop.schedule(
                    () -> {
                        pumpScheduled = false;
                        lastProgress = now(); // The budget held it up, not the other end.
                        pump();
                    },
                    nanos,
                    TimeUnit.NANOSECONDS);
        }
    }

    /** Whether the other end has left for too long what waits for it. */
    boolean isStalled(long now) {
        return queuedBytes > 0 && !channel.isWritable() && now - lastProgress > STALLED.toNanos();
    }

    /** Sends a message without payload. */
    void write(PeerMessage message) {
        if (!channel.isOpen()) {
            return; // Why it was closed is on its way to the link; a closed channel also looks like one that is full.
        }
        int length = PeerMessageEncoder.lengthOf(message);
        node.budget().spend(length);
        listener.wrote(length);
        channel.write(message, channel.voidPromise());
        if (!channel.isWritable() && channel.bytesBeforeWritable() > MAX_PENDING) {
            listener.overflowed();
            return;
        }
        flushSoon();
    }

    /** A message came: the system answers its packets, on the same line. */
    void acknowledges(PeerMessage message) {
        node.budget().acknowledge(PeerMessageEncoder.lengthOf(message));
    }

    private void flushSoon() {
        if (!flushScheduled) {
            flushScheduled = true;
            loop.execute(() -> {
                flushScheduled = false;
                channel.flush();
            });
        }
    }

    /** Nothing leaves any more. */
    void close() {
        open = false;
        waiting.clear();
    }

    private void onLoop(Runnable task) {
        if (loop.inEventLoop()) {
            task.run();
        } else if (!loop.isShuttingDown()) {
            loop.execute(task);
        }
    }

    private long now() {
        return node.parts().nanoTime().getAsLong();
    }
}
