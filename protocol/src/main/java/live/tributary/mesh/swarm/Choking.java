package live.tributary.mesh.swarm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.wire.PeerMessage;

/**
 * Who is served: everybody who shows what he got, and every newcomer.
 *
 * <p>A relay tells all its neighbours of each piece that it has verified. So one that is given piece after piece and shows none
 * either keeps them to itself or cannot use them; it is choked for a while, and then has another chance, at once where it shows all
 * of them after all. Nothing else that it says can spare it that: a piece that it does show can be asked of it, and then it
 * forwards or is found out.
 */
final class Choking {
    /** So many pieces in a row that were not shown are no accident. */
    private static final int MAX_KEPT = 8;
    /** After it was choked it has fewer left. */
    private static final int KEPT_AT_SECOND_CHANCE = 6;

    private static final long SHOWN_WITHIN = 3_000_000_000L;
    private static final long CHOKED_FOR = 30_000_000_000L;
    /** Each time it takes twice as long, up to this often. */
    private static final int MAX_DOUBLINGS = 5;
    /** Of how many pieces that it was sent at a time it is watched whether it shows them. */
    private static final int MAX_WATCHED = 64;

    private final SwarmActions actions;
    private final List<Neighbour> neighbours;
    private final boolean seeds;

    /** What is known of one neighbour. */
    static final class Conduct {
        private final ArrayDeque<Given> given = new ArrayDeque<>();
        /** What it was choked for: given, and not shown. */
        private final List<Long> owed = new ArrayList<>();

        private int kept;
        private boolean hasShown;
        private int chokes;
        private long unchokeAt;

        /** Whether it has shown a piece that we gave it. */
        boolean hasShown() {
            return hasShown;
        }
    }

    private record Given(long piece, long at) {}

    /** @param seeds whether this is an origin, whose trees are joined once and for all when a link comes up */
    Choking(SwarmActions actions, List<Neighbour> neighbours, boolean seeds) {
        this.actions = actions;
        this.neighbours = neighbours;
        this.seeds = seeds;
    }

    /** Whether a neighbour may be given another piece: until it has shown one of ours, not many at a time. */
    boolean mayGive(Neighbour to) {
        Conduct conduct = to.conduct;
        return !to.choked && (conduct.hasShown || conduct.kept + conduct.given.size() < MAX_KEPT);
    }

    /** The last of a good piece has left for a neighbour. */
    void gave(Neighbour to, long piece, long now) {
        if (to.isRelay() && !to.held.contains(piece) && to.conduct.given.size() < MAX_WATCHED) {
            to.conduct.given.add(new Given(piece, now));
        }
    }

    /** Draws the conclusions of what was shown since the last time. */
    void tick(long now) {
        for (Neighbour neighbour : neighbours) {
            Conduct conduct = neighbour.conduct;
            if (neighbour.choked && hasShownAll(neighbour)) {
                conduct.hasShown = true;
                unchoke(neighbour, 0); // It was stuck, as a machine that slept is.
            } else if (neighbour.choked && now >= conduct.unchokeAt) {
                unchoke(neighbour, KEPT_AT_SECOND_CHANCE);
            }
            while (!conduct.given.isEmpty()) {
                Given oldest = conduct.given.element();
                boolean shown = neighbour.held.contains(oldest.piece());
                if (!shown && now - oldest.at() < SHOWN_WITHIN) {
                    break;
                }
                conduct.given.remove();
                conduct.kept = shown ? 0 : conduct.kept + 1;
                if (shown) {
                    conduct.owed.clear();
                } else if (conduct.owed.size() < MAX_WATCHED) {
                    conduct.owed.add(oldest.piece());
                }
                conduct.hasShown |= shown;
            }
            if (!neighbour.choked && conduct.kept >= MAX_KEPT) {
                choke(neighbour, now);
            }
        }
    }

    private static boolean hasShownAll(Neighbour neighbour) {
        List<Long> owed = neighbour.conduct.owed;
        return !owed.isEmpty() && owed.stream().allMatch(neighbour.held::contains);
    }

    private void unchoke(Neighbour neighbour, int kept) {
        neighbour.choked = false;
        neighbour.conduct.kept = kept;
        neighbour.conduct.owed.clear();
        actions.send(neighbour.link, new PeerMessage.Unchoke());
    }

    private void choke(Neighbour neighbour, long now) {
        neighbour.choked = true;
        neighbour.fedByUs = seeds ? neighbour.fedByUs : 0;
        neighbour.conduct.given.clear();
        neighbour.conduct.hasShown = false;
        neighbour.conduct.unchokeAt = now + (CHOKED_FOR << Math.min(MAX_DOUBLINGS, neighbour.conduct.chokes++));
        actions.send(neighbour.link, new PeerMessage.Choke());
        for (PeerMessage.Block request : neighbour.outbox.clear()) {
            actions.send(neighbour.link, new PeerMessage.Reject(request)); // BEP 6: a choke answers no request.
        }
    }
}
