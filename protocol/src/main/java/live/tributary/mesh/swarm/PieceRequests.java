package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/**
 * What is asked for, of whom and when: pieces of the live edge that do not come by themselves, and older ones as lines have room.
 *
 * <p>Every piece that is not here has a time in the agenda, or nobody that could give it; so no loss goes unnoticed.
 */
final class PieceRequests {
    /** How long a piece that the parent has shown may stay away: it is in the parent's queue. */
    private static final long PARENT_GRACE = 400_000_000L;

    /** How much longer a piece that the parent fetches itself may stay away. */
    private static final long PARENT_FETCHES_WITHIN = 200_000_000L;

    private static final long MIN_TIMEOUT = 500_000_000L;
    private static final long MAX_TIMEOUT = 8_000_000_000L;
    /** How much longer than for a piece of the live edge it is waited for an older one. */
    private static final int PATIENCE = 4;

    private static final long RETRY = 250_000_000L;
    private static final long REFUSED_FOR = 1_000_000_000L;
    /** The same for an older piece: an origin gives each away once, as its line has room, and others will show it. */
    private static final long OLDER_REFUSED_BY_ORIGIN_FOR = 8_000_000_000L;

    /** Of how many chunks that are not at the live edge pieces are asked for at a time. */
    private static final int OLDER_AT_ONCE = 3;

    /** A node that sees to something so long after its time was held up itself: what it waits for may be here, unread. */
    private static final long HELD_UP = 100_000_000L;

    private static final int MAX_FAILURES = 12;
    private static final int MAX_FAILURES_OF_STRANGER = 4;

    // The plain ways
    private static final int PULLED_AT_ONCE = 6;

    private static final int BLOCKS = ChunkRecord.PIECE_LENGTH / PeerMessage.BLOCK_LENGTH;
    /** Longer than any piece waits in a queue: nothing is asked for twice. */
    private static final long PULLED_WITHIN = 20_000_000_000L;

    private static final long FLOODED_WITHIN = 2_000_000_000L;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final Chunks chunks;
    private final PushTrees trees;
    private final PiecePicker picker;
    private final RandomGenerator random;
    private final Lateness lateness = new Lateness();
    /** The chunks that are fetched, in order of their pieces. */
    private final List<Chunk> fetching = new ArrayList<>();

    private final PriorityQueue<Due> agenda = new PriorityQueue<>((a, b) -> Long.compare(a.at(), b.at()));

    private record Due(long at, Piece piece) {}

    PieceRequests(
            SwarmConfig config,
            SwarmActions actions,
            List<Neighbour> neighbours,
            Chunks chunks,
            PushTrees trees,
            RandomGenerator random) {
        this.config = config;
        this.actions = actions;
        this.chunks = chunks;
        this.trees = trees;
        this.picker = new PiecePicker(neighbours, random);
        this.random = random;
    }

    List<Chunk> fetching() {
        return fetching;
    }

    void begin(Chunk chunk) {
        int place = fetching.size();
        while (place > 0 && fetching.get(place - 1).record.firstPiece() > chunk.record.firstPiece()) {
            place--;
        }
        fetching.add(place, chunk);
    }

    void end(Chunk chunk) {
        fetching.remove(chunk);
    }

