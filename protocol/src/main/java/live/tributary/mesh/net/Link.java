package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.wire.ExtendedHandshake;
import live.tributary.protocol.wire.HelloProof;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageEncoder;
import org.jspecify.annotations.Nullable;

/**
 * One lasting connection to another mesh node, from its handshake to its end.
 *
 * <p>Both ends say hello, prove their keys over both nonces, the stream and the endpoint as dialled, and only then does the
 * link carry anything. The end that was dialled signs no endpoint that is not its own, so that nobody can stand between two
 * nodes and pass their proofs on. A challenge is the same dial, closed as soon as the other end has proven itself.
 *
 * <p>Confined to the stream's thread; the channel may live on another one.
 */
final class Link {
    /** What a connection is for. */
    enum Purpose {
        /** To last. */
        LINK,
        /** To see whether a node is at an endpoint that it claims. */
        CHALLENGE
    }

    private enum State {
        EXTENDED,
        HELLO,
        PROOF,
        UP,
        CLOSED
    }

    /** From the handshake to the proof. */
    static final Duration PROOF_WITHIN = Duration.ofSeconds(10);
    /** The most bytes of blocks that wait for a link. */
    static final long MAX_QUEUED = 8 << 20;
    /** How long a link may take nothing of what waits for it. */
    static final Duration STALLED = Duration.ofSeconds(15);

    /** Bytes of messages without payload that may wait in the channel: far more than a reading end ever leaves there. */
    private static final long MAX_PENDING = 4 << 20;

    private static final int TB_LIVE_ID = 1;
    private static final int REQUEST_QUEUE = 2048;
    private static final int MAX_EARLY = 512;

    private final LinkId id;
    private final Channel channel;
    private final EventLoop loop;
    private final NodeContext node;
    private final StreamIdentity stream;
    private final LinkEvents events;
    private final Purpose purpose;
    private final Optional<Endpoint> dialled;
    private final byte[] nonce = new byte[LiveMessage.NONCE_LENGTH];
    private final ArrayDeque<PeerMessage> early = new ArrayDeque<>();
    private final ArrayDeque<PeerMessage.Block> waiting = new ArrayDeque<>();
    private final BlockSource blocks;
    private final Future<?> deadline;

    private State state = State.EXTENDED;
    private OptionalInt liveId = OptionalInt.empty();
    private LiveMessage.@Nullable Hello theirs;
    private boolean answered;
    private boolean verified;
    private long helloAt;
    private Duration rtt = Duration.ZERO;
    private long queuedBytes;
    private long lastProgress;
    private boolean pumpScheduled;
    private boolean flushScheduled;

    /** Who speaks for which stream. */
    record StreamIdentity(live.tributary.protocol.stream.StreamKey key, NodeRole role) {}

    /** Where the bytes of blocks come from. */
    interface BlockSource {
        /** The block's bytes, which the caller releases; empty where they are gone. */
        Optional<ByteBuf> read(PeerMessage.Block block);

        UploadBudget.Purpose purpose(PeerMessage.Block block);
    }

