package live.tributary.mesh.rendezvous;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import lbms.plugins.mldht.kad.DBItem;
import lbms.plugins.mldht.kad.GenericStorage.StorageItem;
import lbms.plugins.mldht.kad.Key;
import lbms.plugins.mldht.kad.PeerAddressDBItem;
import lbms.plugins.mldht.kad.messages.AbstractLookupResponse;
import lbms.plugins.mldht.kad.messages.GetPeersRequest;
import lbms.plugins.mldht.kad.messages.GetPeersResponse;
import lbms.plugins.mldht.kad.messages.GetRequest;
import lbms.plugins.mldht.kad.messages.GetResponse;
import lbms.plugins.mldht.kad.utils.AddressUtils;
import live.tributary.mesh.program.HostPort;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.dht.MutableTarget;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Mainline DHT as rendezvous, over IPv4 and, where there is a global address, IPv6; or a private DHT of the same kind.
 *
 * <p>A lookup that nobody answers, because the DHT is not joined yet, is repeated for half a minute.
 */
public final class DhtRendezvous implements Rendezvous {
    private static final Logger LOG = LoggerFactory.getLogger(DhtRendezvous.class);

    private static final Duration NAMES_RETRY = Duration.ofSeconds(5);
    private static final Duration NAMES_REFRESH = Duration.ofMinutes(30);
    private static final Duration LOOKUP_RETRY = Duration.ofSeconds(1);
    private static final int LOOKUP_TRIES = 30;
    private static final int MAX_REMEMBERED_HEADS = 1024;

    private final List<DhtNode> nodes;
    private final ScheduledExecutorService names;
    private final Jitter jitter;
    private final Map<InfoHash, List<Announcement>> announcements = new HashMap<>();
    private final Map<StreamKey, List<HeadKeeper>> keepers = new HashMap<>();
    private final Map<StreamKey, SignedHead> seen = new ConcurrentHashMap<>();
    /** Of the thread of names alone. */
    private boolean namesLost;

    private DhtRendezvous(List<DhtNode> nodes, ScheduledExecutorService names, RandomGenerator random) {
        this.nodes = List.copyOf(nodes);
        this.names = names;
        this.jitter = new Jitter(random);
        nodes.forEach(node -> node.onNewcomer(() -> newcomer(node)));
    }

    private synchronized void newcomer(DhtNode node) {
        announcements
                .values()
                .forEach(each -> each.stream()
                        .filter(announcement -> announcement.node() == node)
                        .forEach(Announcement::newcomer));
    }

