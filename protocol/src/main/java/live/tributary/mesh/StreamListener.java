package live.tributary.mesh;

import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SignedHead;

/** Hears what happens to a stream, on the stream's own thread: it must not block. */
public interface StreamListener {
    default void recordAccepted(ChunkRecord record) {}

    /** This node now holds the whole chunk. */
    default void chunkCompleted(ChunkRecord record) {}

    /** This node no longer holds the chunk. */
    default void chunkEvicted(ChunkRecord record) {}

    default void headChanged(SignedHead head) {}

    default void aboutChanged(About about) {}

    default void storedInBucket(ChunkId chunk) {}

    /** The stream's key has ended: nothing newer will come. */
    default void keyEnded(KeyEnd end) {}
}
