package live.tributary.mesh.admin;

/** What became of a chunk, for {@link Meter#CHUNKS}. */
public enum ChunkOutcome {
    VERIFIED,
    /** Complete, and not what its record says. */
    REJECTED,
    /** Left the history before it was whole. */
    MISSED
}
