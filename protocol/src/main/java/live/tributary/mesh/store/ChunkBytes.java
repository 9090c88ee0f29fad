package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import live.tributary.protocol.stream.ChunkRecord;

/** Reads whole chunks that this node holds, from any thread. */
public interface ChunkBytes {
    /**
     * A complete chunk, ready to be sent, which the receiver releases: at once where it is in memory or in the system's cache, else
     * when the disk has read it. Empty where it is not held, or the disk has too much to do.
     */
    default CompletionStage<Optional<StoredChunk>> fetch(ChunkRecord record) {
        return CompletableFuture.completedStage(
                read(record, 0, record.length()).map(bytes -> new StoredChunk(bytes, Optional.empty())));
    }

    /**
     * Whether a chunk can be read without waiting for the disk: told at once where it is in memory or in the system's cache, or is
     * not held at all, else when the disk has read it. False where the disk has too much to do.
     */
    default CompletableFuture<Boolean> prepare(ChunkRecord record) {
        return CompletableFuture.completedFuture(true);
    }

    /**
     * A shared slice of a complete chunk, which the caller releases; empty where the chunk is not held. No copy is made, and
     * reading from it may wait for the disk: an event loop asks {@link #prepare} or {@link #fetch} first.
     */
    Optional<ByteBuf> read(ChunkRecord record, int offset, int length);

    boolean holds(ChunkRecord record);
}
