package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import live.tributary.mesh.StreamIntake;
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
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageEncoder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream that this node carries: drives its {@link LiveSwarm} with sockets, the store, the pool for checks and the clock.
 *
 * <p>Everything happens on the stream's event loop but what {@link StreamView} and {@link StreamPublisher} offer to any thread:
 * those read {@link SharedStream}, and what they change is handed to the loop.
 */
final class CarriedStream implements SwarmActions, LinkEvents {
    /*
     * The parts, each with a concern of its own:
     *
     *   StreamLinks      who is linked, and whom to dial
     *   RelayGossip      what neighbours tell one another of relays
     *   ChunkBlocks      where the bytes of blocks are
     *   StreamCatalogue  what other threads may know of the chunks
     *   SwarmDrive       when the swarm is called
     */
    private static final Logger LOG = LoggerFactory.getLogger(CarriedStream.class);
    private static final Duration HOUSEKEEPING = Duration.ofMillis(500);

    private final NodeContext node;
    private final EventLoop loop;
    private final StreamKey key;
    private final NodeRole role;
    private final InfoHash mesh;
    private final LiveSwarm swarm;
    private final SwarmDrive drive;
    private final Candidates candidates;
    private final RelayDirectory directory;
    private final StreamLinks links;
    private final RelayGossip gossip;
    private final ChunkBlocks blocks;
    private final ParkedBlocks parked = new ParkedBlocks();
    private final ChunkHashes hashes;
    private final SharedStream shared;
    private final StreamCatalogue catalogue;
    private final RendezvousSchedule rendezvousSchedule;

