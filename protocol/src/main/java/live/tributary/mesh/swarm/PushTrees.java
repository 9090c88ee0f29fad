package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * This node's place in the sixteen push trees: from whom it takes each stripe, and to whom it gives it.
 *
 * <p>Invariant: a stripe has at most one parent among the relays, and no neighbour is parent and child of the same stripe. So
 * in a mesh at rest nothing arrives twice.
 */
final class PushTrees {
    /*
     * A tree is an outcome: every node takes each stripe from the neighbour that would deliver it first. What "first" means is
     * measured on every piece, at no cost, by the HAVEs that came before the piece did. For each such neighbour
     *
     *     gain = time of the whole piece - (time of its HAVE + what a piece takes from it)
     *
     * is smoothed per stripe; when the best gain stays above a threshold the node grafts itself there and prunes the old
     * edge. Two pieces of one stripe are fifteen others apart, so a change between them costs no duplicate. A neighbour with a
     * thin or busy line delivers late, so it loses children by itself; one that has too many says prune to a graft.
     * Whoever sends the prune, it ends the edge in both directions.
     *
     * A tree hangs by its root, and an origin may choose another one, for a piece or for good. So what the origin gives to a node
     * further down goes up as well, as in Plumtree, where edges have no direction; else the new root would have no children, and
     * all would wait until they miss the piece. Where the origin does so with a second chunk, the edge is turned: the node leaves
     * its parent and takes it as a child, and the parent, which is pushed a piece by who has just left it, does the same further up.
     *
     * The nearer to the root, the more depends on a node: so a full one takes a neighbour that says it can send much more instead
     * of the child that can send least, and serves those first that can send most. The others find themselves places below them.
     */
    /** How much earlier another parent must be to be worth a change. */
    private static final double MIN_GAIN = 5_000_000;

    private static final double WEIGHT_OF_NEW = 0.4;
    /** What a neighbour counts that did not have the piece before it came, ns. */
    private static final double LATER = -60_000_000;

    private static final long WELCOME_AFTER_LEAVING = 1_000_000_000L;
    private static final long NO_GRAFT_AFTER_REFUSAL = 8_000_000_000L;
    private static final long NO_GRAFT_AFTER_FAILURE = 20_000_000_000L;
    /** The share of the upload that may be promised to children, at the stream's mean rate: it comes at twice that, and late pieces are asked for. */
    static final double PROMISED_SHARE = 0.35;
    /** In what time a piece shall have left for the last child of its stripe, where there is more than one. */
    private static final double MAX_ROUND = 75_000_000;

    private static final int MIN_CHILDREN = 1;
    /** How many times as much a neighbour must be able to send to be taken instead of another. */
    private static final double MORE = 1.5;
    /** A node whose queue is longer than this takes no new child. */
    private static final long MAX_BACKLOG = 150_000_000L;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final List<Neighbour> neighbours;
    private final Uplink uplink;
    private final RandomGenerator random;
    private final @Nullable Neighbour[] parents = new @Nullable Neighbour[LiveMessage.STRIPES];
    /** The chunk with which the origin last gave us a piece of the stripe, if nobody else has since; by stripe. */
    private final @Nullable Chunk[] givenWith = new @Nullable Chunk[LiveMessage.STRIPES];
    /** The stream's mean rate over all renditions. */
    private double bitsPerSecond;

    PushTrees(
            SwarmConfig config,
            SwarmActions actions,
            List<Neighbour> neighbours,
            Uplink uplink,
            RandomGenerator random) {
        this.config = config;
        this.actions = actions;
        this.neighbours = neighbours;
        this.uplink = uplink;
        this.random = random;
    }

    private static int bit(int stripe) {
        return 1 << stripe;
    }

    void streamRate(double bitsPerSecond) {
        this.bitsPerSecond = bitsPerSecond;
    }

