package live.tributary.mesh.tracker;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.AnnounceResponse;
import live.tributary.protocol.tracker.CompactPeers;
import live.tributary.protocol.tracker.ScrapeRequest;
import live.tributary.protocol.tracker.ScrapeResponse;
import org.jspecify.annotations.Nullable;

/**
 * The swarms of the torrents that carried streams give, answered from what the mesh knows.
 *
 * <p>A torrent is tracked from the moment its records are known, whether or not anybody has announced it: the answer names this
 * relay if it holds everything, then linked relays that do, near ones first, then peers that announced. A torrent that no record of a carried
 * stream describes is unknown. Callable from any thread; each swarm has its own lock.
 */
public final class Tracker {
    /** The most peers in one answer, and what a client gets that does not say. */
    static final int MAX_ANSWERED = 50;

    /** Why an announce of a torrent that no carried stream has is refused. */
    static final String UNKNOWN_TORRENT = "unregistered torrent";

    private static final int MAX_RELAYS = 16;
    /** How long the holders of a window are remembered: long enough to spare a look at hundreds of chunks for each announce. */
    private static final long HOLDERS_LIFETIME = TimeUnit.SECONDS.toNanos(1);

    /** The same for a single chunk, whose first seconds are when everybody asks for it. */
    private static final long CHUNK_HOLDERS_LIFETIME = TimeUnit.MILLISECONDS.toNanos(100);

    /** Orders of the relays that are drawn at a time. */
    private static final int DEALS = 4;

    private static final long SWEEP_EVERY = TimeUnit.SECONDS.toNanos(30);

    private final TrackerLimits limits;
    private final long peerLifetime;
    private final boolean privateAddresses;
    private final Supplier<List<Endpoint>> self;
    private final AnnounceListener listener;
    private final RelayChoice relayChoice;
    private final RandomGenerator seeds;
    private final AddressRates rates;
    private final Map<StreamKey, StreamView> streams = new ConcurrentHashMap<>();
    private final Map<InfoHash, Tracked> tracked = new ConcurrentHashMap<>();
    private final AtomicLong sweepAt;

    /** Hears of peers that announced; on the thread that answers, so it must not block. */
    public interface AnnounceListener {
        /**
         * @param peer the address from which the announce came, with the announced port
         * @param seeding whether it says that it has everything
         */
        void announced(InfoHash infoHash, Endpoint peer, boolean seeding);
    }

    /** What a client is told. */
    public sealed interface Answer {
        record Peers(AnnounceResponse response) implements Answer {}

        /** No carried stream has such a torrent. */
        record Unknown() implements Answer {}
    }

    /** A torrent with its swarm, and what the mesh knew of it last. Guarded by itself. */
    private static final class Tracked {
        final StreamView stream;
        final Torrent torrent;
        final Swarm swarm;
        final RandomGenerator random;

        @Nullable
        Front front;

        Holders holders;
        long lookedAt;

        Tracked(StreamView stream, Torrent torrent, Swarm swarm, RandomGenerator random, long now) {
            this.stream = stream;
            this.torrent = torrent;
            this.swarm = swarm;
            this.random = random;
            this.holders = Holders.of(stream, torrent);
            this.lookedAt = now;
        }

        Holders holders(long now) {
            long lifetime = torrent.chunks().size() == 1 ? CHUNK_HOLDERS_LIFETIME : HOLDERS_LIFETIME;
            if (now - lookedAt > lifetime) {
                holders = Holders.of(stream, torrent);
                lookedAt = now;
            }
            return holders;
        }
    }

    /** Who is named first, in some orders, to whoever reached this node there. */
    private record Front(Holders holders, Optional<Endpoint> reached, boolean neighbour, CompactPeers[] deals) {}

