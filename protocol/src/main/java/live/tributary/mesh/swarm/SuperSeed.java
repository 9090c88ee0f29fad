package live.tributary.mesh.swarm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * The origin's way to send about one copy: each piece goes to one neighbour, the root of its stripe, and to another only if no
 * third one has shown it within a deadline.
 *
 * <p>Invariant: a piece is either waiting, or unproven (sent, and seen nowhere else), or forgotten here.
 */
final class SuperSeed {
    /*
     * Roots are few, because only so many links get records from the origin itself, and a root without the record can do nothing
     * with a piece. They are chosen by what others say: how long after a piece had left for a root did half of the origin's
     * other neighbours have it? That is the root's upload, and the good will of its subtree, as it really works. It is divided
     * by the share of its pieces that spread in time at all; where a second copy was needed, nobody knows whose it was that
     * spread, and neither counts. What a root says that it can send weighs too: who boasts is found out by what is measured.
     * A root that nobody has tried yet gets one stripe for a trial now and then.
     *
     * What nobody spreads may be nobody's fault: with few honest relays behind thin lines all second copies come too late. So
     * they never stand in the way of a new chunk, no neighbour is given up because of them, and a neighbour counts as useless
     * only where another one of the time is not.
     */
    static final int ROOTS = RecordExchange.ORIGIN_LINKS;

    private static final long SPREAD_WITHIN = 600_000_000L;
    /** A relay shows a piece as soon as it has checked it. */
    private static final long SHOWN_WITHIN = 250_000_000L;
    /** A piece that has not even left in this time is stuck. */
    private static final long LEAVES_WITHIN = 1_500_000_000L;

    /** Of how many waiting pieces a taker is looked for. */
    private static final int MAX_LOOKED_AT = 32;

    private static final double COST_OF_TRIED = 1e12;
    private static final double COST_OF_QUIET = 1e9;
    /** Whose gifts spread less often than this is of no use. */
    private static final double LEAST_SHARE = 0.05;

    private static final double USUAL_SHARE = 0.25;
    /** With no more neighbours than this none is dropped for being of no use: there may be nobody else. */
    private static final int ENOUGH = 2 * ROOTS;

    private static final long DROP_EVERY = 10_000_000_000L;
    /** New pieces go before those of chunks that were published so long before the newest. */
    private static final long OVERDUE_AFTER = 4_000_000_000L;

    /** To how many a root passes a piece on; what that takes on its line weighs beside what was measured, which is the half that is near. */
    private static final int FAN_OUT = 4;

    private static final double USUAL_NANOS = 100_000_000;
    /** What a neighbour is taken to send that says nothing or little, bits a second. */
    private static final double LEAST_CAPACITY = 5_000_000;

    private static final double WEIGHT_OF_NEW = 0.3;
    /** How much better another root must be. */
    private static final double HYSTERESIS = 0.75;
    /** One chunk in so many gives a trial to any neighbour, once all are known. */
    private static final int TRIAL_EVERY = 64;
    /** Trials go round the stripes in steps of this. */
    private static final int TRIAL_STRIDE = 5;
    /** The score of a neighbour that was never tried. */
    private static final double UNTRIED = 1.5;
    /** Pieces that are sent long ago and of which it is no longer asked whether they spread. */
    private static final int MAX_REMEMBERED = 8192;

    private final List<Neighbour> neighbours;
    private final Uplink uplink;
    private final Choking choking;
    private final RandomGenerator random;
    /** Whether there are no roots: each neighbour has its turn, and no piece is given again while who got it is there. */
    private final boolean inTurn;

    private final Pieces pieces;

    private final ArrayDeque<Long> waiting = new ArrayDeque<>();
    /** What waits of chunks that few still want at once: it leaves when nothing else waits. */
    private final ArrayDeque<Long> overdue = new ArrayDeque<>();

    private final ArrayDeque<Recent> recent = new ArrayDeque<>();
    /** Who was given a piece that did not spread from there. */
    private final Map<Long, Set<Neighbour>> again = new HashMap<>();

