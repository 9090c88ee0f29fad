package live.tributary.mesh.swarm;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A piece that goes on while it is still coming: to whom, and which of its blocks have gone. */
final class CutThrough {
    /*
     * Who waits for the whole of a piece before he passes it on is idle first, and then his last child waits for all the others; at
     * each step of the way. But what is passed on early has not been checked, and who completes a bad piece is banned. So the block
     * that completes it stays here until the piece is good: a bad one never leaves this node whole, and what its receivers have of it
     * is no use to them and no blame to anybody.
     */
    /** The blocks that were queued for each receiver, as a mask. */
    private final Map<Neighbour, Integer> gone = new LinkedHashMap<>();

    private final List<Neighbour> receivers;
    private final long firstPlace;

    /** @param firstPlace of the first receiver's first block, in the order in which blocks leave this node */
    CutThrough(Collection<Neighbour> receivers, long firstPlace) {
        this.receivers = List.copyOf(receivers);
        this.firstPlace = firstPlace;
    }

    /** Whether a piece of the live edge goes on before it is whole: all of it so far is pushed by one neighbour, who has sent good ones before or is the origin. */
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

    long place(Neighbour receiver, int block, int blocks) {
        return firstPlace + (long) receivers.indexOf(receiver) * blocks + block;
    }

    void goes(Neighbour to, int block) {
        gone.merge(to, 1 << block, (a, b) -> a | b);
    }

    boolean hasGone(Neighbour to, int block) {
        return (gone.getOrDefault(to, 0) & 1 << block) != 0;
    }

    /** What has gone will not be completed. */
    void spoil(long piece) {
        gone.keySet().forEach(receiver -> receiver.spoil(piece));
    }
}
