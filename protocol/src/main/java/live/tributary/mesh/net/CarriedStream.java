package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.ChunkOutcome;
import live.tributary.mesh.relays.RelayDirectory;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.mesh.swarm.LinkPeer;
import live.tributary.mesh.swarm.LiveSwarm;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.mesh.swarm.SwarmActions;
import live.tributary.mesh.swarm.SwarmConfig;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream that this node carries: drives its {@link LiveSwarm} with sockets, the store, the pool for checks and the clock.
 *
 * <p>Everything happens on the stream's event loop but what {@link StreamView} and {@link StreamPublisher} offer to any thread:
 * those read {@link SharedStream}, and what they change is handed to the loop.
 */
final class CarriedStream implements SwarmActions, LinkEvents, Link.BlockSource {
    private static final Logger LOG = LoggerFactory.getLogger(CarriedStream.class);

    /** A node that has fewer links dials for more. */
    private static final int ENOUGH_LINKS = 8;

    private static final int DIALS_AT_ONCE = 8;
    private static final int CHALLENGES_AT_ONCE = 4;
    private static final Duration HOUSEKEEPING = Duration.ofMillis(500);
    private static final Duration GOSSIP = Duration.ofSeconds(60);
    /** What changed is gossiped no more often than this. */
    private static final Duration GOSSIP_ON_CHANGE = Duration.ofSeconds(2);
    /** A neighbour that sends its list more often is not listened to. */
    private static final Duration GOSSIP_TAKEN = Duration.ofSeconds(1);

    private static final Duration DESCRIPTOR_LIFETIME = Duration.ofMinutes(5);
    private static final Duration PROOF_RENEWED = Duration.ofMinutes(6);
    /** A proven endpoint is kept until this many dials in a row failed. */
    private static final int FAILURES_TO_FORGET = 2;

    private static final Duration HOLDERS_AFTER = Duration.ofMillis(50);
    private static final Duration PRUNE_EVERY = Duration.ofSeconds(10);
    private static final Duration LIVE_EDGE = Duration.ofSeconds(30);
    /** A link that lasted less was no success. */
    private static final Duration SHORT_LINK = Duration.ofSeconds(10);

    private final NodeContext node;
    private final EventLoop loop;
    private final StreamKey key;
    private final NodeRole role;
    private final InfoHash mesh;
    private final LiveSwarm swarm;
    private final Dialler dialler;
    private final Candidates candidates;
    private final RelayDirectory directory;
    private final StreamIndex index = new StreamIndex();
    private final SharedStream shared;
    private final ChunkHashes hashes;

    private final Map<LinkId, Link> links = new HashMap<>();
    private final Map<RelayKey, Link> linksByKey = new HashMap<>();
    private final Map<LinkId, Long> upSince = new HashMap<>();
    private final Map<RelayKey, Long> gossipTaken = new HashMap<>();
    private final PiecePlaces places = new PiecePlaces();
    /** Every accepted record's, fetched here or not: a listener fetches none and still must know who holds what. */
    private final PiecePlaces told = new PiecePlaces();

    private final ParkedBlocks parked = new ParkedBlocks();
    private final Set<ChunkRecord> stale = new HashSet<>();
    private final Set<Integer> windowsToClose = new HashSet<>();
    private final Schedule rendezvousSchedule;

    private @Nullable Future<?> tickTimer;
    private long tickAt = Long.MAX_VALUE;
    private boolean allStale;
    private boolean holdersScheduled;
    private boolean closingWindows;
    private @Nullable Future<?> housekeeping;
    private int dialling;
    private int challenging;
    private long gossipAt;
    private long gossipedAt;
    private long prunedAt;
    private List<Endpoint> toldEndpoints = List.of();
    private boolean driving;
    private boolean closed;

    CarriedStream(NodeContext node, EventLoop loop, StreamKey key, NodeRole role) {
        this.node = node;
        this.loop = loop;
        this.key = key;
        this.role = role;
        this.mesh = InfoHash.ofMesh(key);
        Random random = new Random(node.parts().random().nextLong());
        this.candidates = new Candidates(node.policy(), random);
        this.directory = new RelayDirectory(node.key().relayKey(), node.parts().clock());
        this.shared = new SharedStream(
                key, index, directory, node.parts().store(), node.parts().clock());
        this.hashes = new ChunkHashes(node.parts().store());
        this.dialler = new Dialler(node, loop, mesh);
        this.swarm = new LiveSwarm(
                new SwarmConfig(
                        key,
                        node.key().relayKey(),
                        role,
                        node.config().uploadBitsPerSecond(),
                        node.config().history()),
                this,
                node.parts().clock(),
                random);
        this.gossipAt = now();
        this.gossipedAt = gossipAt - GOSSIP_ON_CHANGE.toNanos();
        this.prunedAt = gossipAt;
        this.rendezvousSchedule = new Schedule(node.config().privateAddresses());
    }

