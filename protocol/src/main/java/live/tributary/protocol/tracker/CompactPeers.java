package live.tributary.protocol.tracker;

import io.netty.buffer.ByteBuf;
import java.net.InetAddress;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;

/**
 * Peers in the form in which they leave (BEP 23, BEP 7): a list of endpoints over their bytes, all of one family before all of the
 * other. Immutable.
 */
public final class CompactPeers extends AbstractList<Endpoint> {
    private final byte[] ipv4;
    private final byte[] ipv6;
    private final boolean ipv4First;

    private CompactPeers(byte[] ipv4, byte[] ipv6, boolean ipv4First) {
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
        this.ipv4First = ipv4First;
    }

    /**
     * Takes the arrays over.
     *
     * @param ipv4 six bytes each
     * @param ipv6 eighteen bytes each
     * @param ipv4First which family is better tried first
     */
    public static CompactPeers wrap(byte[] ipv4, byte[] ipv6, boolean ipv4First) {
        if (ipv4.length % Endpoint.COMPACT_V4 != 0 || ipv6.length % Endpoint.COMPACT_V6 != 0) {
            throw new IllegalArgumentException(
                    "peers: " + ipv4.length + ", " + ipv6.length + " bytes (expected: multiples of 6 and 18)");
        }
        return new CompactPeers(ipv4, ipv6, ipv4First);
    }

    /** The same peers in the same order, but for those of the family that does not come first. */
    public static CompactPeers of(List<Endpoint> peers) {
        return peers instanceof CompactPeers compact
                ? compact
                : new CompactPeers(
                        bytes(peers, true),
                        bytes(peers, false),
                        peers.isEmpty() || peers.get(0).isIpv4());
    }

    private static byte[] bytes(List<Endpoint> peers, boolean ipv4) {
        int size = ipv4 ? Endpoint.COMPACT_V4 : Endpoint.COMPACT_V6;
        byte[] bytes = new byte
                [size
                        * (int) peers.stream()
                                .filter(peer -> peer.isIpv4() == ipv4)
                                .count()];
        int at = 0;
        for (Endpoint peer : peers) {
            if (peer.isIpv4() == ipv4) {
                System.arraycopy(peer.compact(), 0, bytes, at, size);
                at += size;
            }
        }
        return bytes;
    }

    @Override
    public Endpoint get(int index) {
        int first = ipv4First ? ipv4.length / Endpoint.COMPACT_V4 : ipv6.length / Endpoint.COMPACT_V6;
        boolean fromFirst = index < first;
        return endpoint(fromFirst == ipv4First, fromFirst ? index : index - first);
    }

    private Endpoint endpoint(boolean fromIpv4, int index) {
        byte[] bytes = fromIpv4 ? ipv4 : ipv6;
        int size = fromIpv4 ? Endpoint.COMPACT_V4 : Endpoint.COMPACT_V6;
        if (index < 0 || index >= bytes.length / size) {
            throw new IndexOutOfBoundsException("index: " + index + " (expected: < " + bytes.length / size + ")");
        }
        try {
            return Endpoint.fromCompact(Arrays.copyOfRange(bytes, index * size, (index + 1) * size));
        } catch (FormatException e) {
            throw new IllegalStateException(e); // Made from endpoints.
        }
    }

    @Override
    public int size() {
        return ipv4.length / Endpoint.COMPACT_V4 + ipv6.length / Endpoint.COMPACT_V6;
    }

    /** The compact peers of a family. */
    public byte[] bytes(boolean ofIpv4) {
        return (ofIpv4 ? ipv4 : ipv6).clone();
    }

    /** How many bytes the peers of a family take. */
    int length(boolean ofIpv4) {
        return (ofIpv4 ? ipv4 : ipv6).length;
    }

    /**
     * Copies up to {@code max} peers of a family, but for the one at this address and port.
     *
     * @return how many
     */
    public int copy(boolean ofIpv4, InetAddress but, int port, int max, byte[] into, int at) {
        byte[] from = ofIpv4 ? ipv4 : ipv6;
        int width = ofIpv4 ? Endpoint.COMPACT_V4 : Endpoint.COMPACT_V6;
        byte[] left = but.getAddress();
        int copied = 0;
        for (int peer = 0; peer < from.length && copied < max; peer += width) {
            int end = peer + width;
            boolean same = (from[end - 2] & 0xff) == port >> Byte.SIZE
                    && (from[end - 1] & 0xff) == (port & 0xff)
                    && Arrays.equals(from, peer, end - 2, left, 0, left.length);
            if (!same) {
                System.arraycopy(from, peer, into, at + copied * width, width);
                copied++;
            }
        }
        return copied;
    }

    /** Copies all peers of a family; returns where they end. */
    int copy(boolean ofIpv4, byte[] into, int at) {
        byte[] from = ofIpv4 ? ipv4 : ipv6;
        System.arraycopy(from, 0, into, at, from.length);
        return at + from.length;
    }

    void write(boolean ofIpv4, ByteBuf out) {
        out.writeBytes(ofIpv4 ? ipv4 : ipv6);
    }
}
