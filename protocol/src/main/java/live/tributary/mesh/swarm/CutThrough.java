package live.tributary.mesh.swarm;

import java.util.List;

/** A piece that goes on while it is still coming: to whom, and which of its blocks have gone. */
final class CutThrough {
    /*
     * An origin sends a piece in the time in which a root's line carries it several times. So a root that waited for the whole piece
     * would be idle first, and its last child would wait for all the others. What it passes on it has not checked; its children
     * would take a bad piece for its own. So it does this only with what comes from an origin, whose pieces are good, and an origin is
     * who has shown it by its deeds: anybody can say that he is one.
     */
    /** So many pieces must have been good, and news, before those that follow are passed on unchecked. */
    static final int EARNED_BY = 16;

    private final List<Neighbour> receivers;
    private int gone;

    CutThrough(List<Neighbour> receivers) {
        this.receivers = List.copyOf(receivers);
    }

    /** Whether a piece may go on before it is whole: it is an origin's, and nobody else has it. */
    static boolean isFor(Piece piece) {
        Neighbour source = piece.source;
        return source != null
                && source.isOrigin()
                && source.newsGiven >= EARNED_BY
                && piece.pushed
                && piece.chunk.live
                && piece.isNews();
    }

    List<Neighbour> receivers() {
        return receivers;
    }

    void goes(int block) {
        gone |= 1 << block;
    }

    /** The blocks that the receivers still lack once all are here, as a mask. */
    int rest(Piece piece) {
        return piece.allBlocks() & ~gone;
    }
}
