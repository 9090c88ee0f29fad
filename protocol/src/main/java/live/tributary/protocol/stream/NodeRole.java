package live.tributary.protocol.stream;

/** What a mesh node does for a stream. */
public enum NodeRole {
    /** Publishes it. */
    ORIGIN,
    /** Fetches, keeps and serves its chunks. */
    RELAY,
    /** Hears its news and takes no chunks: a gateway. */
    LISTENER
}
