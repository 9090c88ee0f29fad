package live.tributary.mesh.store;

import live.tributary.protocol.stream.ChunkRecord;

/** Hears that a complete chunk is neither in memory nor on disk any more; called on any thread, it must not block. */
@FunctionalInterface
public interface EvictionListener {
    void evicted(ChunkRecord record);
}
