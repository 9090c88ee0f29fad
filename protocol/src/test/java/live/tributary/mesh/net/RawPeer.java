package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.ExtendedHandshake;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.HelloProof;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;

/** The other end of a link, byte by byte and by hand: it sends what it is told to, well formed or not. */
final class RawPeer implements AutoCloseable {
    private static final int EXTENDED = 20;
    private static final int TB_LIVE = 9;
    private static final int HAVE = 4;
    private static final int REQUEST = 6;
    private static final int PIECE = 7;
    private static final int TIMEOUT_MILLIS = 10_000;

    private final SigningKey key;
    private final StreamKey stream;
    private final Socket socket = new Socket();
    private final Endpoint dialled;
    private final OutputStream out;
    private final DataInputStream in;
    private final byte[] nonce = new byte[LiveMessage.NONCE_LENGTH];
    private int theirLiveId;
    private LiveMessage.Hello theirs;

    RawPeer(SigningKey key, StreamKey stream, InetSocketAddress node, int receiveBuffer) throws IOException {
        this.key = key;
        this.stream = stream;
        socket.setReceiveBufferSize(receiveBuffer);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.connect(node);
        dialled = Endpoint.of(node);
        out = socket.getOutputStream();
        in = new DataInputStream(socket.getInputStream());
    }

    static RawPeer linked(SigningKey key, StreamKey stream, InetSocketAddress node) throws Exception {
        RawPeer peer = new RawPeer(key, stream, node, 1 << 16);
        peer.hello(peer.dialled);
        peer.prove();
        return peer;
    }

    /** Handshake, extended handshake, hello. */
    void hello(Endpoint claimed) throws Exception {
        ByteBuf first = Unpooled.buffer();
        new Handshake(InfoHash.ofMesh(stream), new byte[20], true, true).write(first);
        out.write(ByteBufUtil.getBytes(first));
        byte[] handshake = new byte[Handshake.LENGTH];
        in.readFully(handshake);
        extended(
                0,
                new ExtendedHandshake(
                                Map.of(LiveMessage.EXTENSION, TB_LIVE),
                                Optional.empty(),
                                OptionalInt.empty(),
                                Optional.empty(),
                                OptionalInt.empty(),
                                OptionalInt.empty())
                        .encode());
        theirLiveId =
                ExtendedHandshake.decode(read(0)).idOf(LiveMessage.EXTENSION).orElseThrow();
        send(new LiveMessage.Hello(nonce, key.relayKey(), NodeRole.RELAY, Optional.of(claimed), Optional.empty()));
        theirs = (LiveMessage.Hello) LiveMessageCodec.decode(read(TB_LIVE));
    }

    /** Whether the node closes after a hello without having proven itself. */
    boolean isTurnedAway(Endpoint claimed) throws Exception {
        try {
            hello(claimed);
        } catch (EOFException | SocketException e) {
            return true;
        }
        return readUntilClosed().stream().noneMatch(LiveMessage.HelloAnswer.class::isInstance);
    }

    /** Both answers. */
    void prove() throws Exception {
        HelloProof proof = new HelloProof(stream, nonce, theirs.nonce(), Optional.of(dialled));
        send(new LiveMessage.HelloAnswer(proof.sign(NodeRole.RELAY, key)));
        LiveMessage.HelloAnswer answer = (LiveMessage.HelloAnswer) LiveMessageCodec.decode(read(TB_LIVE));
        if (!proof.verifies(theirs.relay(), theirs.role(), answer.signature())) {
            throw new AssertionError("the node did not prove its key");
        }
    }

    void answer(byte[] signature) throws IOException {
        send(new LiveMessage.HelloAnswer(signature));
    }

    void send(LiveMessage message) throws IOException {
        sendLive(LiveMessageCodec.encode(message));
    }

    void sendLive(byte[] payload) throws IOException {
        extended(theirLiveId, payload);
    }

    void send(int id, byte[] body) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(5 + body.length)
                .putInt(1 + body.length)
                .put((byte) id)
                .put(body);
        out.write(frame.array());
    }

    void has(long piece) throws IOException {
        send(HAVE, ByteBuffer.allocate(4).putInt((int) piece).array());
    }

    void request(long piece, int begin, int length) throws IOException {
        send(
                REQUEST,
                ByteBuffer.allocate(12)
                        .putInt((int) piece)
                        .putInt(begin)
                        .putInt(length)
                        .array());
    }

    /** Passes over all messages up to the next block. */
    void awaitBlock() throws IOException {
        while (true) {
            byte[] message = new byte[in.readInt()];
            in.readFully(message);
            if (message.length > 0 && message[0] == PIECE) {
                return;
            }
        }
    }

    private void extended(int id, byte[] payload) throws IOException {
        ByteBuffer body = ByteBuffer.allocate(1 + payload.length).put((byte) id).put(payload);
        send(EXTENDED, body.array());
    }

    /** The payload of the next extended message with this id; others are passed over. */
    private byte[] read(int extendedId) throws IOException {
        while (true) {
            byte[] message = new byte[in.readInt()];
            in.readFully(message);
            if (message.length > 1 && message[0] == EXTENDED && message[1] == extendedId) {
                return java.util.Arrays.copyOfRange(message, 2, message.length);
            }
        }
    }

    /** The node closes on this message, be it before all of it is written. */
    void isClosedOn(Sending message) throws FormatException {
        try {
            message.send();
        } catch (SocketException e) {
            return; // Closed before all of it was written.
        } catch (IOException e) {
            throw new AssertionError("not closed by the node", e);
        }
        readUntilClosed();
    }

    /** Writes something. */
    interface Sending {
        void send() throws IOException;
    }

    /** What comes until the other end closes. */
    List<LiveMessage> readUntilClosed() throws FormatException {
        List<LiveMessage> messages = new ArrayList<>();
        try {
            while (true) {
                messages.add(LiveMessageCodec.decode(read(TB_LIVE)));
            }
        } catch (EOFException | SocketException e) {
            return messages;
        } catch (IOException e) {
            throw new AssertionError("not closed by the node", e);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