    /**
     * Who has a torrent's chunks.
     *
     * @param whole whether this node has them all
     * @param some whether this node has any
     * @param relays the linked relays that have them all
     */
    private record Holders(boolean whole, boolean some, List<RelayView> relays) {
        static Holders of(StreamView stream, Torrent torrent) {
            Map<Object, RelayView> relays = new LinkedHashMap<>();
            boolean whole = true;
            boolean some = false;
            boolean first = true;
            for (ChunkRecord record : torrent.chunks()) {
                boolean held = stream.holds(record);
                whole &= held;
                some |= held;
                if (first || !relays.isEmpty()) {
                    Set<Object> keys = new HashSet<>();
                    for (RelayView relay : stream.holders(record)) {
                        keys.add(relay.key());
                        if (first && relay.role() == NodeRole.RELAY) { // The origin's uplink is for relays.
                            relays.put(relay.key(), relay);
                        }
                    }
                    relays.keySet().retainAll(keys);
                }
                first = false;
            }
            return new Holders(whole, some, List.copyOf(relays.values()));
        }
    }

    /**
     * @param privateAddresses whether addresses that the internet does not route are handed out: labs and LANs
     * @param self this node's own endpoints, as far as it knows them
     * @param near whether a relay is of this node's region: those are named before others
     * @param random chooses peers; not for secrets
     * @param now monotonic, nanoseconds
     */
    public Tracker(
            TrackerLimits limits,
            boolean privateAddresses,
            Supplier<List<Endpoint>> self,
            Predicate<RelayView> near,
            AnnounceListener listener,
            RandomGenerator random,
            long now) {
        this.limits = limits;
        this.peerLifetime = limits.peerLifetime().toNanos();
        this.privateAddresses = privateAddresses;
        this.self = self;
        this.listener = listener;
        this.relayChoice = new RelayChoice(privateAddresses, near);
        this.seeds = random;
        this.rates = new AddressRates(limits.requestsPerSecond(), limits.burst(), random, now);
        this.sweepAt = new AtomicLong(now + SWEEP_EVERY);
    }

    /** Tracks the torrents of a stream from now on. */
    public void carry(StreamView stream) {
        streams.put(stream.key(), stream);
    }

    public void drop(StreamKey stream) {
        streams.remove(stream);
        tracked.values().removeIf(torrent -> torrent.stream.key().equals(stream));
    }

    /** Whether an address has asked little enough to be answered once more. */
    boolean admits(InetAddress address, long now) {
        return rates.take(address, now);
    }

    /**
     * Takes an announce and answers it.
     *
     * @param from the socket's other end
     * @param reached where the client reached this node, as far as that is known
     * @param now monotonic, nanoseconds
     */
    Answer announce(AnnounceRequest request, InetSocketAddress from, Optional<Endpoint> reached, long now) {
        sweepIfDue(now);
        Tracked torrent = tracked(request.infoHash(), now);
        if (torrent == null) {
            return new Answer.Unknown();
        }
        InetAddress address = from.getAddress();
        int max = request.event() == AnnounceEvent.STOPPED
                ? 0
                : Math.min(request.wanted().orElse(MAX_ANSWERED), MAX_ANSWERED);
        Swarm.Change change;
        AnnounceResponse response;
        synchronized (torrent) {
            torrent.swarm.expire(now - peerLifetime);
            change = torrent.swarm.announce(request, address, now);
            response = answer(torrent, request, address, reached, max, now);
        }
        if (change != Swarm.Change.LEFT && !request.cannotBeReached()) {
            listener.announced(request.infoHash(), new Endpoint(address, request.port()), request.seeds());
        }
        return new Answer.Peers(response);
    }

    ScrapeResponse scrape(ScrapeRequest request, long now) {
        sweepIfDue(now);
        Map<InfoHash, ScrapeResponse.Counts> swarms = new LinkedHashMap<>();
        for (InfoHash infoHash : request.infoHashes()) {
            Tracked torrent = tracked(infoHash, now);
            if (torrent != null) {
                synchronized (torrent) {
                    torrent.swarm.expire(now - peerLifetime);
                    ScrapeResponse.Counts counts = torrent.swarm.counts();
                    swarms.put(
                            infoHash,
                            new ScrapeResponse.Counts(
                                    counts.seeders() + relays(torrent.holders(now)),
                                    counts.completed(),
                                    counts.leechers()));
                }
            }
        }
        return new ScrapeResponse(swarms);
    }