    /** A neighbour has a piece that is wanted: unless it comes by itself in time, it is asked for. */
    void shown(Piece piece, Neighbour by, long now) {
        boolean firstToBeTrusted = by.hasServed && piece.isShownByLiarsOnly();
        boolean again = piece.seen(by, now);
        boolean fromAPoorOne = isAskedOfAPoorOne(piece, by);
        if (!piece.chunk.live || piece.state != Piece.State.WANTED && !fromAPoorOne) {
            return;
        }
        if (config.pullOnly()) {
            hasRoom(by, now);
            return;
        }
        Neighbour parent = trees.parent(piece.stripe()).orElse(null);
        if (config.floods()) {
            schedule(piece, Math.min(piece.due, now + FLOODED_WITHIN));
        } else if (fromAPoorOne && (parent == null || parent == piece.source)) {
            fromSomebodyBetter(piece, now);
        } else if (parent == null) {
            schedule(piece, now);
            act(now);
        } else if (parent == by) {
            schedule(piece, again ? Math.min(piece.due, now + PARENT_GRACE) : now + PARENT_GRACE);
        } else if (!parent.held.contains(piece.number)) {
            // It is late only after somebody had it, and whoever showed it before has lied before.
            long usual = now + lateness.grace(by);
            schedule(piece, firstToBeTrusted ? usual : Math.min(piece.due, usual));
        }
    }

    /** Nothing was late yet, so whoever has served is not blamed; a stranger is, who shows everything and gives nothing. */
    private void fromSomebodyBetter(Piece piece, long now) {
        if (piece.source != null && piece.source.hasServed) {
            passOver(piece, false, now);
        } else {
            stayedAway(piece, false, now);
        }
    }

    /** Whether nothing has come of a piece that was asked of somebody only because nobody better was known to have it. */
    private static boolean isAskedOfAPoorOne(Piece piece, Neighbour better) {
        Neighbour source = piece.source;
        return piece.state == Piece.State.COMING
                && source != null
                && piece.blocks == 0
                && !better.chokesUs
                && source.failures > better.failures + 1;
    }

    /** A piece of the live edge that nobody has shown yet. */
    void opened(Piece piece, long now) {
        schedule(piece, now + (config.pullOnly() ? PULLED_WITHIN : PiecePicker.LAST_RESORT));
    }

    /** A block of a piece came: the next one is due. */
    void comes(Piece piece, Neighbour from, long now) {
        schedule(piece, now + (config.pullOnly() ? PULLED_WITHIN : timeout(from, 1)));
    }

    /** A pushed piece is whole. */
    void cameByItself(Piece piece, long now) {
        lateness.learn(piece, now);
    }

    /** A push came of what had been asked of somebody else in vain: to hear only of those in time would be to wait ever less. */
    void cameTooLate(Piece piece, long now) {
        lateness.learn(piece, now);
    }

    /** A piece turned out bad: it is asked for once more. */
    void askAgain(Piece piece, long now) {
        schedule(piece, now);
    }

    private void schedule(Piece piece, long at) {
        piece.due = at;
        if (at < piece.scheduledAt) {
            piece.scheduledAt = at;
            agenda.add(new Due(at, piece));
        }
    }

    long nextTick() {
        Due first = agenda.peek();
        return first == null ? Long.MAX_VALUE : first.at();
    }

    /** Does what the agenda has for now. */
    void act(long now) {
        for (Due first = agenda.peek(); first != null && first.at() <= now; first = agenda.peek()) {
            agenda.remove();
            Piece piece = first.piece();
            if (piece.scheduledAt != first.at()) {
                continue; // It was seen to earlier.
            }
            piece.scheduledAt = Piece.NEVER;
            if (!piece.wanted() || piece.due == Piece.NEVER) {
                continue;
            }
            if (piece.due > now) {
                schedule(piece, piece.due);
            } else if (piece.state == Piece.State.WANTED) {
                ask(piece, now - first.at() > HELD_UP, now);
            } else {
                stayedAway(piece, now - first.at() > HELD_UP, now);
            }
        }
    }

    /** What was being sent, or was asked for, has not come; the parent has nothing to pass on of what it is fetching itself. */
    private void stayedAway(Piece piece, boolean heldUp, long now) {
        boolean excused = heldUp || piece.pushed && piece.comingToParent;
        if (piece.source != null && piece.chunk.live && !config.isPlain() && !excused) {
            blame(piece.source); // What is older may wait long for what is not.
        }
        passOver(piece, excused, now);
    }