    /** Binds the port and begins to join; looks no name up before it returns. */
    public static DhtRendezvous start(DhtSettings settings, RandomGenerator random) throws IOException {
        List<DhtNode> nodes = new ArrayList<>();
        try {
            InetAddress bind = settings.bind().orElse(AddressUtils.getAnyLocalAddress(Family.IPV4.addressClass()));
            DhtNode first = DhtNode.start(Family.of(bind), bind, settings.port(), settings);
            nodes.add(first);
            Optional<InetAddress> ipv6 = settings.bind().isPresent() || settings.privateAddresses()
                    ? Optional.empty()
                    : AddressUtils.availableGloballyRoutableAddrs(AddressUtils.allAddresses(), Inet6Address.class)
                            .findFirst();
            if (ipv6.isPresent()) {
                nodes.add(DhtNode.start(Family.IPV6, ipv6.get(), first.address().getPort(), settings));
            }
        } catch (IOException e) {
            nodes.forEach(DhtNode::close);
            throw e;
        }
        ScheduledExecutorService names = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "dht-names");
            thread.setDaemon(true);
            return thread;
        });
        DhtRendezvous rendezvous = new DhtRendezvous(nodes, names, random);
        names.execute(() -> rendezvous.resolve(settings.entryNodes()));
        return rendezvous;
    }

    /** DNS can take its time, so it has a thread of its own. */
    private void resolve(List<HostPort> entryNodes) {
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (HostPort entry : entryNodes) {
            try {
                for (InetAddress address : InetAddress.getAllByName(entry.host())) {
                    addresses.add(new InetSocketAddress(address, entry.port()));
                }
            } catch (UnknownHostException e) {
                LOG.debug("no address for DHT node {}", entry, e);
            }
        }
        boolean lost = addresses.isEmpty() && !entryNodes.isEmpty();
        if (lost && !namesLost) {
            LOG.warn("none of the DHT's bootstrap nodes has an address, trying again: {}", entryNodes);
        }
        namesLost = lost;
        nodes.forEach(node -> node.bootstrapBy(addresses));
        if (!entryNodes.isEmpty()) {
            Duration next = addresses.isEmpty() ? NAMES_RETRY : NAMES_REFRESH;
            var unused = names.schedule(() -> resolve(entryNodes), next.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Where this node's DHT is bound; the IPv4 one where there are two. */
    public InetSocketAddress address() {
        return nodes.get(0).address();
    }

    /** How many DHT nodes are in the routing tables. */
    public int tableSize() {
        return nodes.stream().mapToInt(DhtNode::tableSize).sum();
    }

    /** How many items of others this node stores. */
    public int storedItems() {
        return nodes.stream().mapToInt(DhtNode::storedItems).sum();
    }

    @Override
    public synchronized void announce(InfoHash infoHash, int port) {
        withdraw(infoHash);
        List<Announcement> started = new ArrayList<>();
        for (DhtNode node : nodes) {
            Announcement announcement = new Announcement(node, jitter, infoHash, port);
            started.add(announcement);
            node.run(announcement::run);
        }
        announcements.put(infoHash, started);
    }

    @Override
    public synchronized void withdraw(InfoHash infoHash) {
        List<Announcement> running = announcements.remove(infoHash);
        if (running != null) {
            running.forEach(Announcement::withdraw);
        }
    }

    @Override
    public void findPeers(InfoHash infoHash, Consumer<Endpoint> found) {
        for (DhtNode node : nodes) {
            node.run(() -> new PeerSearch(node, infoHash, found).run());
        }
    }

    /** The search for one infohash's peers over one family. */
    private static final class PeerSearch implements Lookup.Progress {
        private final DhtNode node;
        private final Key key;
        private final Consumer<Endpoint> found;
        private final Set<Endpoint> given = new HashSet<>();
        private int tries;

        PeerSearch(DhtNode node, InfoHash infoHash, Consumer<Endpoint> found) {
            this.node = node;
            this.key = new Key(infoHash.bytes());
            this.found = found;
        }

        void run() {
            tries++;
            node.storedPeers(key).forEach(this::give);
            Lookup.start(node, key, () -> new GetPeersRequest(key), this);
        }

        @Override
        public void answered(InetSocketAddress from, AbstractLookupResponse response) {
            if (response instanceof GetPeersResponse peers && peers.getPeerItems() != null) {
                peers.getPeerItems().forEach(this::give);
            }
        }

        @Override
        public void done(List<Lookup.Responder> responders) {
            if (responders.isEmpty() && tries < LOOKUP_TRIES) {
                node.after(LOOKUP_RETRY, this::run);
            }
        }

        private void give(DBItem item) {
            if (item instanceof PeerAddressDBItem peer && node.accepts(peer.toSocketAddress())) {
                Endpoint endpoint = Endpoint.of(peer.toSocketAddress());
                if (given.add(endpoint)) {
                    found.accept(endpoint);
                }
            }
        }
    }

    @Override
    public synchronized void put(SignedHead head) {
        List<HeadKeeper> known = keepers.get(head.stream());
        if (known == null) {
            known = nodes.stream()
                    .map(node -> new HeadKeeper(node, jitter, head))
                    .toList();
            keepers.put(head.stream(), known);
        }
        for (int i = 0; i < known.size(); i++) {
            HeadKeeper keeper = known.get(i);
            nodes.get(i).run(() -> keeper.take(head));
        }
    }

    @Override
    public void get(StreamKey stream, Consumer<SignedHead> found) {
        for (DhtNode node : nodes) {
            node.run(() -> new HeadSearch(node, stream, found).run());
        }
    }

    /** The search for one stream's head over one family. */
    private final class HeadSearch implements Lookup.Progress {
        private final DhtNode node;
        private final StreamKey stream;
        private final Consumer<SignedHead> found;
        private final Key key;
        private @Nullable SignedHead best;
        private int tries;

        HeadSearch(DhtNode node, StreamKey stream, Consumer<SignedHead> found) {
            this.node = node;
            this.stream = stream;
            this.found = found;
            this.key = new Key(MutableTarget.ofHead(stream).bytes());
        }

        void run() {
            tries++;
            node.storage().get(key).ifPresent(this::giveStored);
            Lookup.start(node, key, () -> new GetRequest(key), this);
        }

        @Override
        public void answered(InetSocketAddress from, AbstractLookupResponse response) {
            if (response instanceof GetResponse item && item.getRawValue() != null && item.getSignature() != null) {
                byte[] publicKey = item.getPubkey();
                if (publicKey != null && Arrays.equals(publicKey, stream.bytes())) {
                    give(item.getSequenceNumber(), item.getRawValue(), item.getSignature());
                }
            }
        }

        @Override
        public void done(List<Lookup.Responder> responders) {
            if (responders.isEmpty() && best == null && tries < LOOKUP_TRIES) {
                node.after(LOOKUP_RETRY, this::run);
            }
        }

        private void giveStored(StorageItem item) {
            item.sig().ifPresent(signature -> give(item.seq(), item.getRawValue(), bytes(signature)));
        }

        private void give(long seq, ByteBuffer value, byte[] signature) {
            if (value.remaining() > Head.MAX_ENCODED) {
                return;
            }
            try {
                SignedHead head = SignedHead.of(stream, seq, bytes(value), signature);
                // The library checks too, with an Ed25519 that takes malleable signatures.
                if ((best == null || head.supersedes(best)) && head.verifies() && isNotOlderThanSeen(head)) {
                    best = head;
                    found.accept(head);
                }
            } catch (FormatException e) {
                LOG.debug("a DHT node gave something that is no head", e);
            }
        }
    }

    /** Nodes may give an old item that was validly signed once; what was seen newer stands. */
    private boolean isNotOlderThanSeen(SignedHead head) {
        if (seen.size() >= MAX_REMEMBERED_HEADS && !seen.containsKey(head.stream())) {
            seen.clear();
        }
        SignedHead newest = seen.merge(head.stream(), head, (known, fresh) -> known.supersedes(fresh) ? known : fresh);
        return newest == head;
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    @Override
    public void close() {
        names.shutdownNow();
        nodes.forEach(DhtNode::close);
    }
}
