package live.tributary.mesh.mse;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Random;
import live.tributary.protocol.mse.MseKey;
import live.tributary.protocol.mse.MseSecret;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.mse.Rc4;
import live.tributary.protocol.stream.InfoHash;

/** A client's side of MSE, message by message, with every length in the test's hand. */
final class RawMse {
    final MseKey key = new MseKey(new Random(11));
    private final InfoHash torrent;
    private MseSecret secret;
    private Rc4 outgoing;
    Rc4 incoming;

    RawMse(InfoHash torrent) {
        this.torrent = torrent;
    }

    /** The key, with padding behind it. */
    byte[] opening(int padding) {
        return ByteBuffer.allocate(MseKey.LENGTH + padding)
                .put(key.publicKey())
                .put(noise(padding))
                .array();
    }

    void agree(byte[] theirKey) {
        secret = key.agree(theirKey).orElseThrow();
        outgoing = secret.fromDialler(torrent);
        incoming = secret.fromAcceptor(torrent);
    }

    /** What follows the padding: hashes, options, padding, and the length of the first payload with the payload. */
    byte[] offer(int provided, int padding, int initialLength, byte[] initial) {
        ByteBuffer enciphered = ByteBuffer.allocate(8 + 4 + 2 + padding + 2 + initial.length)
                .putLong(0)
                .putInt(provided)
                .putShort((short) padding)
                .put(new byte[padding])
                .putShort((short) initialLength)
                .put(initial);
        outgoing.apply(enciphered.array());
        return ByteBuffer.allocate(40 + enciphered.capacity())
                .put(secret.sync())
                .put(secret.cover(ObfuscatedHash.of(torrent)))
                .put(enciphered.array())
                .array();
    }

    byte[] enciphered(byte[] text) {
        byte[] out = text.clone();
        outgoing.apply(out);
        return out;
    }

    /** What the other side chose, from its answer. */
    int chosen(ByteBuf in) {
        byte[] answer = new byte[14];
        in.readBytes(answer);
        incoming.apply(answer);
        ByteBuffer options = ByteBuffer.wrap(answer);
        if (options.getLong() != 0) {
            throw new AssertionError("VC: not zero");
        }
        int chosen = options.getInt();
        if (options.getShort() != 0) {
            throw new AssertionError("padding in the answer");
        }
        return chosen;
    }

    private static byte[] noise(int length) {
        byte[] noise = new byte[length];
        new Random(5).nextBytes(noise);
        return noise;
    }

    static ByteBuf buffer(byte[] bytes) {
        return Unpooled.copiedBuffer(bytes);
    }
}
