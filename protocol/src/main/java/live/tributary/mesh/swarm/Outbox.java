package live.tributary.mesh.swarm;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** The blocks that wait to be sent to one neighbour, in two classes, each in the order in which they are to leave. */
final class Outbox {
    /** The most blocks that may wait on one link. */
    static final int MAX_BLOCKS = 512;
    /** Of how many pushes it is remembered when they left. */
    private static final int REMEMBERED = 32;

    private final ArrayDeque<Waiting> live = new ArrayDeque<>();
    private final ArrayDeque<Waiting> old = new ArrayDeque<>();
    /** Bytes with the driver that have not left yet. */
    long unsent;
    /** When it last had its turn, in the order of all blocks of this node. */
    long turn;
    /** When the driver last moved: a block left, or the first was handed over. */
    long movedAt;

    /**
     * A block that waits.
     *
     * @param order its place among all that wait at this node
     * @param pushed whether nobody asked for it
     */
    record Waiting(PeerMessage.Block block, long order, boolean pushed) {}

    private final long[] pushed = new long[REMEMBERED];
    private final int[] pushedBlocks = new int[REMEMBERED];
    private final long[] pushedAt = new long[REMEMBERED];
    private int pushes;
    private long lastPushed;

    boolean add(Waiting waiting, boolean isLive) {
        if (live.size() + old.size() >= MAX_BLOCKS) {
            return false;
        }
        ArrayDeque<Waiting> queue = queue(isLive);
        ArrayDeque<Waiting> later = new ArrayDeque<>();
        while (!queue.isEmpty() && queue.getLast().order() > waiting.order()) {
            later.push(queue.removeLast());
        }
        queue.add(waiting);
        queue.addAll(later);
        return true;
    }

    ArrayDeque<Waiting> queue(boolean isLive) {
        return isLive ? live : old;
    }

    int size() {
        return live.size() + old.size();
    }

    /** What a cancelled block had been waiting for. */
    enum Cancelled {
        REQUEST,
        PUSH,
        NOTHING
    }

    Cancelled cancel(PeerMessage.Block block) {
        for (ArrayDeque<Waiting> queue : List.of(live, old)) {
            for (Iterator<Waiting> i = queue.iterator(); i.hasNext(); ) {
                Waiting waiting = i.next();
                if (waiting.block().equals(block)) {
                    i.remove();
                    return waiting.pushed() ? Cancelled.PUSH : Cancelled.REQUEST;
                }
            }
        }
        return Cancelled.NOTHING;
    }

    /** Drops what has not left yet of a pushed piece. */
    void dropPush(long piece) {
        if (!live.isEmpty()) {
            live.removeIf(w -> w.pushed() && w.block().piece() == piece);
        }
    }

    /** Drops what has not begun to leave of all pushed pieces of a stripe. */
    void dropPushes(int stripe) {
        live.removeIf(w -> w.pushed()
                && w.block().piece() % LiveMessage.STRIPES == stripe
                && !pushedSince(w.block().piece(), Long.MIN_VALUE));
    }

    /** Whether blocks of a pushed piece have left, and nothing since. */
    boolean hasBegun(long piece) {
        return pushes > 0 && lastPushed == piece;
    }

    /** A block of a pushed piece goes to the driver. */
    void pushLeaves(Waiting waiting, long now) {
        long piece = waiting.block().piece();
        lastPushed = piece;
        int place = 0;
        while (place < Math.min(pushes, REMEMBERED) && pushed[place] != piece) {
            place++;
        }
        if (place == Math.min(pushes, REMEMBERED)) {
            place = pushes++ % REMEMBERED;
            pushed[place] = piece;
            pushedBlocks[place] = 0;
        }
        pushedBlocks[place] |= 1 << waiting.block().begin() / PeerMessage.BLOCK_LENGTH;
        pushedAt[place] = now;
    }

    /** Which blocks of a piece were pushed, as a mask, as far as that is remembered. */
    int pushedOf(long piece) {
        for (int i = 0; i < Math.min(pushes, REMEMBERED); i++) {
            if (pushed[i] == piece) {
                return pushedBlocks[i];
            }
        }
        return 0;
    }

    /** Whether a piece was pushed after a time. */
    boolean pushedSince(long piece, long time) {
        for (int i = 0; i < Math.min(pushes, REMEMBERED); i++) {
            if (pushed[i] == piece && pushedAt[i] >= time) {
                return true;
            }
        }
        return false;
    }

    boolean pushes(long piece) {
        for (Waiting waiting : live) {
            if (waiting.pushed() && waiting.block().piece() == piece) {
                return true;
            }
        }
        return false;
    }

    /** Drops all that waits; the blocks among it that were asked for. */
    List<PeerMessage.Block> clear() {
        List<PeerMessage.Block> requests = Stream.concat(live.stream(), old.stream())
                .filter(waiting -> !waiting.pushed())
                .map(Waiting::block)
                .toList();
        live.clear();
        old.clear();
        return requests;
    }
}
