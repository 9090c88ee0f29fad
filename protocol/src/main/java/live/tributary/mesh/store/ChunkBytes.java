package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkRecord;

/** Reads whole chunks that this node holds, from any thread. */
public interface ChunkBytes {
    /** A shared slice of a complete chunk, which the caller releases; empty where the chunk is not held. No copy is made. */
    Optional<ByteBuf> read(ChunkRecord record, int offset, int length);

    boolean holds(ChunkRecord record);
}
