package live.tributary.mesh.net;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** How many connections each address (IPv4) or /64 (IPv6) has open; this machine's own are not counted. */
final class AddressShares {
    private static final int V6_PREFIX = 8;

    private final int share;
    private final Map<ByteBuffer, Integer> open = new ConcurrentHashMap<>();

    AddressShares(int share) {
        this.share = share;
    }

    /** What a new connection finds. */
    enum Place {
        FREE,
        /** The address has its share: be brief with it. */
        CROWDED,
        /** The address has twice its share: close. */
        NONE
    }

    Place enter(InetAddress address) {
        if (address.isLoopbackAddress()) {
            return Place.FREE;
        }
        int count = open.merge(key(address), 1, Integer::sum);
        return count <= share ? Place.FREE : count <= 2 * share ? Place.CROWDED : Place.NONE;
    }

    void leave(InetAddress address) {
        if (!address.isLoopbackAddress()) {
            open.computeIfPresent(key(address), (key, count) -> count > 1 ? count - 1 : null);
        }
    }

    int size() {
        return open.size();
    }

    private static ByteBuffer key(InetAddress address) {
        byte[] raw = address.getAddress();
        return ByteBuffer.wrap(raw, 0, Math.min(raw.length, V6_PREFIX)).slice();
    }
}
