package live.tributary.mesh.tracker;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.ScrapeResponse;
import org.jspecify.annotations.Nullable;

/**
 * The peers of one infohash, with their last announce.
 *
 * <p>A peer is an address and a port, never a peer id: all Stremio players send the same. Invariants: {@code peers} is in order of
 * last announce, the oldest first; a peer is in the {@code reachable} of its family exactly if others may be told to dial it, and
 * knows its place there. Not thread-safe.
 */
final class Swarm {
    private final int maxPeers;
    private final int maxPerAddress;
    private final boolean privateAddresses;
    private final RandomGenerator random;

    private final Map<InetSocketAddress, Peer> peers = new LinkedHashMap<>();
    private final Map<Network, Integer> perCustomer = new HashMap<>();
    private final List<Peer> reachableV4 = new ArrayList<>();
    private final List<Peer> reachableV6 = new ArrayList<>();
    private int seeders;
    private int completed;

    private static final class Peer {
        static final int NOWHERE = -1;

        final InetSocketAddress address;
        final boolean seeds;
        final long announced;
        int place = NOWHERE;

        Peer(InetSocketAddress address, boolean seeds, long announced) {
            this.address = address;
            this.seeds = seeds;
            this.announced = announced;
        }
    }

    /**
     * @param privateAddresses whether peers at addresses that the internet does not route are handed out
     * @param random chooses whom to hand out
     */
    Swarm(TrackerLimits limits, boolean privateAddresses, RandomGenerator random) {
        this.maxPeers = limits.peersPerSwarm();
        this.maxPerAddress = limits.peersPerAddress();
        this.privateAddresses = privateAddresses;
        this.random = random;
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
        InetSocketAddress address = new InetSocketAddress(from, request.port());
        Peer before = remove(address);
        if (request.event() == AnnounceEvent.STOPPED) {
            return Change.LEFT;
        }
        // What a fake says of itself does not count: every Stremio player may end with left=0 and still serves nobody.
        Peer peer = new Peer(address, request.seeds() && !request.cannotBeReached(), now);
        if (request.event() == AnnounceEvent.COMPLETED && (before == null || !before.seeds)) {
            completed++;
        }
        Network customer = Network.customer(from);
        if (peers.size() >= maxPeers || perCustomer.getOrDefault(customer, 0) >= maxPerAddress) {
            return Change.REFUSED;
        }
        peers.put(address, peer);
        perCustomer.merge(customer, 1, Integer::sum);
        seeders += peer.seeds ? 1 : 0;
        if (!request.cannotBeReached() && (privateAddresses || Endpoint.isGlobalUnicast(from))) {
            List<Peer> reachable = reachable(from instanceof Inet4Address);
            peer.place = reachable.size();
            reachable.add(peer);
        }
        return before == null ? Change.JOINED : Change.STAYED;
    }

    private @Nullable Peer remove(InetSocketAddress address) {
        Peer peer = peers.remove(address);
        if (peer == null) {
            return null;
        }
        perCustomer.computeIfPresent(
                Network.customer(address.getAddress()), (customer, count) -> count == 1 ? null : count - 1);
        seeders -= peer.seeds ? 1 : 0;
        if (peer.place != Peer.NOWHERE) {
            List<Peer> reachable = reachable(address.getAddress() instanceof Inet4Address);
            swap(reachable, peer.place, reachable.size() - 1);
            reachable.remove(reachable.size() - 1);
        }
        return peer;
    }

    /** Forgets the peers whose last announce was before {@code time}. */
    void expire(long time) {
        List<InetSocketAddress> expired = new ArrayList<>();
        for (Peer peer : peers.values()) {
            if (peer.announced - time >= 0) {
                break;
            }
            expired.add(peer.address);
        }
        expired.forEach(this::remove);
    }

    /**
     * Up to {@code max} peers of a family to dial, chosen at random.
     *
     * @param asking left out of the answer
     * @param seeding whether the asking peer has everything: other seeders are of no use to it
     */
    List<Endpoint> pick(boolean ipv4, int max, InetSocketAddress asking, boolean seeding) {
        List<Peer> from = reachable(ipv4);
        List<Endpoint> picked = new ArrayList<>();
        // A shuffle of the front only, in place: the order of the list means nothing to anybody.
        for (int front = 0; front < from.size() && picked.size() < max; front++) {
            swap(from, front, front + random.nextInt(from.size() - front));
            Peer peer = from.get(front);
            if (!peer.address.equals(asking) && !(seeding && peer.seeds)) {
                picked.add(Endpoint.of(peer.address));
            }
        }
        return picked;
    }

    ScrapeResponse.Counts counts() {
        return new ScrapeResponse.Counts(seeders, completed, peers.size() - seeders);
    }

    private List<Peer> reachable(boolean ipv4) {
        return ipv4 ? reachableV4 : reachableV6;
    }

    private static void swap(List<Peer> list, int one, int other) {
        Collections.swap(list, one, other);
        list.get(one).place = one;
        list.get(other).place = other;
    }
}
