package live.tributary.mesh.serve;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import live.tributary.protocol.wire.PeerMessage.Block;

/** The blocks that one client has asked for and not got, in the order in which it asked, each once. Not thread-safe. */
final class RequestQueue {
    /** What clients are told to keep to (BEP 10's {@code reqq}). */
    static final int TOLD = 512;
    /** What they may have outstanding all the same: some have their own idea. */
    static final int MAX = 2 * TOLD;

    private final Set<Block> blocks = new LinkedHashSet<>();

    enum Added {
        QUEUED,
        /** It waits already, and will be answered once. */
        KNOWN,
        FULL
    }

    Added add(Block block) {
        if (blocks.contains(block)) {
            return Added.KNOWN;
        }
        if (blocks.size() >= MAX) {
            return Added.FULL;
        }
        blocks.add(block);
        return Added.QUEUED;
    }

    /** Whether the block was still waiting. */
    boolean remove(Block block) {
        return blocks.remove(block);
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

    /** The block that was asked for first; there must be one. */
    Block first() {
        return blocks.iterator().next();
    }

    void removeFirst(int count) {
        Iterator<Block> first = blocks.iterator();
        for (int i = 0; i < count; i++) {
            first.next();
            first.remove();
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