    private final Map<Long, Sent> unproven = new LinkedHashMap<>();
    private final Map<Long, Sent> remembered = new LinkedHashMap<>();
    private final Map<Neighbour, Score> scores = new LinkedHashMap<>();
    private final @Nullable Neighbour[] roots = new @Nullable Neighbour[LiveMessage.STRIPES];
    private int published;
    private long dropNextAt = Long.MIN_VALUE;
    /** How long a piece takes to spread, whoever is the root. */
    private double usualNanos;

    /** What is known of pieces. */
    interface Pieces {
        int renditionOf(long piece);

        /** Whether a neighbour knows its record, or may be told it now. */
        boolean mayGo(long piece, Neighbour to, long now);
    }

    /** A chunk that was published not long ago. */
    private record Recent(long firstPiece, long at) {}

    private static final class Score {
        /** How long its pieces took to spread, over what all took at the time. */
        double spread = 1;

        int samples;
        /** Which share of its pieces spread in time. */
        double share = 1;

        /** Whether it has shown nothing since it was given a piece and had the time to show it: it may be dead. */
        boolean quiet;

        void spreads(boolean inTime) {
            share += WEIGHT_OF_NEW / 2 * ((inTime ? 1 : 0) - share);
        }
    }

    private static final class Sent {
        final Neighbour to;
        long leftAt = Long.MAX_VALUE;
        long due = Long.MAX_VALUE;
        boolean shown;
        boolean measured;
        final Set<Neighbour> seenAt = new HashSet<>();

        Sent(Neighbour to) {
            this.to = to;
        }
    }

    SuperSeed(
            List<Neighbour> neighbours,
            Uplink uplink,
            Choking choking,
            RandomGenerator random,
            boolean inTurn,
            Pieces pieces) {
        this.neighbours = neighbours;
        this.uplink = uplink;
        this.choking = choking;
        this.inTurn = inTurn;
        this.pieces = pieces;
        this.random = random;
    }