    /** The piece is looked for elsewhere, and for a while not asked again of whoever was to bring it. */
    private void passOver(Piece piece, boolean excused, long now) {
        Neighbour source = piece.source;
        if (source != null) {
            source.refused(piece.number, now + 4 * REFUSED_FOR);
            if (!excused) {
                trees.failed(piece.stripe(), source, now);
            }
        }
        lookElsewhere(piece, excused, now);
    }

    private void blame(Neighbour neighbour) {
        neighbour.failures++;
        if (neighbour.failures >= (neighbour.hasServed ? MAX_FAILURES : MAX_FAILURES_OF_STRANGER)
                && neighbour.isRelay()) {
            actions.drop(neighbour.link, SwarmActions.DropReason.SURPLUS); // Whatever ails it, another serves better.
        }
    }

    /** A neighbour is gone: what it was to bring is looked for elsewhere. */
    void linkDown(Neighbour gone, long now) {
        for (Chunk chunk : fetching) {
            for (Piece piece : chunk.pieces()) {
                if (piece.state == Piece.State.COMING && piece.source == gone) {
                    lookElsewhere(piece, false, now);
                }
            }
        }
    }

    private void lookElsewhere(Piece piece, boolean excused, long now) {
        boolean fromAStranger = piece.source != null && !piece.source.hasServed;
        takeBack(piece, null);
        piece.state = Piece.State.WANTED;
        piece.source = null;
        piece.pushed = false;
        Piece.Sighting shown = piece.firstTrusted();
        long usual = shown == null ? now : shown.at() + lateness.grace(shown.by());
        if (fromAStranger
                && usual > now
                && piece.chunk.live
                && trees.parent(piece.stripe()).isPresent()) {
            schedule(piece, usual); // What was asked of a stranger in vain is not late yet.
        } else {
            ask(piece, excused, now);
        }
    }

    /**
     * Asks for a wanted piece; where the parent was to bring it, the one that is asked takes its place.
     *
     * @param excused whether nobody is to blame for it
     */
    private void ask(Piece piece, boolean excused, long now) {
        int stripe = piece.stripe();
        Neighbour parent = trees.parent(stripe).orElse(null);
        Neighbour source = picker.source(piece, parent, now);
        if (source == null) {
            schedule(piece, now + RETRY);
            return;
        }
        if (piece.chunk.live && !config.isPlain()) {
            if (!excused
                    && parent != null
                    && source != parent
                    && !parent.isOrigin()
                    && parent.held.contains(piece.number)) {
                blame(parent);
                trees.failed(stripe, parent, now);
            }
            if (source.isRelay()) {
                trees.graft(stripe, source, now);
                if (source.hasServed && source.failures == 0) {
                    for (Neighbour kept : trees.otherParents(stripe, source)) {
                        // Who is as good as its word brings it: what the parent may have yet to push would come twice.
                        actions.send(kept.link, new LiveMessage.Coming(List.of(piece.number)));
                    }
                }
            }
        }
        request(piece, source, now);
        if (piece.chunk.live && !config.isPlain() && source.hasServed) {
            tellChildren(piece);
        }
    }

    /** A piece is late, and on its way here: the children need not look for it themselves. */
    private void tellChildren(Piece piece) {
        for (Neighbour child : trees.children(piece.stripe())) {
            if (!child.held.contains(piece.number)) {
                actions.send(child.link, new LiveMessage.Coming(List.of(piece.number)));
            }
        }
    }

    /** A late piece is on its way to its stripe's parent, or the rest of it: it is waited for a little longer, once. */
    void comingToParent(Piece piece, long now) {
        Neighbour parent = trees.parent(piece.stripe()).orElse(null);
        boolean waits = piece.state == Piece.State.WANTED
                || piece.state == Piece.State.COMING && piece.pushed && piece.source == parent;
        if (parent != null && parent.hasServed && piece.chunk.live && waits && !piece.comingToParent) {
            piece.comingToParent = true;
            schedule(piece, Math.max(piece.due, now + PARENT_FETCHES_WITHIN));
            tellChildren(piece);
        }
    }