    /** How often the rendezvous is asked: eagerly while alone, seldom once there are links enough. */
    private static final class Schedule {
        private static final Duration NO_LINK_PRIVATE = Duration.ofSeconds(2);
        private static final Duration NO_LINK = Duration.ofSeconds(10);
        private static final Duration SOME_PRIVATE = Duration.ofSeconds(10);
        private static final Duration SOME = Duration.ofSeconds(60);
        private static final Duration ENOUGH = Duration.ofMinutes(10);

        private final boolean privateNetwork;
        private long askedAt;
        private boolean asked;

        Schedule(boolean privateNetwork) {
            this.privateNetwork = privateNetwork;
        }

        boolean isDue(int links, long now) {
            Duration every = links >= ENOUGH_LINKS
                    ? ENOUGH
                    : links == 0
                            ? (privateNetwork ? NO_LINK_PRIVATE : NO_LINK)
                            : (privateNetwork ? SOME_PRIVATE : SOME);
            if (asked && now - askedAt < every.toNanos()) {
                return false;
            }
            asked = true;
            askedAt = now;
            return true;
        }
    }

    InfoHash mesh() {
        return mesh;
    }

    NodeRole role() {
        return role;
    }

    void start() {
        loop.execute(() -> {
            if (role != NodeRole.LISTENER) {
                node.parts().rendezvous().announce(mesh, node.own().port());
            }
            resolvePeers();
            housekeep();
            housekeeping = loop.scheduleWithFixedDelay(
                    this::housekeep, HOUSEKEEPING.toMillis(), HOUSEKEEPING.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    // ---- links

    /** An inbound connection whose handshake named this stream; called on its channel's loop. */
    void accept(Channel channel, Handshake theirs, LinkId id) {
        Link link = newLink(id, channel, Link.Purpose.LINK, Optional.empty());
        dialler.install(channel, link);
        run(() -> {
            if (closed || links.size() >= 2 * node.config().maxLinks()) {
                channel.close();
                link.close();
                return;
            }
            links.put(id, link);
            node.own().local(link.local().getAddress());
            link.start();
        });
    }

    private Link newLink(LinkId id, Channel channel, Link.Purpose purpose, Optional<Endpoint> dialled) {
        return new Link(id, channel, loop, node, new Link.StreamIdentity(key, role), this, this, purpose, dialled);
    }

    private void dial(Endpoint endpoint, Link.Purpose purpose) {
        boolean challenge = purpose == Link.Purpose.CHALLENGE;
        challenging += challenge ? 1 : 0;
        dialling += challenge ? 0 : 1;
        dialler.dial(
                endpoint,
                channel -> newLink(LinkIds.next(), channel, purpose, Optional.of(endpoint)),
                link -> {
                    links.put(link.id(), link);
                    node.own().local(link.local().getAddress());
                    link.start();
                },
                () -> {
                    challenging -= challenge ? 1 : 0;
                    dialling -= challenge ? 0 : 1;
                    dialFailed(endpoint);
                });
    }

    private void dialFailed(Endpoint endpoint) {
        candidates.ended(endpoint, true, now());
        if (candidates.failures(endpoint) >= FAILURES_TO_FORGET) {
            directory.failed(endpoint);
        }
    }

    @Override
    public boolean proven(Link link) {
        LiveMessage.Hello peer = link.peer().orElseThrow();
        long now = now();
        link.dialled().ifPresent(endpoint -> {
            candidates.proven(endpoint, peer.relay(), now);
            directory.proven(peer.relay(), peer.role(), endpoint);
        });
        peer.seen()
                .ifPresent(seen -> node.own()
                        .seen(seen.address(), peer.relay(), link.remote().getAddress()));
        if (link.purpose() == Link.Purpose.CHALLENGE) {
            gossipSoon();
            return true;
        }
        Link other = linksByKey.get(peer.relay());
        if (other != null) {
            if (keeps(other, link, peer.relay())) {
                return false;
            }
            other.close();
        }
        if (linksByKey.size() >= node.config().maxLinks()) {
            return false;
        }
        dialling -= link.dialled().isPresent() ? 1 : 0;
        linksByKey.put(peer.relay(), link);
        upSince.put(link.id(), now);
        directory.linked(peer.relay(), peer.role());
        drive(at -> swarm.linkUp(
                link.id(),
                new LinkPeer(peer.relay(), peer.role(), link.dialled().isPresent(), link.rtt()),
                at));
        staleAll();
        sendRelays(link);
        return true;
    }

    /** Of two links to one node both ends keep the same: the one that the lower key dialled, of two such the newer. */
    private boolean keeps(Link standing, Link fresh, RelayKey peer) {
        boolean lower = node.key().relayKey().compareTo(peer) < 0;
        boolean standingIsRight = standing.dialled().isPresent() == lower;
        boolean freshIsRight = fresh.dialled().isPresent() == lower;
        return standingIsRight && !freshIsRight;
    }

    @Override
    public void closed(Link link) {
        links.remove(link.id());
        long now = now();
        boolean challenge = link.purpose() == Link.Purpose.CHALLENGE;
        Long since = upSince.remove(link.id());
        link.dialled().ifPresent(endpoint -> {
            challenging -= challenge ? 1 : 0;
            dialling -= challenge || since != null ? 0 : 1;
            boolean failed = challenge
                    ? !link.isVerified()
                    : since == null ? !link.isVerified() : now - since < SHORT_LINK.toNanos();
            if (link.peer()
                    .filter(peer -> peer.relay().equals(node.key().relayKey()))
                    .isPresent()) {
                candidates.isSelf(endpoint);
            }
            if (failed && since == null) {
                dialFailed(endpoint);
            } else {
                candidates.ended(endpoint, failed, now);
            }
        });
        if (since != null) {
            RelayKey peer = link.peerKey();
            linksByKey.remove(peer, link);
            if (!linksByKey.containsKey(peer)) {
                directory.unlinked(peer);
            }
            gossipTaken.remove(peer);
            drive(at -> swarm.linkDown(link.id(), at));
            staleAll();
        }
    }

    @Override
    public void broke(Link link, boolean oversized, String how) {
        count(oversized ? RecordResult.OVERSIZED : RecordResult.MALFORMED);
        LOG.debug("link broke the protocol: {}", how);
        ban(link);
    }

    private void ban(Link link) {
        if (link.isVerified()) {
            node.bans().add(link.peerKey());
        } else if (!node.config().privateAddresses() && link.dialled().isEmpty()) {
            node.bans().add(link.remote().getAddress()); // On a private network many nodes share one.
        }
    }

    @Override
    public void received(Link link, PeerMessage message) {
        boolean tellsWhatIsHeld = message instanceof PeerMessage.Have || message instanceof PeerMessage.HaveAll;
        drive(at -> swarm.received(link.id(), message, at));
        if (message instanceof PeerMessage.Have have) {
            told.at(have.piece()).ifPresent(this::stale);
        } else if (tellsWhatIsHeld) {
            staleAll();
        }
    }

    @Override
    public void received(Link link, LiveMessage message) {
        drive(at -> swarm.received(link.id(), message, at));
        if (message instanceof LiveMessage.Window) {
            staleAll();
        }
    }

    @Override
    public void received(Link link, PeerMessage.Block block, ByteBuf data) {
        node.tallies().received(peerRole(link), block.length());
        if (!parked.park(link, block, data)) {
            arrived(link, block, data);
        }
    }

    private void arrived(Link link, PeerMessage.Block block, ByteBuf data) {
        drive(at -> {
            if (swarm.blockArrived(link.id(), block, at) != LiveSwarm.BlockVerdict.STORE) {
                return;
            }
            Optional<ChunkRecord> record = places.at(block.piece());
            if (record.isPresent() && write(record.get(), block, data)) {
                swarm.blockStored(link.id(), block, at);
            } else {
                record.ifPresent(this::evicted);
            }
        });
    }

    private boolean write(ChunkRecord record, PeerMessage.Block block, ByteBuf data) {
        long offset = (block.piece() - record.firstPiece()) * ChunkRecord.PIECE_LENGTH + block.begin();
        return offset + data.readableBytes() <= record.length()
                && node.parts().store().write(record, (int) offset, data);
    }

    @Override
    public void blockSent(Link link, PeerMessage.Block block) {
        node.tallies().sent(peerRole(link), block.length());
        drive(at -> swarm.blockSent(link.id(), block, at));
    }

    @Override
    public void blockGone(Link link, PeerMessage.Block block) {
        drive(at -> swarm.blockSent(link.id(), block, at));
    }

    private static NodeRole peerRole(Link link) {
        return link.peer().map(LiveMessage.Hello::role).orElse(NodeRole.RELAY);
    }

    // ---- relays

    @Override
    public void received(Link link, List<RelayDescriptor> relays) {
        long now = now();
        Long taken = gossipTaken.get(link.peerKey());
        if (taken != null && now - taken < GOSSIP_TAKEN.toNanos()) {
            return;
        }
        gossipTaken.put(link.peerKey(), now);
        node.checks()
                .ask(
                        loop,
                        () -> relays.stream().filter(RelayDescriptor::verifies).toList(),
                        genuine -> heard(link, relays.size(), genuine));
    }

    private void heard(Link link, int sent, List<RelayDescriptor> genuine) {
        if (genuine.size() < sent) {
            drop(link, DropReason.BAD_SIGNATURE);
            return;
        }
        for (RelayDescriptor descriptor : genuine) {
            RelayKey relay = descriptor.body().relay();
            boolean news = directory.heard(descriptor);
            if (!news || relay.equals(node.key().relayKey())) {
                continue;
            }
            for (Endpoint endpoint : descriptor.body().endpoints()) {
                // A neighbour's word about itself is dialled back at once, but only to where it comes from.
                if (relay.equals(link.peerKey())
                        && endpoint.address().equals(link.remote().getAddress())
                        && !directory.isProven(relay, endpoint)) {
                    challenge(relay, endpoint);
                } else if (!linksByKey.containsKey(relay)) {
                    candidates.add(endpoint, Candidates.Source.GOSSIP, Optional.of(relay), now());
                }
            }
        }
    }

    private void challenge(RelayKey relay, Endpoint endpoint) {
        if (challenging < CHALLENGES_AT_ONCE && candidates.takeOne(endpoint, relay, now())) {
            dial(endpoint, Link.Purpose.CHALLENGE);
        }
    }

    private void challengeClaims() {
        Instant renew = node.parts().clock().instant().minus(PROOF_RENEWED);
        directory.claims(renew).forEach((relay, endpoints) -> {
            Link link = linksByKey.get(relay);
            for (Endpoint endpoint : endpoints) {
                if (link == null || !link.dialled().equals(Optional.of(endpoint))) {
                    challenge(relay, endpoint);
                }
            }
        });
    }

    private void sendRelays(Link link) {
        List<RelayDescriptor> relays = new ArrayList<>();
        relays.add(describe());
        relays.addAll(directory.vouched(LiveMessage.MAX_RELAYS - 1));
        link.send(new LiveMessage.Relays(relays));
    }

    private RelayDescriptor describe() {
        toldEndpoints = role == NodeRole.LISTENER ? List.of() : node.own().all();
        return RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        node.key().relayKey(),
                        role,
                        toldEndpoints,
                        node.config().tlsName(),
                        node.config().renditions(),
                        node.config().region(),
                        node.config().uploadBitsPerSecond(),
                        node.budget().loadPerMille(),
                        node.config().software(),
                        node.config().contact(),
                        node.parts().clock().instant().plus(DESCRIPTOR_LIFETIME)),
                node.key());
    }

    private void gossipSoon() {
        gossipAt = Math.min(gossipAt, Math.max(now(), gossipedAt + GOSSIP_ON_CHANGE.toNanos()));
    }

    // ---- what is due

    private void housekeep() {
        long now = now();
        if (closed) {
            return;
        }
        if (!toldEndpoints.equals(
                role == NodeRole.LISTENER ? List.of() : node.own().all())) {
            gossipSoon();
        }
        if (now - gossipAt >= 0) {
            gossipedAt = now;
            gossipAt = now + GOSSIP.toNanos();
            List.copyOf(linksByKey.values()).forEach(this::sendRelays);
        }
        for (Link link : List.copyOf(linksByKey.values())) {
            if (link.isStalled(now)) {
                LOG.debug("link closed: it took nothing for {}", Link.STALLED);
                link.close();
            }
        }
        if (now - prunedAt >= PRUNE_EVERY.toNanos()) {
            prunedAt = now;
            directory.expire();
            prune();
        }
        if (rendezvousSchedule.isDue(linksByKey.size(), now)) {
            node.parts()
                    .rendezvous()
                    .findPeers(
                            mesh,
                            endpoint -> run(() ->
                                    candidates.add(endpoint, Candidates.Source.RENDEZVOUS, Optional.empty(), now())));
            if (role != NodeRole.ORIGIN) {
                node.parts().rendezvous().get(key, found -> run(() -> learnt(found)));
            }
            resolvePeers();
        }
        challengeClaims();
        dialMore(now);
    }

    private void dialMore(long now) {
        int wanted = Math.min(ENOUGH_LINKS, node.config().maxLinks()) - linksByKey.size() - dialling;
        int most = Math.min(DIALS_AT_ONCE - dialling, Math.max(0, wanted));
        if (dialling >= DIALS_AT_ONCE) {
            return;
        }
        Set<Object> neighbourhoods = new HashSet<>();
        linksByKey
                .values()
                .forEach(link -> neighbourhoods.add(
                        node.policy().neighbourhood(link.remote().getAddress())));
        candidates
                .take(
                        most,
                        relay -> linksByKey.containsKey(relay) || node.bans().has(relay),
                        neighbourhoods,
                        now)
                .forEach(endpoint -> dial(endpoint, Link.Purpose.LINK));
    }

    /** The operator's peers are named by hosts, whose addresses may change. */
    private void resolvePeers() {
        List<InetSocketAddress> peers = node.config().peers();
        if (!peers.isEmpty()) {
            node.names()
                    .ask(
                            loop,
                            () -> resolved(peers),
                            endpoints -> endpoints.forEach(endpoint ->
                                    candidates.add(endpoint, Candidates.Source.OPERATOR, Optional.empty(), now())));
        }
    }

    private static List<Endpoint> resolved(List<InetSocketAddress> peers) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (InetSocketAddress peer : peers) {
            if (!peer.isUnresolved()) {
                endpoints.add(Endpoint.of(peer));
                continue;
            }
            try {
                for (InetAddress address : InetAddress.getAllByName(peer.getHostString())) {
                    endpoints.add(new Endpoint(address, peer.getPort()));
                }
            } catch (UnknownHostException e) {
                LOG.warn("peer {}: its name is not known", peer.getHostString());
            }
        }
        return endpoints;
    }

    private void prune() {
        Instant oldest = node.parts().clock().instant().minus(node.config().history());
        windowsToClose.addAll(index.prune(oldest));
        shared.forget(record -> record.body().published().isBefore(oldest));
        told.forget(record -> record.body().published().isBefore(oldest));
        closeWindows();
    }

    private void closeWindows() {
        if (closingWindows || windowsToClose.isEmpty()) {
            return;
        }
        closingWindows = true;
        List<Integer> renditions = List.copyOf(windowsToClose);
        windowsToClose.clear();
        node.checks()
                .ask(
                        loop,
                        () -> {
                            renditions.forEach(index::closeWindows);
                            return renditions;
                        },
                        done -> {
                            closingWindows = false;
                            closeWindows();
                        });
    }

    // ---- the swarm

    /** Calls the swarm, never from within a call to it, and sees to it that it is called again when it wants to be. */
    private void drive(Consumer<Long> call) {
        if (closed) {
            return;
        }
        if (driving) {
            loop.execute(() -> drive(call));
            return;
        }
        driving = true;
        try {
            call.accept(now());
        } finally {
            driving = false;
        }
        scheduleTick();
    }

    private void scheduleTick() {
        long next = swarm.nextTick();
        Future<?> timer = tickTimer;
        if (next == Long.MAX_VALUE || timer != null && !timer.isDone() && next >= tickAt) {
            return; // A tick that comes too early does no harm, and schedules the next.
        }
        if (timer != null) {
            timer.cancel(false);
        }
        long now = now();
        tickAt = next;
        tickTimer = loop.schedule(
                () -> {
                    tickTimer = null;
                    drive(swarm::tick);
                },
                next <= now ? 0 : next - now,
                TimeUnit.NANOSECONDS);
    }

    @Override
    public void send(LinkId link, PeerMessage message) {
        link(link).ifPresent(to -> to.send(message));
    }

    @Override
    public void send(LinkId link, LiveMessage message) {
        link(link).ifPresent(to -> to.send(message));
    }

    @Override
    public void sendBlock(LinkId link, PeerMessage.Block block) {
        link(link).ifPresent(to -> to.sendBlock(block));
    }

    @Override
    public long queuedBytes(LinkId link) {
        return link(link).map(Link::queuedBytes).orElse(0L);
    }

    @Override
    public void drop(LinkId link, DropReason reason) {
        // Later: the swarm is in the middle of a call, and closing tells it that the link is down.
        link(link).ifPresent(to -> loop.execute(() -> drop(to, reason)));
    }

    private void drop(Link link, DropReason reason) {
        if (reason.isOffence()) {
            LOG.info("link to relay {} dropped: {}", link.peerKey(), reason);
            ban(link);
        }
        link.close();
    }

    private Optional<Link> link(LinkId id) {
        return Optional.ofNullable(links.get(id)).filter(Link::isUp);
    }

    @Override
    public void checkRecord(ChunkRecord record) {
        parked.checking(record);
        node.checks().ask(loop, record::verifies, genuine -> {
            drive(at -> swarm.recordChecked(record, genuine, at));
            for (ParkedBlocks.Parked waiting : parked.checked(record)) {
                if (waiting.link().isUp()) {
                    arrived(waiting.link(), waiting.block(), waiting.data());
                }
                waiting.data().release();
            }
        });
    }

    @Override
    public void checkHead(SignedHead signed) {
        check(signed::verifies, (genuine, at) -> swarm.headChecked(signed, genuine, at));
    }

    @Override
    public void checkAbout(About candidate) {
        check(candidate::verifies, (genuine, at) -> swarm.aboutChecked(candidate, genuine, at));
    }

    @Override
    public void checkStored(LiveMessage.Stored stored) {
        check(() -> stored.verifies(key), (genuine, at) -> swarm.storedChecked(stored, genuine, at));
    }

    @Override
    public void checkPiece(ChunkRecord record, int piece) {
        check(() -> hashes.isGood(record, piece), (good, at) -> swarm.pieceChecked(record, piece, good, at));
    }

    @Override
    public void checkChunk(ChunkRecord record) {
        check(() -> hashes.isGood(record), (good, at) -> {
            if (!good) {
                node.tallies().chunk(ChunkOutcome.REJECTED);
            }
            swarm.chunkChecked(record, good, at);
        });
    }

    private interface Answer {
        void tell(boolean good, long at);
    }

    private void check(java.util.function.Supplier<Boolean> question, Answer answer) {
        node.checks().ask(loop, question, good -> drive(at -> answer.tell(good, at)));
    }

    @Override
    public void open(ChunkRecord record) {
        if (node.parts().store().open(record)) {
            places.put(record);
        } else {
            evicted(record); // No room: everything held is newer.
        }
    }

    @Override
    public void discard(ChunkRecord record) {
        if (places.remove(record) && !node.parts().store().holds(record)) {
            node.tallies().chunk(ChunkOutcome.MISSED);
        }
        node.parts().store().discard(record);
        shared.forget(record::equals);
    }

    @Override
    public void accepted(ChunkRecord record) {
        index.add(record);
        told.put(record);
        stale(record);
        windowsToClose.add(record.rendition());
        closeWindows();
        shared.tell(listener -> listener.recordAccepted(record));
    }

    @Override
    public void completed(ChunkRecord record) {
        node.parts().store().complete(record);
        if (role == NodeRole.RELAY) {
            node.tallies().chunk(ChunkOutcome.VERIFIED);
            if (isLive(record)) { // What is caught up on, or comes from the disk, says nothing of the mesh's speed.
                node.tallies()
                        .latency(Duration.between(
                                record.body().published(), node.parts().clock().instant()));
            }
        }
        shared.tell(listener -> listener.chunkCompleted(record));
    }

    @Override
    public void headChanged(SignedHead changed) {
        long now = now();
        for (Endpoint endpoint : changed.head().entryPoints()) {
            candidates.add(endpoint, Candidates.Source.HEAD, Optional.empty(), now);
        }
        if (changed.head().status() == Head.Status.ENDED) {
            index.end(changed.head().term());
            windowsToClose.addAll(index.renditions());
            closeWindows();
        }
        shared.head(changed);
    }

    @Override
    public void aboutChanged(About changed) {
        shared.about(changed);
    }

    @Override
    public void storedInBucket(ChunkId chunk) {
        index.addStored(chunk);
        shared.tell(listener -> listener.storedInBucket(chunk));
    }

    @Override
    public void count(RecordResult result) {
        node.tallies().record(result);
    }

    // ---- blocks

    @Override
    public Optional<ByteBuf> read(PeerMessage.Block block) {
        Optional<ChunkRecord> record = places.at(block.piece());
        if (record.isEmpty()) {
            return Optional.empty();
        }
        int piece = (int) (block.piece() - record.get().firstPiece());
        if (block.begin() + (long) block.length() > record.get().pieceLength(piece)) {
            return Optional.empty();
        }
        return node.parts().store().readPiece(record.get(), piece, block.begin(), block.length());
    }

    @Override
    public UploadBudget.Purpose purpose(PeerMessage.Block block) {
        boolean live = places.at(block.piece()).filter(this::isLive).isPresent();
        return live ? UploadBudget.Purpose.LIVE_TO_RELAYS : UploadBudget.Purpose.OLDER;
    }

    private boolean isLive(ChunkRecord record) {
        return record.body().published().isAfter(node.parts().clock().instant().minus(LIVE_EDGE));
    }

    // ---- holders, as any thread may ask for them

    private void stale(ChunkRecord record) {
        stale.add(record);
        refreshHoldersSoon();
    }

    private void staleAll() {
        allStale = true;
        refreshHoldersSoon();
    }

    private void refreshHoldersSoon() {
        if (!holdersScheduled && !closed) {
            holdersScheduled = true;
            loop.schedule(this::refreshHolders, HOLDERS_AFTER.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void refreshHolders() {
        holdersScheduled = false;
        List<ChunkRecord> due = allStale ? index.all() : List.copyOf(stale);
        allStale = false;
        stale.clear();
        due.forEach(record -> shared.holders(record, swarm.holders(record)));
    }

    // ---- what any thread may call

    SharedStream shared() {
        return shared;
    }

    /** The origin's hand on this stream. */
    StreamPublisher publisher() {
        return new Publisher();
    }

    private final class Publisher implements StreamPublisher {
        @Override
        public StreamView view() {
            return shared;
        }

        @Override
        public void publish(ChunkRecord record, ByteBuf bytes) {
            if (!node.parts().store().put(record, bytes)) {
                throw new IllegalStateException(
                        record + ": no room in the store (expected: a memory cap of several chunks)");
            }
            run(() -> {
                places.put(record);
                drive(at -> swarm.publish(record, at));
            });
        }

        @Override
        public void publishAgain(ChunkRecord record, ByteBuf bytes) {
            if (!node.parts().store().holds(record) && node.parts().store().put(record, bytes)) {
                restored(record);
            }
        }

        @Override
        public void publish(SignedHead signed) {
            node.parts().rendezvous().put(signed);
            run(() -> learnt(signed));
        }

        @Override
        public void publish(About news) {
            run(() -> drive(at -> swarm.learnt(news, at)));
        }

        @Override
        public void publish(LiveMessage.Stored stored) {
            run(() -> drive(at -> swarm.learnt(stored, at)));
        }
    }

    private void learnt(SignedHead signed) {
        drive(at -> swarm.learnt(signed, at));
    }

    /** A chunk that the cache still holds whole. */
    void restored(ChunkRecord record) {
        run(() -> {
            places.put(record);
            drive(at -> swarm.restored(record, at));
        });
    }

    /** A chunk's bytes fell out of the store. */
    void evicted(ChunkRecord record) {
        if (!loop.isShuttingDown()) {
            loop.execute(() -> {
                drive(at -> swarm.evicted(record, at));
                shared.tell(listener -> listener.chunkEvicted(record));
            });
        }
    }

    private void run(Runnable task) {
        if (loop.inEventLoop()) {
            task.run();
        } else if (!loop.isShuttingDown()) {
            loop.execute(task);
        }
    }

    private long now() {
        return node.parts().nanoTime().getAsLong();
    }

    /** Closes every link; done when the future is. */
    Future<?> close() {
        return loop.submit(() -> {
            if (closed) {
                return;
            }
            node.parts().rendezvous().withdraw(mesh);
            List.copyOf(links.values()).forEach(Link::close);
            closed = true;
            parked.clear();
            if (tickTimer != null) {
                tickTimer.cancel(false);
            }
            if (housekeeping != null) {
                housekeeping.cancel(false);
            }
        });
    }
}
