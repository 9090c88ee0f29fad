package live.tributary.mesh.admin;

/** Who is at the other end, as far as bytes are counted. */
public enum PeerKind {
    VIEWER,
    RELAY,
    ORIGIN,
    BUCKET,
    GATEWAY
}
