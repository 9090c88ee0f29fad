package live.tributary.mesh.swarm;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;

/** What one rendition's chain lacks, and the one question that is open about it: a page of records, put to one neighbour. */
final class RecordInquiry {
    /*
     * What is asked for, in this order: the gap between the chain and what waits above it; the way up to a record too far ahead to
     * be looked at, of which a node hears that has slept; what came before the oldest, as far as the history goes. A node that
     * knows nothing of a rendition yet holds the first record that it hears and asks for what came before, so that the chain can
     * be handed on from its oldest record.
     *
     * Where as many neighbours as are worth a try have no answer, the chain goes on without: what waits above the gap joins it,
     * and where there is no gap, the record far ahead is taken as the next.
     */

    /** The most records of one answer that are asked for: as many as may be held. */
    private static final int PAGE = RecordChain.MAX_HELD;

    private static final long ANSWER_WITHIN = 2_000_000_000L;
    private static final long ASK_AGAIN_AFTER = 30_000_000_000L;
    private static final int MAX_TRIES = 4;

    private final int rendition;
    private final RecordChain chain;
    private final SwarmConfig config;
    private final SwarmActions actions;
    private final InstantSource wallClock;
    private final Collection<Neighbour> neighbours;
    private final Listener listener;

    private Optional<Question> question = Optional.empty();
    /** Whether anything has joined since the question was asked. */
    private boolean progress;
    /** The furthest of those too far ahead to be looked at; nothing that it says has been checked. */
    private Optional<Far> far = Optional.empty();

    private int tries;
    private long askAgainAt;

    private record Question(Neighbour to, long from, long until, long givenUpAt, boolean answered) {
        boolean covers(ChunkRecord record) {
            return record.seq() >= from && record.seq() <= until;
        }

        Question nowAnswered() {
            return new Question(to, from, until, givenUpAt, true);
        }
    }

    /** A record beyond what may be looked at, and who told it. */
    private record Far(ChunkRecord record, Neighbour from) {}

    /** The owner of the chain. */
    interface Listener {
        /** The chain was changed: records may have joined it. */
        void chainChanged(long now);

        /** Nobody has what lies between the chain and a record: it is to be looked at all the same. */
        void leap(ChunkRecord record, Neighbour from);
    }

    RecordInquiry(
            int rendition,
            RecordChain chain,
            SwarmConfig config,
            SwarmActions actions,
            InstantSource wallClock,
            Collection<Neighbour> neighbours,
            Listener listener) {
        this.rendition = rendition;
        this.chain = chain;
        this.config = config;
        this.actions = actions;
        this.wallClock = wallClock;
        this.neighbours = neighbours;
        this.listener = listener;
    }

    // What comes in

    /** Whether a question to this neighbour is open. */
    boolean asks(Neighbour neighbour) {
        return question.filter(q -> q.to() == neighbour).isPresent();
    }

    /** A page of the rendition came from a neighbour, whatever was in it. */
    void answered(Neighbour by) {
        question = question.map(q -> q.to() == by ? q.nowAnswered() : q);
    }

    /** Whether a neighbour was asked for this record. */
    boolean asksFor(ChunkRecord record, Neighbour from) {
        return asks(from) && question.filter(q -> q.covers(record)).isPresent();
    }

    /** Records joined the chain. */
    void progressed() {
        progress = true;
    }

    /** What is far ahead says that there is a way to go; what is far behind says nothing. */
    void outOfRange(ChunkRecord record, Neighbour from, long now) {
        long furthest =
                far.map(Far::record).or(chain::newest).map(ChunkRecord::seq).orElse(Long.MAX_VALUE);
        if (record.seq() > furthest) {
            far = Optional.of(new Far(record, from));
            if (now >= askAgainAt) {
                ask(now);
            }
        }
    }

    void linkDown(Neighbour gone, long now) {
        far = far.filter(f -> f.from() != gone);
        if (asks(gone)) {
            question = Optional.empty();
            ask(now);
        }
    }

    // What follows

