package live.tributary.mesh.swarm;

/** What became of a record that arrived. */
public enum RecordResult {
    ACCEPTED,
    DUPLICATE,
    /** Good signature, predecessor not known yet: held and forwarded. */
    HELD,
    WRONG_STREAM,
    STALE_TERM,
    OUT_OF_RANGE,
    /** Published too long ago or too far ahead, or no unexpired head. */
    NOT_LIVE,
    RATE_LIMITED,
    BAD_SIGNATURE,
    BAD_PREDECESSOR,
    FORK_LOST,
    OVERSIZED,
    MALFORMED,
    /** The stream's key has ended. */
    REVOKED
}
