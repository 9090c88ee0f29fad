package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import live.tributary.mesh.admin.ChunkOutcome;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.mesh.swarm.LiveSwarm;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.mesh.swarm.SwarmActions;
import live.tributary.mesh.swarm.SwarmConfig;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a stream's {@link LiveSwarm} asks for, done: by links, the store, the pool for checks, and those who are told.
 *
 * <p>Confined to the stream's thread, but for {@link #evicted}.
 */
final class SwarmPorts implements SwarmActions {
    private static final Logger LOG = LoggerFactory.getLogger(SwarmPorts.class);

    private final NodeContext node;
    private final EventLoop loop;
    private final StreamKey key;
    private final NodeRole role;
    private final StreamLinks links;
    private final Candidates candidates;
    private final ChunkBlocks blocks;
    private final ParkedBlocks parked = new ParkedBlocks();
    private final ChunkHashes hashes;
    private final SharedStream shared;
    private final StreamCatalogue catalogue;
    private final SwarmDrive drive;

    SwarmPorts(
            NodeContext node,
            EventLoop loop,
            StreamKey key,
            NodeRole role,
            Random random,
            StreamLinks links,
            Candidates candidates,
            ChunkBlocks blocks,
            SharedStream shared,
            StreamIndex index) {
        this.node = node;
        this.loop = loop;
        this.key = key;
        this.role = role;
        this.links = links;
        this.candidates = candidates;
        this.blocks = blocks;
        this.hashes = new ChunkHashes(node.parts().store());
        this.shared = shared;
        SwarmConfig config = new SwarmConfig(
                        key,
                        node.key().relayKey(),
                        role,
                        node.config().uploadBitsPerSecond(),
                        node.config().history())
                .fetching(Set.copyOf(node.config().renditions()));
        LiveSwarm swarm = new LiveSwarm(config, this, node.parts().clock(), random);
        this.catalogue = new StreamCatalogue(node, loop, shared, index, swarm::holders);
        this.drive = new SwarmDrive(loop, node.parts().nanoTime(), swarm);
    }

    SwarmDrive drive() {
        return drive;
    }

    StreamCatalogue catalogue() {
        return catalogue;
    }

    /** No call reaches the swarm any more, and nothing waits for one. */
    void close() {
        drive.stop();
        catalogue.close();
        parked.clear();
    }

    // Links

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

    void drop(Link link, DropReason reason) {
        if (reason.isOffence()) {
            LOG.info("link to relay {} dropped: {}", link.peerKey(), reason);
            links.ban(link);
        } else {
            LOG.debug("link to {} given up: {}", link.peerKey(), reason);
        }
        link.close();
    }

    // Blocks that come

    /** A block arrived; {@code data} belongs to whoever calls. */
    void arrived(Link link, PeerMessage.Block block, ByteBuf data) {
        if (!parked.park(link, block, data)) {
            write(link, block, data);
        }
    }

    private void write(Link link, PeerMessage.Block block, ByteBuf data) {
        drive.call((swarm, at) -> {
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

    // Checks

    @Override
    public void checkRecord(ChunkRecord record) {
        parked.checking(record);
        node.checks().ask(loop, record::verifies, genuine -> {
            drive.call((swarm, at) -> swarm.recordChecked(record, genuine, at));
            for (ParkedBlocks.Parked waiting : parked.checked(record)) {
                if (waiting.link().isUp()) {
                    write(waiting.link(), waiting.block(), waiting.data());
                }
                waiting.data().release();
            }
        });
    }

    @Override
    public void checkHead(SignedHead signed) {
        check(signed::verifies, (swarm, genuine, at) -> swarm.headChecked(signed, genuine, at));
    }

    @Override
    public void checkAbout(About candidate) {
        check(candidate::verifies, (swarm, genuine, at) -> swarm.aboutChecked(candidate, genuine, at));
    }

    @Override
    public void checkStored(LiveMessage.Stored stored) {
        check(() -> stored.verifies(key), (swarm, genuine, at) -> swarm.storedChecked(stored, genuine, at));
    }

    @Override
    public void checkKeyEnd(KeyEnd end) {
        check(end::verifies, (swarm, genuine, at) -> swarm.keyEndChecked(end, genuine, at));
    }

    @Override
    public void checkPiece(ChunkRecord record, int piece) {
        check(() -> hashes.isGood(record, piece), (swarm, good, at) -> swarm.pieceChecked(record, piece, good, at));
    }

    @Override
    public void checkChunk(ChunkRecord record) {
        check(() -> hashes.isGood(record), (swarm, good, at) -> {
            if (!good) {
                node.tallies().chunk(ChunkOutcome.REJECTED);
            }
            swarm.chunkChecked(record, good, at);
        });
    }

    private interface Answer {
        void tell(LiveSwarm swarm, boolean good, long at);
    }

    private void check(Supplier<Boolean> question, Answer answer) {
        node.checks().ask(loop, question, good -> drive.call((swarm, at) -> answer.tell(swarm, good, at)));
    }

    // The store

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
    public void completed(ChunkRecord record) {
        node.parts().store().complete(record);
        if (role == NodeRole.RELAY) {
            node.tallies().chunk(ChunkOutcome.VERIFIED);
            // What is caught up on, or comes from the disk, says nothing of the mesh's speed.
            if (blocks.isLive(record)) {
                node.tallies()
                        .latency(Duration.between(
                                record.body().published(), node.parts().clock().instant()));
            }
        }
        shared.tell(listener -> listener.chunkCompleted(record));
    }

    /** A chunk's bytes fell out of the store; called on any thread. */
    void evicted(ChunkRecord record) {
        if (!loop.isShuttingDown()) {
            loop.execute(() -> {
                drive.call((swarm, at) -> swarm.evicted(record, at));
                shared.tell(listener -> listener.chunkEvicted(record));
            });
        }
    }

    // News

    @Override
    public void accepted(ChunkRecord record) {
        catalogue.accepted(record);
    }

    @Override
    public void headChanged(SignedHead changed) {
        long now = node.parts().nanoTime().getAsLong();
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
}