    void published(ChunkRecord record, long now) {
        published++;
        if (!inTurn) {
            chooseRoots();
        }
        recent.add(new Recent(record.firstPiece(), now));
        while (now - recent.element().at() > OVERDUE_AFTER) {
            recent.remove();
        }
        for (Iterator<Long> i = waiting.iterator(); i.hasNext(); ) {
            long piece = i.next();
            if (isOverdue(piece)) {
                i.remove();
                overdue.add(piece);
            }
        }
        for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
            waiting.add(piece);
        }
    }

    /** A chunk has left the live edge: what still waits of it goes to whoever asks; whether anything did. */
    boolean retired(ChunkRecord record) {
        boolean waits = waiting.removeIf(p -> p >= record.firstPiece() && p < record.endPiece());
        return overdue.removeIf(p -> p >= record.firstPiece() && p < record.endPiece()) | waits;
    }

    void evicted(ChunkRecord record) {
        retired(record);
        again.keySet().removeIf(p -> p >= record.firstPiece() && p < record.endPiece());
        unproven.keySet().removeIf(p -> p >= record.firstPiece() && p < record.endPiece());
    }

    boolean idle() {
        return waiting.isEmpty() && overdue.isEmpty();
    }

    /** Whether a piece is of a chunk that was published long before the newest. */
    private boolean isOverdue(long piece) {
        return !recent.isEmpty() && piece < recent.element().firstPiece();
    }

    /** The links that should hear of a record from the origin itself: the roots of its first pieces, then other relays. */
    List<Neighbour> audience(ChunkRecord record) {
        List<Neighbour> audience = new ArrayList<>();
        for (int i = 0; i < LiveMessage.STRIPES; i++) {
            Neighbour root = roots[(int) ((record.firstPiece() + i) % LiveMessage.STRIPES)];
            if (root != null && !audience.contains(root)) {
                audience.add(root);
            }
        }
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && !audience.contains(neighbour)) {
                audience.add(neighbour);
            }
        }
        for (Neighbour neighbour : neighbours) {
            if (!audience.contains(neighbour)) {
                audience.add(neighbour);
            }
        }
        return audience;
    }

    /** A piece and whom to send it to. */
    record Gift(long piece, Neighbour to) {}

    /** The next piece that is due to leave and that somebody takes; a piece that nobody takes keeps its place. */
    @Nullable
    Gift next(long now) {
        Gift gift = next(waiting, now);
        return gift == null ? next(overdue, now) : gift;
    }

    private @Nullable Gift next(ArrayDeque<Long> queue, long now) {
        int looked = 0;
        for (Iterator<Long> i = queue.iterator(); i.hasNext() && looked < MAX_LOOKED_AT; looked++) {
            long piece = i.next();
            Neighbour to = taker(piece, now);
            if (to != null) {
                i.remove();
                Sent sent = new Sent(to);
                sent.due = due(now + LEAVES_WITHIN);
                unproven.put(piece, sent);
                return new Gift(piece, to);
            }
            if (again.containsKey(piece) && relays(piece) > 0) {
                i.remove(); // Whoever still lacks it asks for it.
            }
        }
        return null;
    }

    /** The stripe's root, or else another that was not given the piece yet, or else any that lacks it. */
    private @Nullable Neighbour taker(long piece, long now) {
        if (inTurn) {
            return whoseTurn(piece, now);
        }
        Set<Neighbour> tried = again.getOrDefault(piece, Set.of());
        Neighbour root = roots[(int) (piece % LiveMessage.STRIPES)];
        if (root != null && takes(root, piece, now) && !tried.contains(root) && !isQuiet(root)) {
            return root;
        }
        Neighbour best = null;
        for (Neighbour neighbour : neighbours) {
            if (takes(neighbour, piece, now)
                    && (tried.isEmpty() || !isUseless(neighbour, now))
                    && (best == null || cost(neighbour, tried) < cost(best, tried))) {
                best = neighbour;
            }
        }
        return best;
    }

    private @Nullable Neighbour whoseTurn(long piece, long now) {
        for (int i = 0; i < neighbours.size(); i++) {
            Neighbour neighbour = neighbours.get((int) ((piece + i) % neighbours.size()));
            if (takes(neighbour, piece, now)) {
                return neighbour;
            }
        }
        return null;
    }

    private boolean isQuiet(Neighbour neighbour) {
        Score score = scores.get(neighbour);
        return score != null && score.quiet;
    }

    /** Whether what a neighbour is given does not spread, though it does from another. */
    private boolean isUseless(Neighbour neighbour, long now) {
        Score its = scores.get(neighbour);
        if (its == null || its.share >= LEAST_SHARE) {
            return false;
        }
        for (Map.Entry<Neighbour, Score> other : scores.entrySet()) {
            if (other.getValue().share >= USUAL_SHARE && !uplink.stalled(other.getKey(), now)) {
                return true;
            }
        }
        return false;
    }

    private double cost(Neighbour neighbour, Set<Neighbour> tried) {
        return score(neighbour)
                + (isQuiet(neighbour) ? COST_OF_QUIET : 0)
                + (tried.contains(neighbour) ? COST_OF_TRIED : 0);
    }

    /** The last byte of a piece has left. */
    void left(Neighbour to, long piece, long now) {
        Sent sent = unproven.get(piece);
        if (sent != null && sent.to == to) {
            sent.leftAt = now;
            sent.due = due(now + SHOWN_WITHIN + 3 * to.rtt());
        }
    }

    /** A neighbour shows that it has a piece. */
    void seen(Neighbour by, long piece, long now) {
        Score score = scores.get(by);
        if (score != null) {
            score.quiet = false;
        }
        Sent sent = unproven.get(piece);
        if (sent == null) {
            sent = remembered.get(piece);
        }
        if (sent == null || sent.measured) {
            return;
        }
        if (by == sent.to) {
            if (!sent.shown && sent.leftAt != Long.MAX_VALUE) {
                sent.shown = true;
                sent.due = due(sent.leftAt + SPREAD_WITHIN + 2 * by.rtt());
            }
            if (relays(piece) == 1) {
                unproven.remove(piece);
            }
            return;
        }
        sent.seenAt.add(by);
        if (sent.seenAt.size() >= quorum(piece) && unproven.remove(piece) != null) {
            if (again.remove(piece) != null) {
                return; // Nobody knows whose copy it was that spread.
            }
            scores.computeIfAbsent(sent.to, n -> new Score()).spreads(true);
            remembered.put(piece, sent);
            if (remembered.size() > MAX_REMEMBERED) {
                Iterator<Long> oldest = remembered.keySet().iterator();
                oldest.next();
                oldest.remove();
            }
        }
        if (sent.leftAt != Long.MAX_VALUE && sent.seenAt.size() * 2 >= relays(piece) - 1) {
            sent.measured = true;
            score(sent.to, now - sent.leftAt);
        }
    }

    /** Whether nobody can have a piece yet, since it has not left. */
    boolean nobodyHas(long piece) {
        return !again.containsKey(piece) && (waiting.contains(piece) || overdue.contains(piece));
    }

    /** Whether a request for a piece may be served now: nobody else was given it a moment ago. */
    boolean mayServe(Neighbour to, long piece, long now) {
        if (!idle() && isUseless(to, now)) {
            return false; // Others go first.
        }
        if (waiting.contains(piece) || overdue.contains(piece)) {
            return false; // It will leave in its turn.
        }
        Sent sent = unproven.get(piece);
        return sent == null || sent.to == to;
    }

    /** A request is served like a gift, so that nobody else gets the same piece before it could spread. */
    void serving(Neighbour to, long piece, long now) {
        if (isSpread(piece)) {
            return;
        }
        Sent sent = unproven.computeIfAbsent(piece, p -> new Sent(to));
        sent.leftAt = now;
        sent.due = due(now + SPREAD_WITHIN + 2 * to.rtt());
    }

    private long due(long at) {
        return inTurn ? Long.MAX_VALUE : at;
    }

    /** Pieces that did not spread in time go to the front of the queue again, for somebody else. */
    void tick(long now) {
        for (Iterator<Map.Entry<Long, Sent>> i = unproven.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<Long, Sent> entry = i.next();
            Sent sent = entry.getValue();
            if (now >= sent.due) {
                i.remove();
                sent.to.outbox.dropPush(entry.getKey());
                Score score = score(sent.to, 2 * SPREAD_WITHIN);
                score.spreads(false);
                score.quiet = !sent.shown;
                if (spreadable(entry.getKey(), sent.to, now)) {
                    giveAgain(entry.getKey(), entry.getValue().to);
                }
            }
        }
    }

    /**
     * A neighbour that keeps what it is given to itself, to be dropped for another: seldom, and only while too few are of use. For
     * where pieces do not spread, the fault may be everywhere else.
     */
    Optional<Neighbour> useless(long now) {
        if (now < dropNextAt || scores.size() <= ENOUGH) {
            return Optional.empty();
        }
        int useful = 0;
        Neighbour worst = null;
        for (Map.Entry<Neighbour, Score> entry : scores.entrySet()) {
            Score score = entry.getValue();
            useful += score.share >= USUAL_SHARE ? 1 : 0;
            if (score.share < LEAST_SHARE && (worst == null || score.spread > score(worst))) {
                worst = entry.getKey();
            }
        }
        if (useful >= ROOTS || worst == null) {
            return Optional.empty();
        }
        dropNextAt = now + DROP_EVERY;
        return Optional.of(worst);
    }

    private void giveAgain(long piece, Neighbour failed) {
        if (isOverdue(piece)) {
            overdue.add(piece);
        } else {
            waiting.addFirst(piece);
        }
        again.computeIfAbsent(piece, p -> new HashSet<>()).add(failed);
    }

    /** A neighbour is gone: what only it was given must be given again. */
    void linkDown(Neighbour gone) {
        scores.remove(gone);
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            if (roots[stripe] == gone) {
                roots[stripe] = null;
            }
        }
        for (Iterator<Map.Entry<Long, Sent>> i = unproven.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<Long, Sent> entry = i.next();
            if (entry.getValue().to == gone) {
                i.remove();
                giveAgain(entry.getKey(), entry.getValue().to);
            }
        }
    }

    long nextTick() {
        long next = Long.MAX_VALUE;
        for (Sent sent : unproven.values()) {
            next = Math.min(next, sent.due);
        }
        return next;
    }

    private boolean spreadable(long piece, Neighbour except, long now) {
        for (Neighbour neighbour : neighbours) {
            if (neighbour != except && takes(neighbour, piece, now)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a neighbour grafted itself to the piece's stripe and lacks it. */
    private boolean takes(Neighbour neighbour, long piece, long now) {
        return neighbour.isRelay()
                && neighbour.carries(pieces.renditionOf(piece))
                && !uplink.stalled(neighbour, now)
                && (inTurn || (neighbour.fedByUs & 1 << (int) (piece % LiveMessage.STRIPES)) != 0)
                && choking.mayGive(neighbour)
                && !neighbour.held.contains(piece)
                && pieces.mayGo(piece, neighbour, now);
    }

    private boolean isSpread(long piece) {
        int holders = 0;
        for (Neighbour neighbour : neighbours) {
            holders += neighbour.isRelay() && neighbour.held.contains(piece) ? 1 : 0;
        }
        return holders > quorum(piece);
    }

    /** So many must show a piece before it counts as spread: one alone may lie. */
    private int quorum(long piece) {
        return Math.max(1, (relays(piece) - 1) / 3);
    }

    /** How many neighbours a piece is for. */
    private int relays(long piece) {
        int rendition = pieces.renditionOf(piece);
        int count = 0;
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && neighbour.carries(rendition)) {
                count++;
            }
        }
        return count;
    }

    private Score score(Neighbour root, double nanos) {
        usualNanos = usualNanos == 0 ? nanos : usualNanos + WEIGHT_OF_NEW / ROOTS * (nanos - usualNanos);
        Score score = scores.computeIfAbsent(root, n -> new Score());
        double sample = nanos / usualNanos;
        score.spread = score.samples == 0 ? sample : score.spread + WEIGHT_OF_NEW * (sample - score.spread);
        score.samples++;
        return score;
    }

    /** Lower is better; a neighbour that was never tried counts as a poor one. */
    private double score(Neighbour neighbour) {
        Score score = scores.get(neighbour);
        double measured =
                score == null || score.samples == 0 ? UNTRIED : score.spread / Math.max(LEAST_SHARE / 100, score.share);
        double roundNanos = FAN_OUT * ChunkRecord.PIECE_LENGTH * 8e9 / Math.max(LEAST_CAPACITY, neighbour.capacity);
        return measured * (1 + roundNanos / USUAL_NANOS);
    }

    private void chooseRoots() {
        List<Neighbour> candidates = new ArrayList<>();
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && neighbour.fedByUs != 0 && !neighbour.choked) {
                candidates.add(neighbour);
            }
        }
        if (candidates.isEmpty()) {
            return;
        }
        candidates.sort(Comparator.comparingDouble(this::preference));
        assign(candidates.subList(0, Math.min(ROOTS, candidates.size())));
        Neighbour trial = trial(candidates);
        if (trial != null) {
            roots[published * TRIAL_STRIDE % LiveMessage.STRIPES] = trial;
        }
    }

    /** Who is root now stays it unless another is clearly better. */
    private double preference(Neighbour neighbour) {
        for (Neighbour root : roots) {
            if (root == neighbour) {
                return HYSTERESIS * score(neighbour);
            }
        }
        return score(neighbour);
    }

    /** Who gets one stripe for one chunk, to see what becomes of it: whoever was never tried, else seldom anybody. */
    private @Nullable Neighbour trial(List<Neighbour> candidates) {
        for (Neighbour candidate : candidates) {
            if (!scores.containsKey(candidate)) {
                return candidate;
            }
        }
        return published % TRIAL_EVERY == 0 ? candidates.get(random.nextInt(candidates.size())) : null;
    }

    /** Gives stripes without a root of the chosen ones to those that have fewest; the others stay. */
    private void assign(List<Neighbour> chosen) {
        int[] stripes = new int[chosen.size()];
        for (Neighbour root : roots) {
            int index = root == null ? -1 : chosen.indexOf(root);
            if (index >= 0) {
                stripes[index]++;
            }
        }
        int share = (LiveMessage.STRIPES + chosen.size() - 1) / chosen.size();
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            Neighbour root = roots[stripe];
            int index = root == null ? -1 : chosen.indexOf(root);
            if (index >= 0 && stripes[index] <= share) {
                continue;
            }
            if (index >= 0) {
                stripes[index]--;
            }
            int fewest = 0;
            for (int i = 1; i < stripes.length; i++) {
                if (stripes[i] < stripes[fewest]) {
                    fewest = i;
                }
            }
            roots[stripe] = chosen.get(fewest);
            stripes[fewest]++;
        }
    }
}