    private AnnounceResponse answer(
            Tracked torrent,
            AnnounceRequest request,
            InetAddress address,
            Optional<Endpoint> reached,
            int max,
            long now) {
        Holders holders = torrent.holders(now);
        boolean ipv4 = address instanceof Inet4Address;
        // A client with a magnet does not know yet what is missing, and some say 0 then (bt-core does).
        boolean fetches = !request.seeds() || request.event() == AnnounceEvent.STARTED;
        PeerAnswer answer = new PeerAnswer(ipv4, max);
        if (max > 0 && fetches) {
            CompactPeers front = front(torrent, holders, address, reached);
            answer.add(front, address, request.port());
        }
        answer.add(torrent.swarm, address, request.port(), !fetches);
        return new AnnounceResponse(
                limits.interval(), torrent.swarm.seeders() + relays(holders), torrent.swarm.leechers(), answer.peers());
    }

    /** Those named before any other: this relay and those that hold the torrent; kept as long as what is known of them. */
    private CompactPeers front(Tracked torrent, Holders holders, InetAddress client, Optional<Endpoint> reached) {
        Front known = torrent.front;
        boolean neighbour = reached.isPresent() && !Endpoint.isGlobalUnicast(client);
        if (known == null
                || known.holders != holders
                || known.neighbour != neighbour
                || !known.reached.equals(reached)) {
            List<Endpoint> own = own(client, reached);
            CompactPeers[] deals = new CompactPeers[holders.relays().size() > 1 ? DEALS : 1];
            for (int i = 0; i < deals.length; i++) {
                deals[i] = deal(holders, own, client instanceof Inet4Address, torrent.random);
            }
            known = new Front(holders, reached, neighbour, deals);
            torrent.front = known;
        }
        return known.deals[torrent.random.nextInt(known.deals.length)];
    }

    private CompactPeers deal(Holders holders, List<Endpoint> own, boolean ipv4, RandomGenerator random) {
        Set<Endpoint> named = new LinkedHashSet<>();
        if (holders.whole()) {
            named.addAll(own);
        }
        relayChoice.choose(holders.relays(), MAX_RELAYS, random).forEach(named::addAll);
        if (named.isEmpty() && holders.some()) {
            named.addAll(own); // The rest may be on its way, and a part honestly told is better than nobody.
        }
        return CompactPeers.of(List.copyOf(named));
    }

    private static int relays(Holders holders) {
        return holders.relays().size() + (holders.whole() ? 1 : 0);
    }

    /** The endpoints of this node to name: the one that the client has shown to work, or else all. */
    private List<Endpoint> own(InetAddress client, Optional<Endpoint> reached) {
        List<Endpoint> known = self.get();
        if (reached.isPresent()) {
            Endpoint endpoint = reached.get();
            // Within one LAN the address that works is not among those that the world knows.
            boolean neighbours = !Endpoint.isGlobalUnicast(client) && !Endpoint.isGlobalUnicast(endpoint.address());
            boolean samePort = known.stream().anyMatch(own -> own.port() == endpoint.port());
            if (known.contains(endpoint) || neighbours && samePort) {
                return List.of(endpoint);
            }
        }
        return known;
    }

    private @Nullable Tracked tracked(InfoHash infoHash, long now) {
        Tracked known = tracked.get(infoHash);
        if (known != null) {
            return known;
        }
        for (StreamView stream : streams.values()) {
            Optional<Torrent> torrent = stream.torrent(infoHash);
            if (torrent.isPresent()) {
                return tracked.computeIfAbsent(infoHash, absent -> track(stream, torrent.get(), now));
            }
        }
        return null;
    }

    private Tracked track(StreamView stream, Torrent torrent, long now) {
        RandomGenerator random;
        synchronized (seeds) {
            random = new SplittableRandom(seeds.nextLong());
        }
        return new Tracked(stream, torrent, new Swarm(limits, privateAddresses, random), random, now);
    }

    /** Every now and then an announce pays for forgetting the torrents that fell out of their stream's history. */
    private void sweepIfDue(long now) {
        long due = sweepAt.get();
        if (now - due >= 0 && sweepAt.compareAndSet(due, now + SWEEP_EVERY)) {
            tracked.entrySet()
                    .removeIf(torrent ->
                            torrent.getValue().stream.torrent(torrent.getKey()).isEmpty());
        }
    }
}