    private @Nullable Future<?> housekeeping;
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
        this.links = new StreamLinks(node, loop, mesh, candidates, directory, this::newLink);
        this.gossip = new RelayGossip(node, loop, role, links, candidates, directory, new Described());
        this.blocks = new ChunkBlocks(node.parts().store(), node.parts().clock());
        this.hashes = new ChunkHashes(node.parts().store());
        this.swarm = new LiveSwarm(
                new SwarmConfig(
                                key,
                                node.key().relayKey(),
                                role,
                                node.config().uploadBitsPerSecond(),
                                node.config().history())
                        .fetching(Set.copyOf(node.config().renditions())),
                this,
                node.parts().clock(),
                random);
        this.drive = new SwarmDrive(loop, node.parts().nanoTime(), swarm);
        StreamIndex index = new StreamIndex();
        this.shared = new SharedStream(
                key, index, directory, node.parts().store(), node.parts().clock());
        this.catalogue = new StreamCatalogue(node, loop, shared, index, swarm::holders);
        this.rendezvousSchedule = new RendezvousSchedule(node.config().privateAddresses());
    }

    InfoHash mesh() {
        return mesh;
    }

    NodeRole role() {
        return role;
    }

    SharedStream shared() {
        return shared;
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
        Link link = links.install(channel, id);
        run(() -> {
            if (closed || links.isFull()) {
                channel.close();
                link.close();
            } else {
                links.begin(link);
            }
        });
    }

    private Link newLink(LinkId id, Channel channel, Link.Purpose purpose, Optional<Endpoint> dialled) {
        return new Link(id, channel, loop, node, new Link.StreamIdentity(key, role), this, blocks, purpose, dialled);
    }

    @Override
    public boolean proven(Link link) {
        StreamLinks.Standing standing = links.proven(link);
        if (standing == StreamLinks.Standing.CHALLENGED) {
            gossip.soon();
        } else if (standing == StreamLinks.Standing.NEIGHBOUR) {
            LiveMessage.Hello peer = link.peer().orElseThrow();
            LinkPeer linked =
                    new LinkPeer(peer.relay(), peer.role(), link.dialled().isPresent(), link.rtt());
            drive.call(at -> swarm.linkUp(link.id(), linked, at));
            catalogue.allHoldersChanged();
            gossip.tell(link);
        }
        return standing != StreamLinks.Standing.REFUSED;
    }

    @Override
    public void closed(Link link) {
        if (links.closed(link)) {
            gossip.forget(link.peerKey());
            drive.call(at -> swarm.linkDown(link.id(), at));
            catalogue.allHoldersChanged();
        }
    }

    @Override
    public void broke(Link link, boolean oversized, String how) {
        count(oversized ? RecordResult.OVERSIZED : RecordResult.MALFORMED);
        LOG.debug("link broke the protocol: {}", how);
        links.ban(link);
    }

    @Override
    public void received(Link link, PeerMessage message) {
        drive.call(at -> swarm.received(link.id(), message, at));
        if (message instanceof PeerMessage.Have have) {
            catalogue.shown(have.piece());
        } else if (message instanceof PeerMessage.HaveAll) {
            catalogue.allHoldersChanged();
        }
    }

    @Override
    public void received(Link link, LiveMessage message) {
        if (message instanceof LiveMessage.Put put) {
            shared.tell(listener -> listener.putAsked(put));
            return;
        }
        drive.call(at -> swarm.received(link.id(), message, at));
        if (message instanceof LiveMessage.Window) {
            catalogue.allHoldersChanged();
        }
    }

    private final class Described implements RelayGossip.Listener {
        @Override
        public void described(Link link, RelayDescriptor descriptor) {
            RelayDescriptor.Body its = descriptor.body();
            drive.call(at -> swarm.described(link.id(), Set.copyOf(its.renditions()), its.uploadBitsPerSecond()));
        }

        @Override
        public void forged(Link link) {
            drop(link, DropReason.BAD_SIGNATURE);
        }
    }

    @Override
    public void received(Link link, List<RelayDescriptor> relays) {
        gossip.received(link, relays);
    }

    @Override
    public void received(Link link, PeerMessage.Block block, ByteBuf data) {
        node.tallies().received(peerRole(link), block.length());
        if (!parked.park(link, block, data)) {
            arrived(link, block, data);
        }
    }

    private void arrived(Link link, PeerMessage.Block block, ByteBuf data) {
        drive.call(at -> {
            if (swarm.blockArrived(link.id(), block, at) != LiveSwarm.BlockVerdict.STORE) {
                return;
            }
            Optional<ChunkRecord> record = blocks.chunk(block.piece());
            if (record.isPresent() && blocks.write(record.get(), block, data)) {
                swarm.blockStored(link.id(), block, at);
            } else {
                record.ifPresent(this::evicted);
            }
        });
    }

    @Override
    public void wrote(Link link, int bytes) {
        node.tallies().sent(peerRole(link), bytes);
    }

    @Override
    public void blockSent(Link link, PeerMessage.Block block) {
        node.tallies().sent(peerRole(link), PeerMessageEncoder.PIECE_OVERHEAD + block.length());
        drive.call(at -> swarm.blockSent(link.id(), block, at));
    }

    @Override
    public void blockGone(Link link, PeerMessage.Block block) {
        drive.call(at -> swarm.blockSent(link.id(), block, at));
    }

    private static NodeRole peerRole(Link link) {
        return link.peer().map(LiveMessage.Hello::role).orElse(NodeRole.RELAY);
    }

    // ---- what is due

    private void housekeep() {
        if (closed) {
            return;
        }
        long now = now();
        gossip.tick(now);
        links.closeStalled(now);
        directory.expire();
        catalogue.prune(now);
        if (rendezvousSchedule.isDue(links.size(), now)) {
            askRendezvous();
        }
        gossip.challengeClaims();
        links.dialMore(now);
    }

    private void askRendezvous() {
        node.parts()
                .rendezvous()
                .findPeers(
                        mesh,
                        endpoint -> run(
                                () -> candidates.add(endpoint, Candidates.Source.RENDEZVOUS, Optional.empty(), now())));
        if (role != NodeRole.ORIGIN || shared.head().isEmpty()) { // An origin may have forgotten its own.
            node.parts().rendezvous().get(key, found -> run(() -> learnt(found)));
        }
        resolvePeers();
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

    // ---- what the swarm wants

    @Override
    public void send(LinkId link, PeerMessage message) {
        links.up(link).ifPresent(to -> to.send(message));
    }

    @Override
    public void send(LinkId link, LiveMessage message) {
        links.up(link).ifPresent(to -> to.send(message));
    }

    @Override
    public void sendBlock(LinkId link, PeerMessage.Block block) {
        links.up(link).ifPresent(to -> to.sendBlock(block));
    }

    @Override
    public long queuedBytes(LinkId link) {
        return links.up(link).map(Link::queuedBytes).orElse(0L);
    }

    @Override
    public void drop(LinkId link, DropReason reason) {
        // Later: the swarm is in the middle of a call, and closing tells it that the link is down.
        links.up(link).ifPresent(to -> loop.execute(() -> drop(to, reason)));
    }

    private void drop(Link link, DropReason reason) {
        if (reason.isOffence()) {
            LOG.info("link to relay {} dropped: {}", link.peerKey(), reason);
            links.ban(link);
        }
        link.close();
    }

    @Override
    public void checkRecord(ChunkRecord record) {
        parked.checking(record);
        node.checks().ask(loop, record::verifies, genuine -> {
            drive.call(at -> swarm.recordChecked(record, genuine, at));
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
    public void checkKeyEnd(KeyEnd end) {
        check(end::verifies, (genuine, at) -> swarm.keyEndChecked(end, genuine, at));
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

    private void check(Supplier<Boolean> question, Answer answer) {
        node.checks().ask(loop, question, good -> drive.call(at -> answer.tell(good, at)));
    }

    @Override
    public void open(ChunkRecord record) {
        if (!blocks.open(record)) {
            evicted(record); // No room: everything held is newer.
        }
    }

    @Override
    public void discard(ChunkRecord record) {
        if (blocks.discard(record)) {
            node.tallies().chunk(ChunkOutcome.MISSED);
        }
        shared.forget(record::equals);
    }

    @Override
    public void accepted(ChunkRecord record) {
        catalogue.accepted(record);
    }

    @Override
    public void completed(ChunkRecord record) {
        node.parts().store().complete(record);
        if (role == NodeRole.RELAY) {
            node.tallies().chunk(ChunkOutcome.VERIFIED);
            if (blocks.isLive(
                    record)) { // What is caught up on, or comes from the disk, says nothing of the mesh's speed.
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
        catalogue.headChanged(changed);
    }

    @Override
    public void aboutChanged(About changed) {
        shared.about(changed);
    }

    @Override
    public void storedInBucket(ChunkId chunk) {
        catalogue.storedInBucket(chunk);
    }

    @Override
    public void forked(ChunkRecord loser) {
        shared.fork(loser);
    }

    @Override
    public void keyEnded(KeyEnd end) {
        LOG.warn("{}: nothing newer of it is taken", end);
        shared.keyEnd(end);
    }

    @Override
    public void count(RecordResult result) {
        node.tallies().record(result);
    }

    // ---- what any thread may call

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
                blocks.held(record);
                drive.call(at -> swarm.publish(record, at));
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
            run(() -> drive.call(at -> swarm.learnt(news, at)));
        }

        @Override
        public void publish(LiveMessage.Stored stored) {
            run(() -> drive.call(at -> swarm.learnt(stored, at)));
        }

        @Override
        public void send(LiveMessage.Put put) {
            run(() -> links.neighbour(put.order().relay()).filter(Link::isUp).ifPresent(link -> link.send(put)));
        }
    }

    private void learnt(SignedHead signed) {
        drive.call(at -> swarm.learnt(signed, at));
    }

    /** The way in for news that came by no link. */
    StreamIntake intake() {
        return new Intake();
    }

    private final class Intake implements StreamIntake {
        @Override
        public void take(SignedHead head) {
            run(() -> learnt(head));
        }

        @Override
        public void take(About about) {
            run(() -> drive.call(at -> swarm.learnt(about, at)));
        }

        @Override
        public void take(ChunkRecord record) {
            run(() -> drive.call(at -> swarm.learnt(record, at)));
        }

        @Override
        public void take(LiveMessage.Stored stored) {
            run(() -> drive.call(at -> swarm.learnt(stored, at)));
        }

        @Override
        public void take(KeyEnd end) {
            run(() -> drive.call(at -> swarm.learnt(end, at)));
        }

        @Override
        public void take(List<RelayDescriptor> relays) {
            run(() -> gossip.heard(relays));
        }
    }

    /** A chunk that the cache still holds whole. */
    void restored(ChunkRecord record) {
        run(() -> {
            blocks.held(record);
            drive.call(at -> swarm.restored(record, at));
        });
    }

    /** An older chunk that this node is to have. */
    void wanted(ChunkRecord record) {
        run(() -> drive.call(at -> swarm.wanted(record, at)));
    }

    /** A chunk's bytes fell out of the store. */
    void evicted(ChunkRecord record) {
        if (!loop.isShuttingDown()) {
            loop.execute(() -> {
                drive.call(at -> swarm.evicted(record, at));
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
            links.closeAll();
            closed = true;
            drive.stop();
            catalogue.close();
            parked.clear();
            if (housekeeping != null) {
                housekeeping.cancel(false);
            }
        });
    }
}
