package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import live.tributary.protocol.wire.PeerMessage;

/**
 * One lasting connection to another mesh node, from its handshake to its end.
 *
 * <p>Only once both ends have proven themselves, by a {@link HelloExchange}, does the link carry anything. A challenge is the
 * same dial, closed as soon as the other end has proven itself.
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
        GREETING,
        UP,
        CLOSED
    }

    /** From the handshake to the proof. */
    static final Duration PROOF_WITHIN = Duration.ofSeconds(10);

    private final LinkId id;
    private final Channel channel;
    private final LinkEvents events;
    private final Purpose purpose;
    private final Optional<Endpoint> dialled;
    private final HelloExchange hello;
    private final LinkOutput output;
    private final Future<?> deadline;
    private State state = State.GREETING;

    /** Who speaks for which stream. */
    record StreamIdentity(StreamKey key, NodeRole role) {}

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
        this.events = events;
        this.purpose = purpose;
        this.dialled = dialled;
        this.output = new LinkOutput(channel, loop, node, blocks, new Sent());
        this.hello = new HelloExchange(
                node,
                loop,
                new HelloExchange.Terms(stream.key(), stream.role(), purpose, dialled, remote(), local()),
                new Greeted());
        this.deadline = loop.schedule(this::tooLate, PROOF_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    }

    private final class Sent implements LinkOutput.Listener {
        @Override
        public void wrote(int bytes) {
            events.wrote(Link.this, bytes);
        }

        @Override
        public void sent(PeerMessage.Block block) {
            events.blockSent(Link.this, block);
        }

        @Override
        public void gone(PeerMessage.Block block) {
            events.blockGone(Link.this, block);
        }

        @Override
        public void overflowed() {
            close();
        }
    }

    private final class Greeted implements HelloExchange.Listener {
        @Override
        public void write(PeerMessage message) {
            send(message);
        }

        @Override
        public void proven() {
            up();
        }

        @Override
        public void broke(boolean oversized, String how) {
            Link.this.broke(oversized, how);
        }

        @Override
        public void close() {
            Link.this.close();
        }
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
        return hello.peer();
    }

    RelayKey peerKey() {
        return peer().orElseThrow(() -> new IllegalStateException("link without hello"))
                .relay();
    }

    boolean isUp() {
        return state == State.UP;
    }

    boolean isVerified() {
        return hello.isVerified();
    }

    Duration rtt() {
        return hello.rtt();
    }

    InetSocketAddress remote() {
        return (InetSocketAddress) channel.remoteAddress();
    }

    InetSocketAddress local() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Both handshakes are exchanged: says what this node speaks. */
    void start() {
        hello.start();
    }

    private void up() {
        if (purpose == Purpose.CHALLENGE) {
            events.proven(this);
            close();
            return;
        }
        deadline.cancel(false);
        state = State.UP;
        if (!events.proven(this)) {
            close();
            return;
        }
        Optional<PeerMessage> early = hello.nextEarly();
        while (state == State.UP && early.isPresent()) {
            received(early.get());
            early = hello.nextEarly();
        }
    }

    /** A message arrived; releases what it carries. */
    void received(PeerMessage message) {
        try {
            if (state == State.UP) {
                output.acknowledges(message);
                receivedUp(message);
            } else if (state == State.GREETING) {
                hello.received(message);
            }
        } catch (FormatException e) {
            broke(e instanceof LiveMessageCodec.OversizedException, String.valueOf(e.getMessage()));
        } finally {
            if (message instanceof PeerMessage.Piece piece) {
                piece.data().release();
            }
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
            if (extended.id() == HelloExchange.TB_LIVE_ID) {
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
        if (hello.liveId().isPresent()) {
            send(new PeerMessage.Extended(hello.liveId().getAsInt(), LiveMessageCodec.encode(message)));
        }
    }

    void send(PeerMessage message) {
        if (state != State.CLOSED) {
            output.write(message);
        }
    }

    /** Queues a block; it leaves when the channel takes more and the upload budget allows. */
    void sendBlock(PeerMessage.Block block) {
        if (state == State.UP) {
            output.add(block);
        }
    }

    long queuedBytes() {
        return output.queuedBytes();
    }

    /** The channel takes more again. */
    void pump() {
        output.pump();
    }

    /** Whether the other end has left for too long what waits for it. */
    boolean isStalled(long now) {
        return output.isStalled(now);
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
            hello.end();
            output.close();
            events.closed(this);
        }
    }
}
