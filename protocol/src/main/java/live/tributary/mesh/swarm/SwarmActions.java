package live.tributary.mesh.swarm;

import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/**
 * What {@link LiveSwarm} asks of whoever drives it: sockets, or the simulator.
 *
 * <p>Called on the thread that drives the swarm, from within a call to it. Checks are answered later by the swarm's method of
 * the same name in the past tense, on the same thread.
 */
public interface SwarmActions {
    /** Queues a message without payload. */
    void send(LinkId link, PeerMessage message);

    void send(LinkId link, LiveMessage message);

    /**
     * Queues PIECE with bytes that are in the store, of a verified piece or of one that is still coming, but never all of that;
     * answered by {@link LiveSwarm#blockSent} when they have left.
     */
    void sendBlock(LinkId link, PeerMessage.Block block);

    /** Bytes of blocks that were queued on a link and have not left yet. */
    long queuedBytes(LinkId link);

    /** Closes a link; where the reason is an offence, its key stays out for ten minutes. */
    void drop(LinkId link, DropReason reason);

    /** Checks a record's signature on a bounded pool. */
    void checkRecord(ChunkRecord record);

    void checkHead(SignedHead head);

    void checkAbout(About about);

    /** Checks the origin's signature on {@link LiveMessage.Stored}. */
    void checkStored(LiveMessage.Stored stored);

    /** Checks the signature of a key's last word. */
    void checkKeyEnd(KeyEnd end);

    /** Makes room for a chunk whose record was accepted: blocks will follow. */
    void open(ChunkRecord record);

    /**
     * Hashes one whole piece (SHA-1), {@code piece} counted within the chunk. Once it is found good all of it may be sent on, even
     * though the chunk is not complete.
     */
    void checkPiece(ChunkRecord record, int piece);

    /** Hashes a whole chunk: sha256, and the last piece with its padding. */
    void checkChunk(ChunkRecord record);

    /** Forgets a chunk's bytes: it left the history, lost a fork, or was not what its record says. */
    void discard(ChunkRecord record);

    /** A genuine, chained record joined the stream. */
    void accepted(ChunkRecord record);

    /** All bytes of a chunk are here and are what its record says. */
    void completed(ChunkRecord record);

    void headChanged(SignedHead head);

    void aboutChanged(About about);

    /** The bucket has a chunk, by the origin's signed word. */
    void storedInBucket(ChunkId chunk);

    /** The stream's key signed this record for a place that another one has. */
    void forked(ChunkRecord loser);

    /** The stream's key has ended: nothing newer of it will be taken. */
    void keyEnded(KeyEnd end);

    /** One more record with this outcome, for the metric. */
    void count(RecordResult result);

    /** Why a link is closed. */
    enum DropReason {
        /** Unwanted, no offence: too many neighbours, or a better one came. */
        SURPLUS(false),
        BROKE_PROTOCOL(true),
        BAD_SIGNATURE(true),
        BAD_PIECE(true),
        FLOODED(true);

        private final boolean offence;

        DropReason(boolean offence) {
            this.offence = offence;
        }

        public boolean isOffence() {
            return offence;
        }
    }
}
