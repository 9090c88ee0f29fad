package live.tributary.mesh.admin;

/** What carried counted bytes. */
public enum Via {
    WIRE,
    HTTP,
    WS
}
