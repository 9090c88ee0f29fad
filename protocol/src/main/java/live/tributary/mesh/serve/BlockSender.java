package live.tributary.mesh.serve;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageEncoder;

/**
 * The blocks that one client asked for, on their way to it.
 *
 * <p>Requests wait in a bounded queue and are answered while the socket takes bytes: what a client does not read stays in the
 * queue, costs nobody else anything, and is never copied. All blocks that can leave at once leave by one flush.
 */
final class BlockSender {
    /** A disk that has too much to read is asked again after this. */
    private static final Duration DISK_BUSY = Duration.ofMillis(200);

    private final TorrentServer server;
    private final ServedTorrent torrent;
    private final SwarmNews news;
    private final Client client;
    private final RequestQueue requests = new RequestQueue();
    /** Adjoining blocks that are being answered: read once, and paid for once. */
    private final List<PeerMessage.Block> run = new ArrayList<>();

    private final int maxRun;
    /** For the upload budget or the disk. */
    private boolean waits;
    /** The disk has read what is asked for next. */
    private boolean prepared;

    private volatile long lastMoved;
    private long lastServed;

    /** Who asked. */
    interface Client {
        /** Whether it has a slot. */
        boolean isServed();

        /** Whether it understands that a request is refused. */
        boolean isToldOfRefusals();

        void refuse(ChannelHandlerContext to, PeerMessage.Block block);

        /** Something was written that is still to be flushed. */
        void wrote();

        void flush(ChannelHandlerContext to);
    }

    BlockSender(TorrentServer server, ServedTorrent torrent, SwarmNews news, Client client) {
        this.server = server;
        this.torrent = torrent;
        this.news = news;
        this.client = client;
        this.maxRun = Math.max(1, server.budget().grain() / PeerMessage.BLOCK_LENGTH);
    }

    /** The client may ask from now on: until then it could not have. */
    void begin(long now) {
        lastServed = now;
        idleFrom(now);
    }

    /** Nothing can have gone out to the client before this; for any thread. */
    void idleFrom(long now) {
        lastMoved = now;
    }

    /** When bytes last went out to the client, or could have; for any thread. */
    long lastMoved() {
        return lastMoved;
    }

    long lastServed() {
        return lastServed;
    }

    boolean isIdle() {
        return requests.isEmpty();
    }

    /** False where too much is asked for already. */
    boolean ask(PeerMessage.Block block) {
        return requests.add(block);
    }

    /** Takes one request for a block back; false where none waits any more. */
    boolean cancel(PeerMessage.Block block) {
        return requests.remove(block);
    }

    /** Takes all requests back, and returns them. */
    List<PeerMessage.Block> clear() {
        return requests.clear();
    }

    /** Answers requests while the socket takes bytes and the uplink has room, and lets all of it leave by one flush. */
    void serve(ChannelHandlerContext to) {
        ChannelFuture written = null;
        long bytes = 0;
        while (client.isServed()
                && !waits
                && !requests.isEmpty()
                && to.channel().isWritable()) {
            ServedTorrent.Extent extent = torrent.extent(requests.first());
            if (!isReady(to, extent)) {
                break;
            }
            requests.peek(run, maxRun, extent::adjoin);
            int length = run.stream().mapToInt(PeerMessage.Block::length).sum();
            long wait = server.budget().take(purpose(extent), run.size() * PeerMessageEncoder.PIECE_OVERHEAD + length);
            if (wait > 0) {
                lastMoved = server.now() + wait; // This node holds it up.
                serveAfter(to, wait);
                break;
            }
            requests.removeFirst(run.size());
            Optional<ByteBuf> data = torrent.read(extent, run);
            if (data.isPresent()) {
                written = write(to, data.get());
                news.given(run);
                client.wrote();
                bytes += length;
            } else if (client.isToldOfRefusals()) {
                run.forEach(block -> client.refuse(to, block));
            } else {
                to.close(); // It was told of a piece that has left since, and cannot be told otherwise.
                break;
            }
        }
        if (written != null) {
            lastServed = server.now();
            long sent = bytes;
            written.addListener(done -> {
                if (done.isSuccess()) {
                    lastMoved = server.now();
                    server.sent(sent);
                }
            });
        }
        client.flush(to);
    }

    /** Writes each block of the run behind its header; the future is the last one's. */
    private ChannelFuture write(ChannelHandlerContext to, ByteBuf data) {
        int last = run.size() - 1;
        for (int i = 0; i < last; i++) {
            PeerMessage.Block block = run.get(i);
            to.write(header(to, block), to.voidPromise());
            to.write(data.readRetainedSlice(block.length()), to.voidPromise());
        }
        to.write(header(to, run.get(last)), to.voidPromise());
        return to.write(data);
    }

    private ByteBuf header(ChannelHandlerContext to, PeerMessage.Block block) {
        return torrent.header(block).orElseGet(() -> {
            ByteBuf made = to.alloc().ioBuffer(PeerMessageEncoder.PIECE_OVERHEAD, PeerMessageEncoder.PIECE_OVERHEAD);
            PeerMessageEncoder.writeHeader(made, block.piece(), block.begin(), block.length());
            return made;
        });
    }

    private UploadBudget.Purpose purpose(ServedTorrent.Extent extent) {
        return extent.record().isPresent() && server.isOld(extent.record().get())
                ? UploadBudget.Purpose.OLDER
                : UploadBudget.Purpose.LIVE_TO_VIEWERS;
    }

    /** Whether what is asked for next can be read without waiting for the disk; if not, it is served once it can. */
    private boolean isReady(ChannelHandlerContext to, ServedTorrent.Extent extent) {
        if (prepared) { // Whatever became of it since: else two that take turns in a small cache would wait for ever.
            prepared = false;
            return true;
        }
        CompletableFuture<Boolean> ready = torrent.prepare(extent);
        if (ready.isDone() && ready.getNow(false)) {
            return true;
        }
        waits = true;
        ready.whenCompleteAsync(
                (done, failure) -> {
                    if (failure == null && !done) {
                        serveAfter(to, DISK_BUSY.toNanos());
                    } else { // What went wrong is told by the read itself.
                        waits = false;
                        prepared = true;
                        serve(to);
                    }
                },
                to.executor());
        return false;
    }

    private void serveAfter(ChannelHandlerContext to, long nanos) {
        waits = true;
        to.executor()
                .schedule(
                        () -> {
                            waits = false;
                            serve(to);
                        },
                        nanos,
                        TimeUnit.NANOSECONDS);
    }
}
