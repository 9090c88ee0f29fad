package live.tributary.mesh.net;

import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.ExtendedHandshake;
import live.tributary.protocol.wire.HelloProof;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/**
 * How two ends of a link come to know each other: extended handshake, hello, and each the other's proof.
 *
 * <p>Both prove their keys over both nonces, the stream and the endpoint as dialled. The end that was dialled signs no endpoint
 * that is not its own, so that nobody can stand between two nodes and pass their proofs on. Who only challenges signs nothing.
 */
final class HelloExchange {
    /** The number by which this node wants to be sent {@code tb_live}. */
    static final int TB_LIVE_ID = 1;

    private static final int REQUEST_QUEUE = 2048;
    private static final int MAX_EARLY = 512;

    private enum State {
        EXTENDED,
        HELLO,
        PROOF,
        OVER
    }

    private final NodeContext node;
    private final EventLoop loop;
    private final Terms terms;
    private final Listener listener;
    private final byte[] nonce = new byte[LiveMessage.NONCE_LENGTH];
    private final ArrayDeque<PeerMessage> early = new ArrayDeque<>();

    private State state = State.EXTENDED;
    private OptionalInt liveId = OptionalInt.empty();
    private LiveMessage.@Nullable Hello theirs;
    private boolean answered;
    private boolean verified;
    private long helloAt;
    private Duration rtt = Duration.ZERO;

    /**
     * What this end wants, and where it is.
     *
     * @param dialled where this node reached the other; empty for an inbound link
     */
    record Terms(
            StreamKey stream,
            NodeRole role,
            Link.Purpose purpose,
            Optional<Endpoint> dialled,
            InetSocketAddress remote,
            InetSocketAddress local) {}

    /** The link, which sends for this exchange and hears its outcome. */
    interface Listener {
        void write(PeerMessage message);

        /** The other end has proven its key, and, where a link is wanted, this node has proven its own. */
        void proven();

        void broke(boolean oversized, String how);

        /** There is nothing to talk about; no offence. */
        void close();
    }

    HelloExchange(NodeContext node, EventLoop loop, Terms terms, Listener listener) {
        this.node = node;
        this.loop = loop;
        this.terms = terms;
        this.listener = listener;
        node.parts().random().nextBytes(nonce);
    }

    /** The other end's key and role, once it has said hello; proven only where {@link #isVerified}. */
    Optional<LiveMessage.Hello> peer() {
        return Optional.ofNullable(theirs);
    }

    boolean isVerified() {
        return verified;
    }

    /** From the hello to its answer. */
    Duration rtt() {
        return rtt;
    }

    /** By which number the other end wants to be sent {@code tb_live}. */
    OptionalInt liveId() {
        return liveId;
    }

    /** Says what this node speaks; the BEP 3 handshakes are exchanged. */
    void start() {
        ExtendedHandshake handshake = new ExtendedHandshake(
                Map.of(LiveMessage.EXTENSION, TB_LIVE_ID),
                Optional.of(node.config().software()),
                node.own().port() > 0 ? OptionalInt.of(node.own().port()) : OptionalInt.empty(),
                Optional.of(terms.remote().getAddress()),
                OptionalInt.of(REQUEST_QUEUE),
                OptionalInt.empty());
        listener.write(new PeerMessage.Extended(ExtendedHandshake.ID, handshake.encode()));
    }

    /** A message from an end that has not proven itself yet. */
    void received(PeerMessage message) throws FormatException {
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
            listener.broke(false, "message before the proof");
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
            listener.close(); // An ordinary client on the mesh infohash: there is no torrent behind it.
            return;
        }
        state = State.HELLO;
        helloAt = node.parts().nanoTime().getAsLong();
        send(new LiveMessage.Hello(
                nonce, node.key().relayKey(), terms.role(), terms.dialled(), Optional.of(Endpoint.of(terms.remote()))));
    }

    private void hello(LiveMessage.Hello hello) {
        if (state != State.HELLO) {
            listener.broke(false, "hello before the extended handshake");
            return;
        }
        theirs = hello;
        if (hello.relay().equals(node.key().relayKey()) || node.bans().has(hello.relay())) {
            listener.close();
            return;
        }
        if (terms.dialled().isEmpty()
                && hello.dialled()
                        .filter(endpoint -> node.own().isOwn(endpoint, terms.local()))
                        .isEmpty()) {
            // Not where this node is, as far as it knows: whoever that was dialled, it is not for this one to sign.
            listener.close();
            return;
        }
        state = State.PROOF;
        if (terms.purpose() == Link.Purpose.LINK) {
            HelloProof proof = proof(hello);
            node.checks().ask(loop, () -> proof.sign(terms.role(), node.key()), this::signed);
        }
    }

    private HelloProof proof(LiveMessage.Hello hello) {
        return terms.dialled().isPresent()
                ? new HelloProof(terms.stream(), nonce, hello.nonce(), terms.dialled())
                : new HelloProof(terms.stream(), hello.nonce(), nonce, hello.dialled());
    }

    private void signed(byte[] signature) {
        if (state == State.PROOF) {
            send(new LiveMessage.HelloAnswer(signature));
            answered = true;
            finishIfProven();
        }
    }

    private void answer(LiveMessage.HelloAnswer answer) {
        LiveMessage.Hello hello = theirs;
        if (hello == null || rtt.compareTo(Duration.ZERO) > 0) {
            listener.broke(false, "a second answer");
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
            listener.broke(false, "a proof that does not hold");
            return;
        }
        verified = true;
        finishIfProven();
    }

    private void finishIfProven() {
        if (verified && (answered || terms.purpose() == Link.Purpose.CHALLENGE)) {
            state = State.OVER;
            listener.proven();
        }
    }

    /** The next message that came before its time, now that its time has come; empty once there is none. */
    Optional<PeerMessage> nextEarly() {
        return Optional.ofNullable(early.poll());
    }

    private void send(LiveMessage message) {
        listener.write(new PeerMessage.Extended(liveId.orElseThrow(), LiveMessageCodec.encode(message)));
    }

    /** The link is no more. */
    void end() {
        state = State.OVER;
        early.clear();
    }
}
