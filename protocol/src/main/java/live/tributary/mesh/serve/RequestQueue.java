package live.tributary.mesh.serve;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.BiPredicate;
import live.tributary.protocol.wire.PeerMessage.Block;

/**
 * The requests of one client that wait for their answer, in the order in which they came. Not thread-safe.
 *
 * <p>Who asks twice is answered twice: BEP 6 has an answer for each request.
 */
final class RequestQueue {
    /** What clients are told to keep to (BEP 10's {@code reqq}). */
    static final int TOLD = 512;
    /** What they may have outstanding all the same: some have their own idea. */
    static final int MAX = 2 * TOLD;

    private final Deque<Block> blocks = new ArrayDeque<>();

    /** False where the queue is full. */
    boolean add(Block block) {
        return blocks.size() < MAX && blocks.add(block);
    }

    /** Takes one request for the block back; false where none waits any more. */
    boolean remove(Block block) {
        return blocks.removeFirstOccurrence(block);
    }

    /** The block that was asked for first; there must be one. */
    Block first() {
        return blocks.getFirst();
    }

    /** Puts the first block, and those behind it that {@code follows} the one before, into {@code run}, at most {@code max}. */
    void peek(List<Block> run, int max, BiPredicate<Block, Block> follows) {
        run.clear();
        for (Block block : blocks) {
            if (run.size() >= max || (!run.isEmpty() && !follows.test(run.get(run.size() - 1), block))) {
                return;
            }
            run.add(block);
        }
    }

    void removeFirst(int count) {
        for (int i = 0; i < count; i++) {
            blocks.removeFirst();
        }
    }

    boolean isEmpty() {
        return blocks.isEmpty();
    }

    /** Empties the queue and returns what was in it. */
    List<Block> clear() {
        List<Block> dropped = new ArrayList<>(blocks);
        blocks.clear();
        return dropped;
    }
}
