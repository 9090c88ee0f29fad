package live.tributary.protocol.wire;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.CompactPeers;

/**
 * Who came to a swarm and who left it since the last such message (BEP 11).
 *
 * @param added at most {@link #MAX_PEERS}
 * @param dropped at most {@link #MAX_PEERS}
 */
public record PeerExchangeMessage(List<Endpoint> added, List<Endpoint> dropped) {
    /** The name of the extension in BEP 10's handshake. */
    public static final String EXTENSION = "ut_pex";
    /** BEP 11: at most so many are added, and so many dropped, by one message. */
    public static final int MAX_PEERS = 50;

    public PeerExchangeMessage {
        added = List.copyOf(added);
        dropped = List.copyOf(dropped);
        requireFew("added", added);
        requireFew("dropped", dropped);
    }

    private static void requireFew(String name, List<Endpoint> peers) {
        if (peers.size() > MAX_PEERS) {
            throw new IllegalArgumentException(name + ": " + peers.size() + " (expected: <= " + MAX_PEERS + ")");
        }
    }

    public byte[] encode() {
        CompactPeers came = CompactPeers.of(added);
        CompactPeers left = CompactPeers.of(dropped);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("added", came.bytes(true));
        fields.put("added.f", new byte[came.bytes(true).length / Endpoint.COMPACT_V4]); // Nothing is known of them.
        fields.put("added6", came.bytes(false));
        fields.put("added6.f", new byte[came.bytes(false).length / Endpoint.COMPACT_V6]);
        fields.put("dropped", left.bytes(true));
        fields.put("dropped6", left.bytes(false));
        return Bencode.encode(fields);
    }
}
