package live.tributary.mesh.tracker;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.CompactPeers;
import live.tributary.protocol.tracker.ScrapeResponse;

/**
 * The peers of one infohash, with their last announce.
 *
 * <p>A peer is an address and a port, never a peer id: all Stremio players send the same. Not thread-safe.
 */
final class Swarm {
    private final int maxPeers;
    private final int maxPerAddress;
    private final boolean privateAddresses;

    private final PeerTable ipv4;
    private final PeerTable ipv6;
    private final Map<Network, Integer> perCustomer = new HashMap<>();
    private int completed;

    /**
     * @param privateAddresses whether peers at addresses that the internet does not route are handed out
     * @param random chooses whom to hand out
     */
    Swarm(TrackerLimits limits, boolean privateAddresses, RandomGenerator random) {
        this.maxPeers = limits.peersPerSwarm();
        this.maxPerAddress = limits.peersPerAddress();
        this.privateAddresses = privateAddresses;
        this.ipv4 = new PeerTable(Endpoint.COMPACT_V4, random);
        this.ipv6 = new PeerTable(Endpoint.COMPACT_V6, random);
    }

    /** What an announce did to the swarm. */
    enum Change {
        JOINED,
        STAYED,
        LEFT,
        /** Not remembered: the swarm, or the share of that address in it, is full. */
        REFUSED
    }

    Change announce(AnnounceRequest request, InetAddress from, long now) {
        PeerTable table = table(from instanceof Inet4Address);
        byte[] key = key(from, request.port());
        int place = table.find(key);
        boolean known = place != PeerTable.NOWHERE;
        if (request.event() == AnnounceEvent.STOPPED) {
            if (known) {
                table.remove(place);
                leave(from);
            }
            return Change.LEFT;
        }
        // What a fake says of itself does not count: every Stremio player may end with left=0 and still serves nobody.
        boolean seeds = request.seeds() && !request.cannotBeReached();
        boolean dialable = !request.cannotBeReached() && (privateAddresses || Endpoint.isGlobalUnicast(from));
        if (request.event() == AnnounceEvent.COMPLETED && !(known && table.seeds(place))) {
            completed++;
        }
        if (known) {
            table.renew(place, dialable, seeds, now);
            return Change.STAYED;
        }
        Network customer = Network.customer(from);
        int others = perCustomer.getOrDefault(customer, 0);
        if (size() >= maxPeers || others >= maxPerAddress) {
            return Change.REFUSED;
        }
        perCustomer.put(customer, others + 1);
        table.add(key, dialable, seeds, now);
        return Change.JOINED;
    }

    private void leave(InetAddress address) {
        perCustomer.computeIfPresent(Network.customer(address), (customer, count) -> count == 1 ? null : count - 1);
    }

    /** Forgets the peers whose last announce was before {@code time}. */
    void expire(long time) {
        ipv4.expire(time, (keys, at) -> leave(address(keys, at, Endpoint.COMPACT_V4)));
        ipv6.expire(time, (keys, at) -> leave(address(keys, at, Endpoint.COMPACT_V6)));
    }

    /**
     * Up to {@code max} peers of a family to dial, chosen at random.
     *
     * @param asking left out of the answer
     * @param seeding whether the asking peer has everything: other seeders are of no use to it
     */
    List<Endpoint> pick(boolean ofIpv4, int max, InetSocketAddress asking, boolean seeding) {
        int width = ofIpv4 ? Endpoint.COMPACT_V4 : Endpoint.COMPACT_V6;
        byte[] picked = new byte[width * Math.min(max, table(ofIpv4).size())];
        int count = pick(asking.getAddress(), asking.getPort(), ofIpv4, max, seeding, picked, 0);
        byte[] exact = Arrays.copyOf(picked, count * width);
        return CompactPeers.wrap(ofIpv4 ? exact : new byte[0], ofIpv4 ? new byte[0] : exact, ofIpv4);
    }

    /** The same, into an array with room enough; returns how many. */
    int pick(InetAddress asking, int port, boolean ofIpv4, int max, boolean seeding, byte[] into, int at) {
        PeerTable table = table(ofIpv4);
        boolean sameFamily = asking instanceof Inet4Address == ofIpv4;
        int itself = sameFamily ? table.find(key(asking, port)) : PeerTable.NOWHERE;
        return table.copy(max, itself, seeding, into, at);
    }

    ScrapeResponse.Counts counts() {
        return new ScrapeResponse.Counts(seeders(), completed, leechers());
    }

    int seeders() {
        return ipv4.seeders() + ipv6.seeders();
    }

    int leechers() {
        return size() - seeders();
    }

    private int size() {
        return ipv4.size() + ipv6.size();
    }

    private PeerTable table(boolean ofIpv4) {
        return ofIpv4 ? ipv4 : ipv6;
    }

    private static byte[] key(InetAddress address, int port) {
        byte[] raw = address.getAddress();
        byte[] key = Arrays.copyOf(raw, raw.length + Short.BYTES);
        key[raw.length] = (byte) (port >> Byte.SIZE);
        key[raw.length + 1] = (byte) port;
        return key;
    }

    private static InetAddress address(byte[] keys, int at, int width) {
        try {
            return InetAddress.getByAddress(Arrays.copyOfRange(keys, at, at + width - Short.BYTES));
        } catch (java.net.UnknownHostException e) {
            throw new IllegalStateException(e); // It came from an address.
        }
    }
}
