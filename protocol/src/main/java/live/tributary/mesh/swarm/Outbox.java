package live.tributary.mesh.swarm;

import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.stream.Stream;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** The blocks that wait to be sent to one neighbour, in two classes, each in the order in which they are to leave. */
final class Outbox {
    /** The most blocks that may wait on one link. */
    static final int MAX_BLOCKS = 512;
    /** Of how many pushes it is remembered when they left. */
    private static final int REMEMBERED = 32;

    private final Queue<Waiting> live = new PriorityQueue<>(Comparator.comparingLong(Waiting::order));
    private final Queue<Waiting> old = new PriorityQueue<>(Comparator.comparingLong(Waiting::order));
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
        return queue(isLive).add(waiting);
    }

    Queue<Waiting> queue(boolean isLive) {
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
        for (Queue<Waiting> queue : List.of(live, old)) {
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
                && pushedOf(w.block().piece()) == 0);
    }

    /** Whether blocks of a pushed piece have left, and nothing since. */
    boolean hasBegun(long piece) {
        return pushes > 0 && lastPushed == piece;
    }

    /** A block of a pushed piece goes to the driver. */
    void pushLeaves(Waiting waiting, long now) {
        lastPushed = waiting.block().piece();
        int place = placeOf(lastPushed);
        if (place < 0) {
            place = pushes++ % REMEMBERED;
            pushed[place] = lastPushed;
            pushedBlocks[place] = 0;
        }
        pushedBlocks[place] |= 1 << waiting.block().begin() / PeerMessage.BLOCK_LENGTH;
        pushedAt[place] = now;
    }

    /** Where it is remembered that a piece was pushed; negative where it is not. */
    private int placeOf(long piece) {
        for (int place = Math.min(pushes, REMEMBERED) - 1; place >= 0; place--) {
            if (pushed[place] == piece) {
                return place;
            }
        }
        return -1;
    }

    /** Which blocks of a piece were pushed, as a mask, as far as that is remembered. */
    int pushedOf(long piece) {
        int place = placeOf(piece);
        return place < 0 ? 0 : pushedBlocks[place];
    }

    /** Whether some of a piece was pushed after a time. */
    boolean pushedSince(long piece, long time) {
        int place = placeOf(piece);
        return place >= 0 && pushedAt[place] >= time;
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
