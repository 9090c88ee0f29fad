package live.tributary.mesh.net;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.wire.Handshake;

/** Peer ids of this program: its mark and twelve random bytes, other ones for each connection. */
final class PeerIds {
    private static final byte[] PREFIX = "-TB0100-".getBytes(StandardCharsets.US_ASCII);

    private PeerIds() {}

    static Handshake handshake(InfoHash infoHash, Random random) {
        byte[] peerId = new byte[Handshake.PEER_ID_LENGTH];
        random.nextBytes(peerId);
        System.arraycopy(PREFIX, 0, peerId, 0, PREFIX.length);
        return new Handshake(infoHash, peerId, true, true);
    }
}
