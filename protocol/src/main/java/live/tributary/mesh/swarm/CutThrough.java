package live.tributary.mesh.swarm;

import java.util.List;

/** A piece that goes on while it is still coming: to whom, and which of its blocks have gone. */
final class CutThrough {
    /*
     * Who waits for the whole of a piece before he passes it on is idle first, and then his last child waits for all the others; at
     * each step of the way. But what is passed on early has not been checked, and who completes a bad piece is banned. So the block
     * that completes it stays here until the piece is good: a bad one never leaves this node whole, and what its receivers have of it
     * is no use to them and no blame to anybody.
     */
    private final List<Neighbour> receivers;
    private final long firstPlace;
    private int gone;

    /** @param firstPlace of the first receiver's first block, in the order in which blocks leave this node */
    CutThrough(List<Neighbour> receivers, long firstPlace) {
        this.receivers = List.copyOf(receivers);
        this.firstPlace = firstPlace;
    }

    /** Whether a piece may go on before it is whole: so far it is from one neighbour, who has sent good ones before or is the origin. */
    static boolean isFor(Piece piece) {
        Neighbour source = piece.source;
        return source != null
                && (source.isOrigin() || source.hasServed)
                && source == piece.soleGiver
                && !piece.mixed
                && piece.pushed
                && piece.chunk.live
                && piece.blocks != piece.allBlocks();
    }

    List<Neighbour> receivers() {
        return receivers;
    }

    long firstPlace() {
        return firstPlace;
    }

    void goes(int block) {
        gone |= 1 << block;
    }

    /** The blocks that the receivers still lack once all are here, as a mask. */
    int rest(Piece piece) {
        return piece.allBlocks() & ~gone;
    }
}
