package live.tributary.mesh.swarm;

import java.util.List;
import java.util.random.RandomGenerator;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/** Whom to ask for a piece, and which piece to ask for next where many are missing. */
final class PiecePicker {
    /** An origin is asked for what nobody else has shown after so long; until then the piece may be on its way. */
    static final long LAST_RESORT = 4_000_000_000L;

    private static final int MIN_OUTSTANDING = 8;
    private static final int MAX_OUTSTANDING = 128;
    /** What is kept asked for beyond a round trip, so that a line never runs dry. */
    private static final double AHEAD_NANOS = 100_000_000;

    private static final double COST_OF_FAILURE = 150_000_000;
    private static final double COST_OF_FULL = 500_000_000;

    private final List<Neighbour> neighbours;
    private final RandomGenerator random;

    PiecePicker(List<Neighbour> neighbours, RandomGenerator random) {
        this.neighbours = neighbours;
        this.random = random;
    }

    /** The neighbour from which the piece would be here first; null where nobody may be asked. */
    @Nullable
    Neighbour source(Piece piece, @Nullable Neighbour rather, long now) {
        Neighbour best = null;
        double lowest = Double.MAX_VALUE;
        int blocks = piece.blockCount();
        for (Neighbour neighbour : neighbours) {
            if (!neighbour.isRelay() || !mayAsk(neighbour, piece, blocks, now)) {
                continue;
            }
            double cost = cost(neighbour) + (neighbour == rather ? COST_OF_FAILURE : 0);
            if (cost < lowest) {
                best = neighbour;
                lowest = cost;
            }
        }
        return best != null ? best : origin(piece, blocks, now);
    }

    private @Nullable Neighbour origin(Piece piece, int blocks, long now) {
        boolean lastResort = now - piece.chunk.openedAt >= LAST_RESORT;
        for (Neighbour neighbour : neighbours) {
            boolean offered = neighbour.held.contains(piece.number);
            if (neighbour.isOrigin() && (offered || lastResort) && mayAsk(neighbour, piece, blocks, now)) {
                return neighbour;
            }
        }
        return null;
    }

    private static boolean mayAsk(Neighbour neighbour, Piece piece, int blocks, long now) {
        return !neighbour.chokesUs
                && neighbour.requestedBlocks() + blocks <= Math.max(blocks, mayBeAsked(neighbour))
                && neighbour.has(piece.number)
                && !neighbour.refuses(piece.number, now);
    }

    /** Blocks that may be outstanding at a neighbour: its bandwidth-delay product and a little more. */
    static int mayBeAsked(Neighbour neighbour) {
        double bytes = neighbour.bytesPerNano() * (neighbour.rtt() + AHEAD_NANOS);
        return (int) Math.max(MIN_OUTSTANDING, Math.min(MAX_OUTSTANDING, bytes / PeerMessage.BLOCK_LENGTH));
    }

    private double cost(Neighbour neighbour) {
        return neighbour.serviceTime() * (1 + neighbour.requestedBlocks() / 4.0)
                + neighbour.rtt()
                + neighbour.failures * COST_OF_FAILURE
                + (neighbour.full() ? COST_OF_FULL : 0)
                + random.nextDouble() * 1e6; // Equals are taken in no fixed order.
    }

    /** The wanted piece of a chunk that the fewest neighbours have, of those that somebody may be asked for. */
    @Nullable
    Piece rarest(Chunk chunk, long now) {
        Piece rarest = null;
        int fewest = Integer.MAX_VALUE;
        Piece[] pieces = chunk.pieces();
        int start = pieces.length == 0 ? 0 : random.nextInt(pieces.length);
        for (int i = 0; i < pieces.length; i++) {
            Piece piece = pieces[(start + i) % pieces.length];
            if (piece.state != Piece.State.WANTED) {
                continue;
            }
            int holders = 0;
            boolean askable = false;
            for (Neighbour neighbour : neighbours) {
                if (neighbour.has(piece.number) && (neighbour.isRelay() || now - chunk.openedAt >= LAST_RESORT)) {
                    holders++;
                    askable |= mayAsk(neighbour, piece, piece.blockCount(), now);
                }
            }
            if (askable && holders < fewest) {
                rarest = piece;
                fewest = holders;
            }
        }
        return rarest;
    }
}
