package live.tributary.mesh.swarm;

/** The name of one link for as long as it lasts; never used again. */
public record LinkId(long value) {}
