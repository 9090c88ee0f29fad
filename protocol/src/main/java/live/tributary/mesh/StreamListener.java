package live.tributary.mesh;

import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;

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

    /** This node is asked to write a chunk to the bucket; the request's signature has not been looked at. */
    default void putAsked(LiveMessage.Put put) {}
}
