package live.tributary.protocol.wire;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The ids of messages, and how many bytes may follow the id where that is fixed. */
enum PeerMessageType {
    // BEP 3
    CHOKE(0, 0),
    UNCHOKE(1, 0),
    INTERESTED(2, 0),
    NOT_INTERESTED(3, 0),
    HAVE(4, 4),
    BITFIELD(5, PeerMessageType.VARIABLE),
    REQUEST(6, 12),
    PIECE(7, PeerMessageType.VARIABLE),
    CANCEL(8, 12),
    // BEP 5
    PORT(9, 2),
    // BEP 6
    SUGGEST(13, 4),
    HAVE_ALL(14, 0),
    HAVE_NONE(15, 0),
    REJECT(16, 12),
    ALLOWED_FAST(17, 4),
    // BEP 10
    EXTENDED(20, PeerMessageType.VARIABLE);

    static final int VARIABLE = -1;

    private static final Map<Integer, PeerMessageType> BY_ID = new HashMap<>();

    static {
        for (PeerMessageType type : values()) {
            BY_ID.put(type.id, type);
        }
    }

    private final int id;
    private final int bodyLength;

    PeerMessageType(int id, int bodyLength) {
        this.id = id;
        this.bodyLength = bodyLength;
    }

    static Optional<PeerMessageType> of(int id) {
        return Optional.ofNullable(BY_ID.get(id));
    }

    int id() {
        return id;
    }

    /** The bytes behind the id, or {@link #VARIABLE}. */
    int bodyLength() {
        return bodyLength;
    }
}