    /** Draws the conclusions; to be called once no record of the rendition is being checked. */
    void settle(long now) {
        if (question.filter(Question::answered).isPresent()) {
            Question closed = question.get();
            question = Optional.empty();
            chain.attachOlder();
            listener.chainChanged(now);
            boolean smaller = chain.gap().map(gap -> gap.from() > closed.from()).orElse(true);
            if (progress && smaller) {
                tries = 0;
                ask(now);
            } else {
                noProgress(now);
            }
        } else if (question.isEmpty() && (now >= askAgainAt || chain.gap().isPresent())) {
            ask(now); // What is older may wait, what is missing between may not; a gap that nobody fills is given up.
        }
    }

    private void noProgress(long now) {
        tries++;
        if (tries < MAX_TRIES && tries <= neighbours.size()) {
            ask(now);
            return;
        }
        boolean wayUp = chain.gap().isEmpty();
        chain.giveUpGap();
        listener.chainChanged(now);
        tries = 0;
        askAgainAt = now + ASK_AGAIN_AFTER;
        Optional<Far> leap = furtherOn();
        if (wayUp && leap.isPresent()) {
            far = Optional.empty();
            listener.leap(leap.get().record(), leap.get().from());
        }
    }

    void tick(long now) {
        if (question.filter(q -> now >= q.givenUpAt()).isPresent()) {
            question = Optional.empty();
            noProgress(now);
        } else if (question.isEmpty() && tries > 0 && now >= askAgainAt) {
            ask(now);
        }
    }

    long nextTick() {
        if (question.isPresent()) {
            return question.get().givenUpAt();
        }
        return tries > 0 ? askAgainAt : Long.MAX_VALUE;
    }

    // The question

    private void ask(long now) {
        if (config.role() == NodeRole.ORIGIN || question.isPresent()) {
            return;
        }
        Optional<RecordChain.Gap> missing = missing();
        if (missing.isEmpty()) {
            tries = 0;
            return;
        }
        Optional<Neighbour> to = whomToAsk();
        if (to.isEmpty()) {
            return;
        }
        RecordChain.Gap page = missing.get();
        progress = false;
        question = Optional.of(new Question(to.get(), page.from(), page.to(), now + ANSWER_WITHIN, false));
        actions.send(to.get().link, new LiveMessage.RecordsPlease(rendition, page.from(), page.to()));
    }

    /** A page of what lies below the newest: first a gap, then the way up, then what came before the oldest. */
    private Optional<RecordChain.Gap> missing() {
        Optional<RecordChain.Gap> gap = chain.gap();
        if (gap.isPresent()) {
            long from = gap.get().from();
            return Optional.of(new RecordChain.Gap(from, Math.min(gap.get().to(), from + PAGE - 1)));
        }
        if (furtherOn().isPresent()) {
            long from = chain.newest().orElseThrow().seq() + 1;
            return Optional.of(new RecordChain.Gap(from, from + PAGE - 1));
        }
        Optional<ChunkRecord> oldest = chain.oldest().or(chain::newestHeld);
        return oldest.filter(record -> record.seq() > 0
                        && record.body().previous().isPresent()
                        && record.body().published().isAfter(wallClock.instant().minus(config.history())))
                .map(record -> new RecordChain.Gap(Math.max(0, record.seq() - PAGE), record.seq() - 1));
    }

    /** What is still further on than the chain. */
    private Optional<Far> furtherOn() {
        if (far.isPresent()) {
            long newest = chain.newest().map(ChunkRecord::seq).orElse(Long.MAX_VALUE);
            far = far.filter(f -> f.record().seq() > newest);
        }
        return far;
    }

    /** Those that know the newest record first, in turn; the origin only where there is nobody else. */
    private Optional<Neighbour> whomToAsk() {
        Optional<ChunkRecord> newest =
                far.map(Far::record).or(chain::newestHeld).or(chain::newest);
        List<Neighbour> candidates = new ArrayList<>();
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay()
                    && newest.filter(r -> neighbour.isKnownToKnow(r.hash())).isPresent()) {
                candidates.add(neighbour);
            }
        }
        for (Neighbour neighbour : neighbours) {
            if (!candidates.contains(neighbour) && neighbour.isRelay()) {
                candidates.add(neighbour);
            }
        }
        for (Neighbour neighbour : neighbours) {
            if (!neighbour.isRelay()) {
                candidates.add(neighbour);
            }
        }
        return candidates.isEmpty() ? Optional.empty() : Optional.of(candidates.get(tries % candidates.size()));
    }
}
