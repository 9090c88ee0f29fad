package live.tributary.mesh.swarm;

import java.util.Collection;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/**
 * The order in which blocks leave this node: the live edge before anything older, and within it what the origin gave before what
 * others did. What is alike is served as it comes, so that one child has a whole piece before the next gets its first block.
 *
 * <p>Only a few blocks at a time are with the driver; the rest wait here, where they can still be dropped. A link that does not
 * move takes no part: it counts neither as busy nor as free.
 */
final class Uplink {
    /** What may be with the driver for one link, bytes. */
    private static final long LINK_LIMIT = 128 * 1024;
    /** What may be with the driver for all links together, bytes; on fast lines as much as leaves in {@link #AHEAD_NANOS}. */
    private static final long MIN_AHEAD = 2L * PeerMessage.BLOCK_LENGTH;

    private static final long AHEAD_NANOS = 4_000_000L;
    /** A link whose oldest block has not left in this time is stalled. */
    private static final long STALLED_NANOS = 250_000_000L;

    /** More blocks than a node ever sends. */
    private static final long BEFORE_ALL_ELSE = 1L << 48;

    private final SwarmActions actions;
    private final Collection<Neighbour> neighbours;
    private final double bytesPerNano;
    private final long ahead;
    private final boolean inTurn;
    private long order;
    private boolean pumping;

    /** @param inTurn whether links take turns, a piece each, for comparison */
    Uplink(SwarmActions actions, Collection<Neighbour> neighbours, long bitsPerSecond, boolean inTurn) {
        this.inTurn = inTurn;
        this.actions = actions;
        this.neighbours = neighbours;
        this.bytesPerNano = bitsPerSecond / 8e9;
        this.ahead = Math.max(MIN_AHEAD, (long) (bytesPerNano * AHEAD_NANOS));
    }

    /** Queues a block that was asked for; false where the neighbour's queue is full. */
    boolean add(Neighbour to, PeerMessage.Block block, boolean live) {
        return to.outbox.add(new Outbox.Waiting(block, order++, false), live);
    }

    /** The first of so many places in a row; what came from the origin leaves before all else, for all wait for it. */
    long places(int count, boolean fromOrigin) {
        long first = fromOrigin ? order - BEFORE_ALL_ELSE : order;
        order += count;
        return first;
    }

    /** Queues a block of the live edge that nobody asked for; false where the neighbour's queue is full. */
    boolean push(Neighbour to, PeerMessage.Block block, long place) {
        return to.outbox.add(new Outbox.Waiting(block, place, true), true);
    }

    void sent(Neighbour to, PeerMessage.Block block, long now) {
        to.outbox.unsent = Math.max(0, to.outbox.unsent - block.length());
        to.outbox.movedAt = now;
    }

    /** Hands over what waits for the live edge, as much as may be with the driver. */
    void pumpLive(long now) {
        pump(true, now);
    }

    /** Hands over what is older, where nothing waits for the live edge. */
    void pumpOlder(long now) {
        pump(true, now);
        pump(false, now);
    }

    private void pump(boolean live, long now) {
        if (pumping) {
            return; // A driver may tell that a block has left while it is being handed over.
        }
        pumping = true;
        try {
            while (withDriver(now) < ahead) {
                Neighbour next = first(live, now);
                if (next == null) {
                    return;
                }
                Outbox.Waiting waiting = next.outbox.queue(live).remove();
                PeerMessage.Block block = waiting.block();
                next.outbox.turn = order++;
                if (waiting.pushed()) {
                    next.outbox.pushLeaves(waiting, now);
                }
                if (next.outbox.unsent == 0) {
                    next.outbox.movedAt = now;
                }
                next.outbox.unsent += block.length();
                actions.sendBlock(next.link, block);
            }
        } finally {
            pumping = false;
        }
    }

    /** Whether nothing waits for the live edge, but behind stalled links, and the driver can take more. */
    boolean hasRoom(long now) {
        return withDriver(now) < ahead && first(true, now) == null;
    }

    /** What waits for the live edge and is not stuck behind a stalled link, as time to send it. */
    long backlogNanos(long now) {
        long bytes = 0;
        for (Neighbour neighbour : neighbours) {
            if (!stalled(neighbour, now)) {
                bytes += neighbour.outbox.unsent
                        + (long) neighbour.outbox.queue(true).size() * PeerMessage.BLOCK_LENGTH;
            }
        }
        return (long) (bytes / bytesPerNano);
    }

    boolean stalled(Neighbour neighbour, long now) {
        return neighbour.outbox.unsent > 0 && now - neighbour.outbox.movedAt > STALLED_NANOS;
    }

    private long withDriver(long now) {
        long bytes = 0;
        for (Neighbour neighbour : neighbours) {
            if (neighbour.outbox.unsent > 0 && !stalled(neighbour, now)) {
                bytes += neighbour.outbox.unsent;
            }
        }
        return bytes;
    }

    private long place(Outbox.Waiting head, Neighbour neighbour) {
        if (!inTurn) {
            return head.order();
        }
        return neighbour.outbox.hasBegun(head.block().piece()) ? -1 : neighbour.outbox.turn;
    }

    private @Nullable Neighbour first(boolean live, long now) {
        Neighbour first = null;
        long lowest = Long.MAX_VALUE;
        for (Neighbour neighbour : neighbours) {
            Outbox.Waiting head = neighbour.outbox.queue(live).peek();
            if (head != null
                    && place(head, neighbour) < lowest
                    && neighbour.outbox.unsent + head.block().length() <= LINK_LIMIT
                    && actions.queuedBytes(neighbour.link) < LINK_LIMIT) {
                first = neighbour;
                lowest = place(head, neighbour);
            }
        }
        return first;
    }
}