    /** @param dialled where this node reached the other; empty for an inbound link */
    Link(
            LinkId id,
            Channel channel,
            EventLoop loop,
            NodeContext node,
            StreamIdentity stream,
            LinkEvents events,
            BlockSource blocks,
            Purpose purpose,
            Optional<Endpoint> dialled) {
        this.id = id;
        this.channel = channel;
        this.loop = loop;
        this.node = node;
        this.stream = stream;
        this.events = events;
        this.blocks = blocks;
        this.purpose = purpose;
        this.dialled = dialled;
        node.parts().random().nextBytes(nonce);
        this.deadline = loop.schedule(this::tooLate, PROOF_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    }

    LinkId id() {
        return id;
    }

    Purpose purpose() {
        return purpose;
    }

    Optional<Endpoint> dialled() {
        return dialled;
    }

    /** The other end's key and role, once it has said hello; proven only from {@link LinkEvents#proven} on. */
    Optional<LiveMessage.Hello> peer() {
        return Optional.ofNullable(theirs);
    }

    RelayKey peerKey() {
        return peer().orElseThrow(() -> new IllegalStateException("link without hello"))
                .relay();
    }

    boolean isUp() {
        return state == State.UP;
    }

    boolean isVerified() {
        return verified;
    }

    Duration rtt() {
        return rtt;
    }

    InetSocketAddress remote() {
        return (InetSocketAddress) channel.remoteAddress();
    }

    InetSocketAddress local() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Both handshakes are exchanged: says what this node speaks. */
    void start() {
        ExtendedHandshake handshake = new ExtendedHandshake(
                Map.of(LiveMessage.EXTENSION, TB_LIVE_ID),
                Optional.of(node.config().software()),
                node.own().port() > 0 ? OptionalInt.of(node.own().port()) : OptionalInt.empty(),
                Optional.of(remote().getAddress()),
                OptionalInt.of(REQUEST_QUEUE),
                OptionalInt.empty());
        write(new PeerMessage.Extended(ExtendedHandshake.ID, handshake.encode()));
    }

    /** A message arrived; releases what it carries. */
    void received(PeerMessage message) {
        try {
            if (state == State.UP) {
                receivedUp(message);
            } else if (state != State.CLOSED) {
                receivedEarly(message);
            }
        } catch (FormatException e) {
            broke(e instanceof LiveMessageCodec.OversizedException, String.valueOf(e.getMessage()));
        } finally {
            if (message instanceof PeerMessage.Piece piece) {
                piece.data().release();
            }
        }
    }

    private void receivedEarly(PeerMessage message) throws FormatException {
        if (message instanceof PeerMessage.KeepAlive) {
            return;
        }
        if (message instanceof PeerMessage.Extended extended && extended.id() == ExtendedHandshake.ID) {
            extendedHandshake(ExtendedHandshake.decode(extended.payload()));
            return;
        }
        if (message instanceof PeerMessage.Extended extended && extended.id() == TB_LIVE_ID && !verified) {
            LiveMessage live = LiveMessageCodec.decode(extended.payload());
            if (live instanceof LiveMessage.Hello hello && theirs == null) {
                hello(hello);
                return;
            }
            if (live instanceof LiveMessage.HelloAnswer answer && state == State.PROOF) {
                answer(answer);
                return;
            }
        }
        // The other end may have verified this node's proof while its own is still being verified here.
        if (state != State.PROOF || early.size() >= MAX_EARLY || message instanceof PeerMessage.Piece) {
            broke(false, "message before the proof");
        } else {
            early.add(message);
        }
    }

    private void extendedHandshake(ExtendedHandshake handshake) {
        if (state != State.EXTENDED) {
            return;
        }
        liveId = handshake.idOf(LiveMessage.EXTENSION);
        if (liveId.isEmpty()) {
            close(); // An ordinary client on the mesh infohash: there is no torrent behind it.
            return;
        }
        state = State.HELLO;
        helloAt = node.parts().nanoTime().getAsLong();
        send(new LiveMessage.Hello(
                nonce, node.key().relayKey(), stream.role(), dialled, Optional.of(Endpoint.of(remote()))));
    }

    private void hello(LiveMessage.Hello hello) {
        if (state != State.HELLO) {
            broke(false, "hello before the extended handshake");
            return;
        }
        theirs = hello;
        if (hello.relay().equals(node.key().relayKey()) || node.bans().has(hello.relay())) {
            close();
            return;
        }
        if (dialled.isEmpty()
                && !hello.dialled()
                        .filter(endpoint -> node.own().isOwn(endpoint, local()))
                        .isPresent()) {
            close(); // Not where this node is, as far as it knows: whoever that was dialled, it is not for this one to
            // sign.
            return;
        }
        state = State.PROOF;
        if (purpose == Purpose.LINK) {
            HelloProof proof = proof(hello);
            node.checks().ask(loop, () -> proof.sign(stream.role(), node.key()), this::signed);
        }
    }

    private HelloProof proof(LiveMessage.Hello hello) {
        return dialled.isPresent()
                ? new HelloProof(stream.key(), nonce, hello.nonce(), dialled)
                : new HelloProof(stream.key(), hello.nonce(), nonce, hello.dialled());
    }

    private void signed(byte[] signature) {
        if (state == State.PROOF) {
            send(new LiveMessage.HelloAnswer(signature));
            answered = true;
            upIfProven();
        }
    }

    private void answer(LiveMessage.HelloAnswer answer) {
        LiveMessage.Hello hello = theirs;
        if (hello == null || rtt.compareTo(Duration.ZERO) > 0) {
            broke(false, "a second answer");
            return;
        }
        rtt = Duration.ofNanos(Math.max(1, node.parts().nanoTime().getAsLong() - helloAt));
        HelloProof proof = proof(hello);
        node.checks().ask(loop, () -> proof.verifies(hello.relay(), hello.role(), answer.signature()), this::checked);
    }

    private void checked(boolean genuine) {
        if (state != State.PROOF) {
            return;
        }
        if (!genuine) {
            broke(false, "a proof that does not hold");
            return;
        }
        verified = true;
        if (purpose == Purpose.CHALLENGE) {
            events.proven(this);
            close();
        } else {
            upIfProven();
        }
    }

    private void upIfProven() {
        if (!answered || !verified) {
            return;
        }
        deadline.cancel(false);
        state = State.UP;
        lastProgress = node.parts().nanoTime().getAsLong();
        if (!events.proven(this)) {
            close();
            return;
        }
        while (state == State.UP && !early.isEmpty()) {
            received(early.remove());
        }
    }

    private void receivedUp(PeerMessage message) throws FormatException {
        if (message instanceof PeerMessage.Piece piece) {
            events.received(
                    this,
                    new PeerMessage.Block(
                            piece.piece(), piece.begin(), piece.data().readableBytes()),
                    piece.data());
        } else if (message instanceof PeerMessage.Extended extended) {
            if (extended.id() == TB_LIVE_ID) {
                receivedLive(extended.payload());
            }
        } else if (!(message instanceof PeerMessage.KeepAlive)) {
            events.received(this, message);
        }
    }

    private void receivedLive(byte[] payload) throws FormatException {
        LiveMessage message;
        try {
            message = LiveMessageCodec.decode(payload);
        } catch (LiveMessageCodec.UnknownKindException e) {
            return; // A newer version's.
        }
        if (message instanceof LiveMessage.Relays relays) {
            events.received(this, relays.relays());
        } else if (message instanceof LiveMessage.Hello || message instanceof LiveMessage.HelloAnswer) {
            broke(false, "a second hello");
        } else {
            events.received(this, message);
        }
    }

    void send(LiveMessage message) {
        if (state != State.CLOSED && liveId.isPresent()) {
            write(new PeerMessage.Extended(liveId.getAsInt(), LiveMessageCodec.encode(message)));
        }
    }

    void send(PeerMessage message) {
        if (state != State.CLOSED) {
            write(message);
        }
    }

    /** Queues a block; it leaves when the channel takes more and the upload budget allows. */
    void sendBlock(PeerMessage.Block block) {
        if (state != State.UP) {
            return;
        }
        if (waiting.isEmpty() && queuedBytes == 0) {
            lastProgress = node.parts().nanoTime().getAsLong();
        }
        waiting.add(block);
        queuedBytes += block.length();
        if (queuedBytes > MAX_QUEUED) {
            close();
        } else {
            pump();
        }
    }

    /** Takes a block back that has not been handed to the channel; false where it is too late. */
    boolean cancelBlock(PeerMessage.Block block) {
        boolean removed = waiting.remove(block);
        if (removed) {
            queuedBytes -= block.length();
        }
        return removed;
    }

    long queuedBytes() {
        return queuedBytes;
    }

    /** The channel takes more again, or tokens may have come in. */
    void pump() {
        while (state == State.UP && !waiting.isEmpty() && channel.isWritable()) {
            PeerMessage.Block block = waiting.element();
            long wait = node.budget().take(blocks.purpose(block), PeerMessageEncoder.PIECE_OVERHEAD + block.length());
            if (wait > 0) {
                pumpAfter(wait);
                return;
            }
            waiting.remove();
            Optional<ByteBuf> bytes = blocks.read(block);
            if (bytes.isEmpty()) { // Dropped from the store since it was promised.
                queuedBytes -= block.length();
                write(new PeerMessage.Reject(block));
                events.blockGone(this, block);
                continue;
            }
            channel.write(new PeerMessage.Piece(block.piece(), block.begin(), bytes.get()))
                    .addListener(written -> onLoop(() -> left(block, written.isSuccess())));
            flushSoon();
        }
    }

    private void left(PeerMessage.Block block, boolean sent) {
        queuedBytes -= block.length();
        lastProgress = node.parts().nanoTime().getAsLong();
        if (sent && state == State.UP) {
            events.blockSent(this, block);
            pump();
        }
    }

    private void pumpAfter(long nanos) {
        if (!pumpScheduled) {
            pumpScheduled = true;
            loop.schedule(
                    () -> {
                        pumpScheduled = false;
                        lastProgress = node.parts().nanoTime().getAsLong(); // The budget held it up, not the other end.
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

    private void write(PeerMessage message) {
        if (!channel.isOpen()) {
            return; // Why it was closed is on its way here; a closed channel also looks like one whose end reads
            // nothing.
        }
        channel.write(message, channel.voidPromise());
        if (!channel.isWritable() && pendingBytes() > MAX_PENDING) {
            close(); // It reads nothing; no other link waits for it.
            return;
        }
        flushSoon();
    }

    private long pendingBytes() {
        return channel.bytesBeforeWritable();
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

    private void onLoop(Runnable task) {
        if (loop.inEventLoop()) {
            task.run();
        } else if (!loop.isShuttingDown()) {
            loop.execute(task);
        }
    }

    private void tooLate() {
        if (state != State.UP) {
            close();
        }
    }

    /** What arrived is not what it must be. */
    void broke(boolean oversized, String how) {
        if (state != State.CLOSED) {
            events.broke(this, oversized, how);
            close();
        }
    }

    void close() {
        if (state != State.CLOSED) {
            channel.close();
            ended();
        }
    }

    /** The channel is closed, by whomever. */
    void ended() {
        if (state != State.CLOSED) {
            state = State.CLOSED;
            deadline.cancel(false);
            early.clear();
            waiting.clear();
            events.closed(this);
        }
    }
}