    private void request(Piece piece, Neighbour source, long now) {
        piece.state = Piece.State.COMING;
        piece.source = source;
        piece.pushed = false;
        piece.startedAt = now;
        piece.attempts++;
        int blocks = 0;
        for (int i = 0; i < piece.blockCount(); i++) {
            if (!piece.hasBlock(i)) {
                source.asked(piece.number, i);
                actions.send(source.link, new PeerMessage.Request(piece.block(i)));
                blocks++;
            }
        }
        long within = timeout(source, blocks) * (piece.chunk.live ? 1 : PATIENCE);
        schedule(piece, now + (config.pullOnly() ? PULLED_WITHIN : within));
    }

    /** Plain pull: a neighbour has shown a piece, or sent one; it is asked for others, of the oldest chunk first. */
    void hasRoom(Neighbour by, long now) {
        if (!config.pullOnly()) {
            return;
        }
        for (Chunk chunk : fetching) {
            List<Piece> wanted = new ArrayList<>();
            for (Piece piece : chunk.pieces()) {
                if (piece.state == Piece.State.WANTED && by.held.contains(piece.number)) {
                    wanted.add(piece);
                }
            }
            while (!wanted.isEmpty()) {
                Piece piece = wanted.remove(random.nextInt(wanted.size()));
                if (by.chokesUs || by.requestedBlocks() + piece.blockCount() > PULLED_AT_ONCE * BLOCKS) {
                    return;
                }
                request(piece, by, now);
            }
        }
    }

    /** Takes back what was asked for of a piece, from everybody but {@code except}. */
    void takeBack(Piece piece, @Nullable Neighbour except) {
        Neighbour source = piece.source;
        if (source == null || source == except) {
            return;
        }
        int asked = source.takeBack(piece.number);
        for (int i = 0; asked >> i != 0; i++) {
            if ((asked & 1 << i) != 0) {
                actions.send(source.link, new PeerMessage.Cancel(piece.block(i)));
            }
        }
    }

    void rejected(Neighbour by, PeerMessage.Block block, long now) {
        int index = block.begin() / PeerMessage.BLOCK_LENGTH;
        if (!by.answered(block.piece(), index)) {
            return;
        }
        Piece piece = chunks.piece(block.piece()).orElse(null);
        if (piece == null || piece.state != Piece.State.COMING || piece.source != by || piece.pushed) {
            return;
        }
        if (trees.feedsUs(piece.stripe(), by) && !by.isOrigin()) {
            schedule(piece, Math.min(piece.due, now + by.rtt() + RETRY));
            return; // It crossed a push, which has its own time.
        }
        by.refused(
                block.piece(), now + (by.isOrigin() && !piece.chunk.live ? OLDER_REFUSED_BY_ORIGIN_FOR : REFUSED_FOR));
        lookElsewhere(piece, false, now);
    }

    private static long timeout(Neighbour source, int blocks) {
        double expected = 2 * source.rtt() + source.serviceTime() * (1 + (source.requestedBlocks() + blocks) / 4.0);
        return Math.min(MAX_TIMEOUT, Math.max(MIN_TIMEOUT, (long) (2 * expected)));
    }

    /** Asks for older pieces, the newest chunks first, as far as the neighbours' lines have room for it. */
    void fetchOlder(long now) {
        int tried = 0;
        for (int i = fetching.size() - 1; i >= 0 && tried < OLDER_AT_ONCE; i--) {
            Chunk chunk = fetching.get(i);
            if (chunk.live) {
                continue;
            }
            tried++;
            for (Piece piece = picker.rarest(chunk, now); piece != null; piece = picker.rarest(chunk, now)) {
                Neighbour source = picker.source(piece, null, now);
                if (source == null) {
                    break;
                }
                request(piece, source, now);
            }
        }
    }
}
