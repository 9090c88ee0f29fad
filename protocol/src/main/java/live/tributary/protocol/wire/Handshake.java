package live.tributary.protocol.wire;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.InfoHash;

/**
 * The first 68 bytes of a peer-wire connection (BEP 3).
 *
 * @param extensions whether the sender speaks BEP 10
 * @param fast whether the sender speaks BEP 6
 * @param peerId 20 bytes; not an identity, since anybody may send any
 */
public record Handshake(InfoHash infoHash, byte[] peerId, boolean extensions, boolean fast) {
    public static final int LENGTH = 68;
    public static final int PEER_ID_LENGTH = 20;

    private static final byte[] PROTOCOL = "\u0013BitTorrent protocol".getBytes(StandardCharsets.ISO_8859_1);
    private static final int RESERVED_LENGTH = 8;
    private static final int EXTENSIONS_BYTE = 5;
    private static final int EXTENSIONS_BIT = 0x10;
    private static final int FAST_BYTE = 7;
    private static final int FAST_BIT = 0x04;

    public Handshake {
        if (peerId.length != PEER_ID_LENGTH) {
            throw new IllegalArgumentException("peer id: " + peerId.length + " bytes (expected: 20)");
        }
    }

    public void write(ByteBuf out) {
        byte[] reserved = new byte[RESERVED_LENGTH];
        reserved[EXTENSIONS_BYTE] |= extensions ? EXTENSIONS_BIT : 0;
        reserved[FAST_BYTE] |= fast ? FAST_BIT : 0;
        out.writeBytes(PROTOCOL)
                .writeBytes(reserved)
                .writeBytes(infoHash.bytes())
                .writeBytes(peerId);
    }

    /** Reads {@link #LENGTH} bytes, which must be there. */
    public static Handshake read(ByteBuf in) throws FormatException {
        byte[] protocol = new byte[PROTOCOL.length];
        in.readBytes(protocol);
        if (!Arrays.equals(protocol, PROTOCOL)) {
            throw new FormatException("protocol: another one (expected: BitTorrent protocol)");
        }
        byte[] reserved = new byte[RESERVED_LENGTH];
        in.readBytes(reserved);
        byte[] infoHash = new byte[InfoHash.LENGTH];
        in.readBytes(infoHash);
        byte[] peerId = new byte[PEER_ID_LENGTH];
        in.readBytes(peerId);
        return new Handshake(
                InfoHash.of(infoHash),
                peerId,
                (reserved[EXTENSIONS_BYTE] & EXTENSIONS_BIT) != 0,
                (reserved[FAST_BYTE] & FAST_BIT) != 0);
    }
}
