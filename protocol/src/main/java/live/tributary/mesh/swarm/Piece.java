package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/** One piece of a chunk that is not complete; in exactly one {@link State}. */
final class Piece {
    static final long NEVER = Long.MAX_VALUE;

    enum State {
        /** Nobody is sending it; {@link #due} says when to ask somebody. */
        WANTED,
        /** {@link #source} is sending it, or was asked to; {@link #due} says when to give up on it. */
        COMING,
        /** All blocks are here and are being hashed. */
        CHECKING,
        GOOD
    }

    final Chunk chunk;
    final int index;
    final long number;
    final int length;
    State state = State.WANTED;
    long due = NEVER;
    /** When the agenda comes back to it, at the latest at {@link #due}. */
    long scheduledAt = NEVER;

    @Nullable
    Neighbour source;
    /** Whether the source pushes it rather than answers a request. */
    boolean pushed;

    long startedAt;
    /** Whether blocks came from more than one neighbour: then a bad hash blames nobody. */
    @Nullable
    Neighbour soleGiver;

    boolean mixed;
    /** Whether only the source's blocks count, since mixed ones turned out bad. */
    boolean exclusive;

    /** Whether the parent has said that it fetches this piece itself. */
    boolean comingToParent;

    int blocks;
    int attempts;
    /** How it went on before it was whole, if it did. */
    @Nullable
    CutThrough cutThrough;

    /** Who told that it has the piece before this node had it, and when. */
    private List<Sighting> sightings = new ArrayList<>(4);

    record Sighting(Neighbour by, long at) {}

    Piece(Chunk chunk, int index) {
        ChunkRecord record = chunk.record;
        this.chunk = chunk;
        this.index = index;
        this.number = record.firstPiece() + index;
        this.length = record.pieceLength(index);
    }

    int stripe() {
        return (int) (number % LiveMessage.STRIPES);
    }

    int blockCount() {
        return (length + PeerMessage.BLOCK_LENGTH - 1) / PeerMessage.BLOCK_LENGTH;
    }

    int allBlocks() {
        return (1 << blockCount()) - 1;
    }

    PeerMessage.Block block(int block) {
        int begin = block * PeerMessage.BLOCK_LENGTH;
        return new PeerMessage.Block(number, begin, Math.min(PeerMessage.BLOCK_LENGTH, length - begin));
    }

    boolean hasBlock(int block) {
        return (blocks & 1 << block) != 0;
    }

    void stored(int block, Neighbour from) {
        if (blocks == 0) {
            soleGiver = from;
        } else if (soleGiver != from) {
            mixed = true;
        }
        blocks |= 1 << block;
    }

    void startOver() {
        blocks = 0;
        cutThrough = null;
        mixed = false;
        soleGiver = null;
        source = null;
        pushed = false;
        state = State.WANTED;
    }

    /** A neighbour tells that it has it; whether it has told so before. */
    boolean seen(Neighbour by, long now) {
        for (int i = 0; i < sightings.size(); i++) {
            if (sightings.get(i).by() == by) {
                sightings.set(i, new Sighting(by, now)); // Who tells it again may have lied before.
                return true;
            }
        }
        sightings.add(new Sighting(by, now));
        return false;
    }

    /** The first to show it of those from whom a good piece has come; anybody can say that he has it. */
    @Nullable
    Sighting firstTrusted() {
        for (Sighting sighting : sightings) {
            if (sighting.by().hasServed) {
                return sighting;
            }
        }
        return null;
    }

    /** Whether nobody has shown it but who failed and never gave a good piece. */
    boolean isShownByLiarsOnly() {
        for (Sighting sighting : sightings) {
            if (!sighting.by().mayLie()) {
                return false;
            }
        }
        return true;
    }

    List<Sighting> sightings() {
        return sightings;
    }

    boolean wanted() {
        return state == State.WANTED || state == State.COMING;
    }
}
