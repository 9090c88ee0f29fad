package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.relays.RelayDirectory;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.mesh.swarm.LinkPeer;
import live.tributary.mesh.swarm.LiveSwarm;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.mesh.swarm.SwarmActions;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageEncoder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream that this node carries: its {@link LiveSwarm} among sockets, the store and the clock.
 *
 * <p>Everything happens on the stream's event loop but what {@link StreamView} and {@link StreamEntrance} offer to any thread:
 * the one reads {@link SharedStream}, the other hands over to the loop.
 */
final class CarriedStream implements LinkEvents {
    /*
     * The parts, each with a concern of its own:
     *
     *   StreamLinks      who is linked, and whom to dial
     *   RelayGossip      what neighbours tell one another of relays
     *   PeerSearch       where else there may be nodes
     *   SwarmDrive       when the swarm is called
     *   SwarmPorts       what the swarm asks for
     *   ChunkBlocks      where the bytes of blocks are
     *   StreamCatalogue  what other threads may know of the chunks
     *   StreamEntrance   what other threads may tell
     *
     * What is left to this class is to tell them what links tell it, and what is due.
     */
    private static final Logger LOG = LoggerFactory.getLogger(CarriedStream.class);
    static final Duration HOUSEKEEPING = Duration.ofMillis(500);
    /** Whoever was heard of is dialled so much later: others are heard of at the same time, and some are better. */
    private static final Duration HEARD_OF = Duration.ofMillis(50);

    private final NodeContext node;
    private final EventLoop loop;
    private final StreamKey key;
    private final NodeRole role;
    private final RelayDirectory directory;
    private final StreamLinks links;
    private final RelayGossip gossip;
    private final ChunkBlocks blocks;
    private final SharedStream shared;
    private final SwarmPorts ports;
    private final SwarmDrive drive;
    private final StreamCatalogue catalogue;
    private final StreamEntrance entrance;
    private final PeerSearch search;

    private @Nullable Future<?> housekeeping;
    private boolean closed;

    CarriedStream(NodeContext node, EventLoop loop, StreamKey key, NodeRole role) {
        this.node = node;
        this.loop = loop;
        this.key = key;
        this.role = role;
        Random random = new Random(node.parts().random().nextLong());
        Candidates candidates = new Candidates(node.policy(), random);
        this.directory = new RelayDirectory(node.key().relayKey(), node.parts().clock());
        this.links = new StreamLinks(node, loop, InfoHash.ofMesh(key), candidates, directory, this::newLink);
        this.gossip = new RelayGossip(node, loop, role, links, candidates, directory, new Described());
        this.blocks = new ChunkBlocks(node.parts().store(), node.parts().clock());
        StreamIndex index = new StreamIndex();
        this.shared = new SharedStream(
                key, index, directory, node.parts().store(), node.parts().clock());
        this.ports = new SwarmPorts(node, loop, key, role, random, links, candidates, blocks, shared, index);
        this.drive = ports.drive();
        this.catalogue = ports.catalogue();
        this.entrance = new StreamEntrance(node, loop, drive, blocks, links, gossip, shared);
        Soon dials = new Soon(loop, HEARD_OF, this::dialMore);
        this.search = new PeerSearch(node, loop, role, shared, candidates, entrance, dials::please);
    }

    NodeRole role() {
        return role;
    }

    SharedStream shared() {
        return shared;
    }

    StreamEntrance entrance() {
        return entrance;
    }

    void start() {
        loop.execute(() -> {
            search.begin();
            housekeep();
            housekeeping = loop.scheduleWithFixedDelay(
                    this::housekeep, HOUSEKEEPING.toMillis(), HOUSEKEEPING.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    private void housekeep() {
        if (closed) {
            return;
        }
        long now = node.parts().nanoTime().getAsLong();
        gossip.tick(now);
        links.closeStalled(now);
        directory.expire();
        catalogue.prune(now);
        search.tick(links.size(), now);
        gossip.challengeClaims();
        links.dialMore(now);
    }

    private void dialMore() {
        if (!closed) {
            links.dialMore(node.parts().nanoTime().getAsLong());
        }
    }

    /** A chunk's bytes fell out of the store; called on any thread. */
    void evicted(ChunkRecord record) {
        ports.evicted(record);
    }

    /** Closes every link; done when the future is. */
    Future<?> close() {
        return loop.submit(() -> {
            if (closed) {
                return;
            }
            search.end();
            links.closeAll();
            closed = true;
            ports.close();
            if (housekeeping != null) {
                housekeeping.cancel(false);
            }
        });
    }

    // What links tell

    /** An inbound connection whose handshake named this stream; called on its channel's loop. */
    void accept(Channel channel, LinkId id) {
        Link link = links.install(channel, id);
        entrance.run(() -> {
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
            drive.call((swarm, at) -> swarm.linkUp(link.id(), linked, at));
            catalogue.allHoldersChanged();
            gossip.tell(link);
        }
        return standing != StreamLinks.Standing.REFUSED;
    }

    @Override
    public void closed(Link link) {
        if (links.closed(link)) {
            gossip.forget(link.peerKey());
            drive.call((swarm, at) -> swarm.linkDown(link.id(), at));
            catalogue.allHoldersChanged();
        }
    }

    @Override
    public void broke(Link link, boolean oversized, String how) {
        ports.count(oversized ? RecordResult.OVERSIZED : RecordResult.MALFORMED);
        LOG.debug("link broke the protocol: {}", how);
        links.ban(link);
    }

    @Override
    public void received(Link link, PeerMessage message) {
        drive.call((swarm, at) -> swarm.received(link.id(), message, at));
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
        drive.call((swarm, at) -> swarm.received(link.id(), message, at));
        if (message instanceof LiveMessage.Window) {
            catalogue.allHoldersChanged();
        }
    }

    @Override
    public void received(Link link, PeerMessage.Block block, ByteBuf data) {
        node.tallies().received(peerRole(link), block.length());
        ports.arrived(link, block, data);
    }

    @Override
    public void received(Link link, List<RelayDescriptor> relays) {
        gossip.received(link, relays);
    }

    private final class Described implements RelayGossip.Listener {
        @Override
        public void described(Link link, RelayDescriptor descriptor) {
            RelayDescriptor.Body its = descriptor.body();
            drive.call(
                    (swarm, at) -> swarm.described(link.id(), Set.copyOf(its.renditions()), its.uploadBitsPerSecond()));
        }

        @Override
        public void forged(Link link) {
            ports.drop(link, SwarmActions.DropReason.BAD_SIGNATURE);
        }
    }

    @Override
    public void wrote(Link link, int bytes) {
        node.tallies().sent(peerRole(link), bytes);
    }

    @Override
    public void blockSent(Link link, PeerMessage.Block block) {
        node.tallies().sent(peerRole(link), PeerMessageEncoder.PIECE_OVERHEAD + block.length());
        drive.call((swarm, at) -> swarm.blockSent(link.id(), block, at));
    }

    @Override
    public void blockGone(Link link, PeerMessage.Block block) {
        drive.call((swarm, at) -> swarm.blockSent(link.id(), block, at));
    }

    private static NodeRole peerRole(Link link) {
        return link.peer().map(LiveMessage.Hello::role).orElse(NodeRole.RELAY);
    }
}
