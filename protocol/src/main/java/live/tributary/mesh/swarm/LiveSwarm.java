package live.tributary.mesh.swarm;

import java.time.InstantSource;
import java.util.List;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/**
 * One node's part in the live mesh of one stream, without I/O: messages and times go in, {@link SwarmActions} come out.
 *
 * <p>Not thread-safe: one thread drives it. {@code now} is monotonic, in nanoseconds, and never goes back; the wall clock is
 * asked only where a signed time is compared.
 */
public final class LiveSwarm {
    public LiveSwarm(SwarmConfig config, SwarmActions actions, InstantSource wallClock, RandomGenerator random) {}

    /** A link whose hello was proven on both sides; the swarm greets it with HAVE_NONE, its window, head and about. */
    public void linkUp(LinkId link, LinkPeer peer, long now) {}

    public void linkDown(LinkId link, long now) {}

    /** Any message of the wire but Piece and Extended. */
    public void received(LinkId link, PeerMessage message, long now) {}

    /** Any message of tb_live but hello, its answer and relays. */
    public void received(LinkId link, LiveMessage message, long now) {}

    /** Asked before a block's bytes are written: only {@link BlockVerdict#STORE} may be. */
    public BlockVerdict blockArrived(LinkId link, PeerMessage.Block block, long now) {
        return BlockVerdict.UNWANTED;
    }

    /**
     * The bytes of a block for which {@link #blockArrived} said {@link BlockVerdict#STORE} are in the store; must follow, before
     * the next block of the same link. After a piece's last block the swarm asks {@link SwarmActions#checkPiece} from here.
     */
    public void blockStored(LinkId link, PeerMessage.Block block, long now) {}

    /** A block's bytes left this node. */
    public void blockSent(LinkId link, PeerMessage.Block block, long now) {}

    public void recordChecked(ChunkRecord record, boolean genuine, long now) {}

    public void headChecked(SignedHead head, boolean genuine, long now) {}

    public void aboutChecked(About about, boolean genuine, long now) {}

    public void storedChecked(LiveMessage.Stored stored, boolean genuine, long now) {}

    public void pieceChecked(ChunkRecord record, int piece, boolean good, long now) {}

    public void chunkChecked(ChunkRecord record, boolean good, long now) {}

    /** Origin: a chunk of its own, whose bytes are in the store. */
    public void publish(ChunkRecord record, long now) {}

    /** A head, about or record from elsewhere than a link (this origin, the DHT, {@code /notify}, the disk), checked already. */
    public void learnt(SignedHead head, long now) {}

    public void learnt(About about, long now) {}

    public void learnt(ChunkRecord record, long now) {}

    public void learnt(LiveMessage.Stored stored, long now) {}

    /** A chunk that a cache on disk still holds whole, checked already. */
    public void restored(ChunkRecord record, long now) {}

    /** A chunk's bytes were dropped by the store: the node no longer offers its pieces. */
    public void evicted(ChunkRecord record, long now) {}

    /** Does what is due; call at or after the time that {@link #nextTick()} names. */
    public void tick(long now) {}

    /** When {@link #tick} is next due, on the monotonic clock. */
    public long nextTick() {
        return Long.MAX_VALUE;
    }

    /** The linked relays that have shown that they have every piece of a chunk. */
    public List<RelayKey> holders(ChunkRecord record) {
        return List.of();
    }

    /** What is to be done with a block that arrived. */
    public enum BlockVerdict {
        STORE,
        /** Held or being checked already: counted as waste. */
        DUPLICATE,
        /** Of no accepted record, or never asked for and on no grafted stripe. */
        UNWANTED
    }
}
