package live.tributary.mesh.store;

/**
 * What a cache on disk still held when it was opened.
 *
 * @param chunks whole and genuine ones
 * @param damaged files set aside
 * @param bytes of all chunk files together
 */
public record Restored(int chunks, int damaged, long bytes) {}
