package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.Arrays;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.CompactPeers;

/** The peers of one answer as they are put together: those of the client's family first, the others where there is room. */
final class PeerAnswer {
    private static final byte[] NONE = {};

    private final boolean ipv4;
    private final int width;
    private final int max;
    private final byte[] same;
    private int count;
    private byte[] other = NONE;

    PeerAnswer(boolean ipv4, int max) {
        this.ipv4 = ipv4;
        this.width = ipv4 ? Endpoint.COMPACT_V4 : Endpoint.COMPACT_V6;
        this.max = max;
        this.same = new byte[max * width];
    }

    /** Adds these but for the one who asks. */
    void add(CompactPeers peers, InetAddress asking, int port) {
        count += peers.copy(ipv4, asking, port, max - count, same, count * width);
        other = peers.bytes(!ipv4);
    }

    void add(Swarm swarm, InetAddress asking, int port, boolean seeding) {
        if (count < max) {
            count += swarm.pick(asking, port, ipv4, max - count, seeding, same, count * width);
        }
    }

    CompactPeers peers() {
        byte[] first = count == max ? same : Arrays.copyOf(same, count * width);
        int otherWidth = ipv4 ? Endpoint.COMPACT_V6 : Endpoint.COMPACT_V4;
        int room = (max - count) * otherWidth;
        byte[] second = other.length <= room ? other : Arrays.copyOf(other, room);
        return CompactPeers.wrap(ipv4 ? first : second, ipv4 ? second : first, ipv4);
    }
}
