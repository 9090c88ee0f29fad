package live.tributary.protocol.tracker;

import java.util.OptionalInt;
import java.util.OptionalLong;
import live.tributary.protocol.stream.InfoHash;

/**
 * A client's word that it takes part in a swarm, and its wish for peers.
 *
 * <p>The address that a client may claim for itself ({@code ip=}, BEP 15's address field) is not read: a peer is where its
 * announce came from.
 *
 * @param downloaded bytes, as claimed
 * @param left bytes still missing; empty where the client does not say, sends a negative number or one above 2^63: Stremio does
 * @param uploaded bytes, as claimed
 * @param wanted how many peers it would like; empty for the tracker's choice
 * @param port its TCP port; 0 where it cannot be reached
 */
public record AnnounceRequest(
        InfoHash infoHash,
        PeerId peerId,
        long downloaded,
        OptionalLong left,
        long uploaded,
        AnnounceEvent event,
        OptionalInt wanted,
        int port) {
    static final int MAX_PORT = 65535;

    public AnnounceRequest {
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("port: " + port + " (expected: 0.." + MAX_PORT + ")");
        }
        if (left.isPresent() && left.getAsLong() < 0) {
            throw new IllegalArgumentException("left: " + left.getAsLong() + " (expected: >= 0)");
        }
        if (wanted.isPresent() && wanted.getAsInt() < 0) {
            throw new IllegalArgumentException("wanted: " + wanted.getAsInt() + " (expected: >= 0)");
        }
    }

    /** Whether the client says that it has everything; one that does not say how much is missing has not. */
    public boolean seeds() {
        return left.isPresent() && left.getAsLong() == 0;
    }

    /** Whether this is one of Stremio's players, which announce a port that nothing listens on. */
    public boolean cannotBeReached() {
        return port == 0 || peerId.equals(PeerId.STREMIO);
    }
}