    /** An origin pushes to whom it chooses, so whoever is linked to one joins all its trees at once. */
    void joinOrigin(Neighbour origin) {
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            origin.feedsUs |= bit(stripe);
            actions.send(origin.link, new LiveMessage.Tree(stripe, true));
        }
    }

    Optional<Neighbour> parent(int stripe) {
        return Optional.ofNullable(parents[stripe]);
    }

    boolean feedsUs(int stripe, Neighbour neighbour) {
        return (neighbour.feedsUs & bit(stripe)) != 0;
    }

    /** Whether pieces of a stripe may come from a neighbour unasked. */
    boolean mayPush(int stripe, Neighbour neighbour, long now) {
        return feedsUs(stripe, neighbour)
                || now < neighbour.welcomeUntil[stripe]
                || !neighbour.mayLie() && (now < neighbour.turnsUntil[stripe] || isChild(stripe, neighbour));
    }

    /** A piece was pushed that was here already, or that may not be pushed: an edge that is not needed ends. */
    void needless(int stripe, Neighbour from) {
        if (parents[stripe] != from && !from.isOrigin() && !isChild(stripe, from)) {
            from.feedsUs &= ~bit(stripe);
            from.turnsUntil[stripe] = Long.MIN_VALUE;
            actions.send(from.link, new LiveMessage.Tree(stripe, false));
        }
    }

    /** Who has a piece pushed besides the children: the parent, where the piece came from the origin or from below. */
    Optional<Neighbour> above(Piece piece) {
        Neighbour parent = parents[piece.stripe()];
        Neighbour source = piece.source;
        boolean turned = piece.pushed && source != null && (source.isOrigin() || isChild(piece.stripe(), source));
        return turned && parent != null && parent.isRelay() && parent != source
                ? Optional.of(parent)
                : Optional.empty();
    }

    boolean isChild(int stripe, Neighbour neighbour) {
        return (neighbour.fedByUs & bit(stripe)) != 0;
    }

    /** The children of a stripe, those first that can send most: the more hangs below them. */
    List<Neighbour> children(int stripe) {
        List<Neighbour> children = new ArrayList<>();
        for (Neighbour neighbour : neighbours) {
            if (isChild(stripe, neighbour)) {
                children.add(neighbour);
            }
        }
        children.sort(Comparator.comparingLong((Neighbour child) -> child.capacity)
                .reversed()
                .thenComparingDouble(Neighbour::serviceTime));
        return children;
    }

    int children() {
        int count = 0;
        for (Neighbour neighbour : neighbours) {
            count += Integer.bitCount(neighbour.fedByUs);
        }
        return count;
    }

    // Edges

    /** Takes {@code neighbour} as the stripe's parent instead of any other, if it may be asked. */
    boolean graft(int stripe, Neighbour neighbour, long now) {
        if (parents[stripe] == neighbour) {
            return true;
        }
        if (neighbour.isOrigin()) {
            leave(stripe, now);
            parents[stripe] = neighbour; // Joined when the link came up.
            return true;
        }
        if (!mayGraft(stripe, neighbour, now)) {
            return false;
        }
        leave(stripe, now);
        parents[stripe] = neighbour;
        neighbour.feedsUs |= bit(stripe);
        actions.send(neighbour.link, new LiveMessage.Tree(stripe, true));
        return true;
    }

    private boolean mayGraft(int stripe, Neighbour neighbour, long now) {
        return neighbour.isRelay()
                && !isChild(stripe, neighbour)
                && !neighbour.full()
                && !neighbour.chokesUs
                && now >= neighbour.noGraftBefore[stripe]
                && (neighbour.hasServed || neighbour.failures == 0 && neighbour.feedsUs == 0);
    }

    private void leave(int stripe, long now) {
        Neighbour old = parents[stripe];
        parents[stripe] = null;
        if (old != null && !old.isOrigin()) {
            old.feedsUs &= ~bit(stripe);
            old.welcomeUntil[stripe] = now + WELCOME_AFTER_LEAVING;
            actions.send(old.link, new LiveMessage.Tree(stripe, false));
        }
    }

    /** The parent did not deliver: it is left, and not asked again for a while. */
    void failed(int stripe, Neighbour parent, long now) {
        if (parents[stripe] == parent) {
            leave(stripe, now);
            parent.gain[stripe] = LATER;
            parent.noGraftBefore[stripe] = now + NO_GRAFT_AFTER_FAILURE;
        }
    }

    /** A neighbour joins one of our trees, or leaves it; or it refuses us. */
    void received(Neighbour from, LiveMessage.Tree tree, long now) {
        int stripe = tree.stripe();
        if (tree.graft()) {
            if (accepts(stripe, from, now) || makesRoom(stripe, from)) {
                from.fedByUs |= bit(stripe);
            } else {
                actions.send(from.link, new LiveMessage.Tree(stripe, false));
            }
            return;
        }
        if (config.role() == NodeRole.RELAY) {
            from.outbox.dropPushes(stripe); // It has asked somebody else.
            if (isChild(stripe, from)) {
                from.turnsUntil[stripe] = now + WELCOME_AFTER_LEAVING;
            }
        }
        from.fedByUs &= ~bit(stripe);
        if (feedsUs(stripe, from)) {
            from.feedsUs &= ~bit(stripe);
            from.welcomeUntil[stripe] = now + WELCOME_AFTER_LEAVING;
            from.noGraftBefore[stripe] = now + NO_GRAFT_AFTER_REFUSAL;
            if (parents[stripe] == from) {
                parents[stripe] = null;
                graftNextBest(stripe, now);
            }
        }
    }

    private boolean accepts(int stripe, Neighbour from, long now) {
        if (config.role() == NodeRole.ORIGIN) {
            return true; // It promises nothing: it gives each piece to whom it chooses.
        }
        if (isChild(stripe, from)) {
            return true; // The edge was turned.
        }
        if (parents[stripe] == from || from.choked) {
            return false;
        }
        double pieceNanos = ChunkRecord.PIECE_LENGTH * 8e9 / config.uploadBitsPerSecond();
        int siblings = 0;
        for (Neighbour neighbour : neighbours) {
            siblings += isChild(stripe, neighbour) ? 1 : 0;
        }
        if (siblings >= MIN_CHILDREN && (siblings + 1) * pieceNanos > MAX_ROUND) {
            return false;
        }
        double promised = (children() + 1) * bitsPerSecond / LiveMessage.STRIPES;
        return promised <= config.uploadBitsPerSecond() * PROMISED_SHARE && uplink.backlogNanos(now) <= MAX_BACKLOG;
    }

    /**
     * A child with much less to send makes room for one with more: who has more belongs further up. It is its own word that counts,
     * so that one alone makes room until it has shown what it was given.
     */
    private boolean makesRoom(int stripe, Neighbour from) {
        if (parents[stripe] == from || from.choked || from.hadRoomMade && !from.conduct.hasShown()) {
            return false;
        }
        Neighbour least = null;
        for (Neighbour neighbour : neighbours) {
            if (isChild(stripe, neighbour) && (least == null || neighbour.capacity < least.capacity)) {
                least = neighbour;
            }
        }
        if (least == null || from.capacity < least.capacity * MORE) {
            return false;
        }
        from.hadRoomMade = true;
        least.fedByUs &= ~bit(stripe);
        actions.send(least.link, new LiveMessage.Tree(stripe, false));
        return true;
    }

    void linkDown(Neighbour gone, long now) {
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            if (parents[stripe] == gone) {
                parents[stripe] = null;
                graftNextBest(stripe, now);
            }
        }
    }

    /** A parent pushes no more. */
    void choked(Neighbour parent, long now) {
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            if (parents[stripe] == parent && !parent.isOrigin()) {
                leave(stripe, now);
                graftNextBest(stripe, now);
            }
        }
    }

    /** The neighbour whose pieces of this stripe came earliest of late, if any came before ours. */
    private void graftNextBest(int stripe, long now) {
        Neighbour best = null;
        for (Neighbour neighbour : neighbours) {
            if (mayGraft(stripe, neighbour, now)
                    && neighbour.gain[stripe] > LATER / 2
                    && (best == null || neighbour.gain[stripe] > best.gain[stripe])) {
                best = neighbour;
            }
        }
        if (best != null) {
            graft(stripe, best, now);
        }
    }

    // Measurements

    /** A piece is whole: learns from who had it before, and moves to a better parent if there is one. */
    void learn(Piece piece, long now) {
        int stripe = piece.stripe();
        Neighbour source = piece.source;
        for (Neighbour neighbour : neighbours) {
            if (!neighbour.isRelay()) {
                continue;
            }
            double sample = LATER;
            for (Piece.Sighting sighting : piece.sightings()) {
                if (sighting.by() == neighbour) {
                    sample = now - sighting.at() - neighbour.serviceTime();
                }
            }
            neighbour.gain[stripe] += WEIGHT_OF_NEW * (Math.max(LATER, sample) - neighbour.gain[stripe]);
        }
        if (source != null && source.isOrigin()) {
            if (piece.pushed) {
                given(stripe, source, piece.chunk, now);
            }
            return;
        }
        givenWith[stripe] = null;
        if (source != null && piece.pushed && now < source.turnsUntil[stripe]) {
            source.turnsUntil[stripe] = Long.MIN_VALUE;
            turn(stripe, source, now);
            return;
        }
        Neighbour parent = parents[stripe];
        Neighbour best = null;
        for (Neighbour neighbour : neighbours) {
            if (neighbour != parent
                    && mayGraft(stripe, neighbour, now)
                    && (best == null || neighbour.gain[stripe] > best.gain[stripe])) {
                best = neighbour;
            }
        }
        if (best == null) {
            return;
        }
        double over = parent == null || parent.isOrigin() ? LATER : Math.max(0, parent.gain[stripe]);
        if (best.gain[stripe] - over > MIN_GAIN && random.nextInt(2) == 0) {
            graft(stripe, best, now);
        }
    }

    /** A piece of the origin's: once may be a trial, with a second chunk this node is the stripe's root. */
    private void given(int stripe, Neighbour origin, Chunk with, long now) {
        boolean again = givenWith[stripe] != null && givenWith[stripe] != with;
        givenWith[stripe] = with;
        if (again || parents[stripe] == null) {
            turn(stripe, origin, now);
        }
    }

    /** Takes a new parent that is nearer to the stripe's root, and the old one as a child. */
    private void turn(int stripe, Neighbour parent, long now) {
        Neighbour old = parents[stripe];
        if (graft(stripe, parent, now) && old != null && old != parent && old.isRelay()) {
            old.fedByUs |= bit(stripe);
        }
    }

    /** The parents of a stripe but one: those who might push a piece that is coming from elsewhere. */
    List<Neighbour> otherParents(int stripe, Neighbour except) {
        Neighbour parent = parents[stripe];
        return parent == null || parent == except || parent.isOrigin() ? List.of() : List.of(parent);
    }

    @Override
    public String toString() {
        return Arrays.toString(parents);
    }
}
