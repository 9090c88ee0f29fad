package live.tributary.mesh.admin;

/** Why a connection to the node's port was refused or ended by the node. */
public enum DropReason {
    /** The address is on the operator's list. */
    DENIED,
    /** The address, or its network, has as many connections as one may. */
    CROWDED,
    /** It did not say in time what it speaks, or did not finish its handshake. */
    SLOW,
    /** Its first bytes are no protocol's that is spoken here. */
    STRANGE,
    /** An encrypted handshake that does not hold. */
    GARBLED,
    /** More encrypted handshakes than are worked off, from one address or in all. */
    BUSY,
    /** It asked for a torrent or a stream that is not here. */
    UNKNOWN,
    /** The node has as many clients as it takes. */
    FULL,
    /** A message of the peer wire that breaks the protocol. */
    PROTOCOL,
    /** It asks and does not read. */
    STALLED,
    /** It said nothing for longer than a client may. */
    SILENT,
    /** It never wanted anything, or has everything. */
    USELESS
}
