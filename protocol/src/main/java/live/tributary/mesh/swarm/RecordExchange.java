package live.tributary.mesh.swarm;

import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * The talk about records: every genuine one goes on at once to whoever may lack it, gaps are asked for, and pages are answered.
 *
 * <p>A rendition has at most one question open. A node that knows nothing of a rendition yet holds the first record that it hears
 * and asks for what came before, so that the chain can be handed on from its oldest record; then, page by page, for all that is
 * within the history. A node that has slept hears a record too far ahead to be looked at: it asks its way up to it, and only
 * where nobody has what lies between does it go on from there.
 */
final class RecordExchange {
    /** The most records of one answer that are asked for: as many as may be held. */
    private static final int PAGE = RecordChain.MAX_HELD;

    private static final long ANSWER_WITHIN = 2_000_000_000L;
    private static final long ASK_AGAIN_AFTER = 30_000_000_000L;
    private static final int MAX_TRIES = 4;
    /** The most signatures that may be with the pool, and the most records that may wait for a head's. */
    private static final int MAX_PENDING = 512;

    /**
     * How many records a second one link is told, and at once after a pause: a little less than what it would refuse. Whoever
     * publishes more at a time tells the newest a moment later, and is asked for what came before.
     */
    static final double TOLD_PER_SECOND = 0.8 * RecordGate.RECORDS_PER_SECOND;

    /** In this time a link has asked for what it was not told. */
    static final long CATCHES_UP_WITHIN = 10_000_000_000L;

    /** The most links to which an origin sends a record of its own. */
    static final int ORIGIN_LINKS = 4;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final InstantSource wallClock;
    private final Collection<Neighbour> neighbours;
    private final News news;
    private final LastWord lastWord;
    private final Joined joined;
    private final RecordGate gate;
    private final Map<Integer, Rendition> renditions = new TreeMap<>();
    private final Map<Sha256, Pending> pending = new HashMap<>();
    private final Deque<Parked> parked = new ArrayDeque<>();
    private long highestTerm;

    /** What becomes of records that join or leave the chain. */
    interface Joined {
        void joined(ChunkRecord record, long now);

        void removed(ChunkRecord record, long now);

        /** All that joined at this time has been told, oldest first. */
        void allJoined(long now);
    }

    /** @param leap whether nobody has what lies between the chain and it */
    private record Pending(ChunkRecord record, Neighbour from, boolean asked, boolean leap) {}

    /** A record beyond what may be looked at, and who told it. */
    private record Far(ChunkRecord record, Neighbour from) {}

    private record Parked(ChunkRecord record, Neighbour from) {}

    /** A rendition's chain, and the question that is open about it. */
    private static final class Rendition {
        final RecordChain chain = new RecordChain();
        int checking;
        Optional<Question> question = Optional.empty();
        /** Whether anything has joined since the question was asked. */
        boolean progress;
        /** The furthest of those too far ahead to be looked at; nothing that it says has been checked. */
        Optional<Far> far = Optional.empty();

        int tries;
        long askAgainAt;
    }

    private record Question(Neighbour to, long from, long until, long givenUpAt, boolean answered) {}

    RecordExchange(
            SwarmConfig config,
            SwarmActions actions,
            InstantSource wallClock,
            Collection<Neighbour> neighbours,
            News news,
            LastWord lastWord,
            Joined joined) {
        this.config = config;
        this.actions = actions;
        this.wallClock = wallClock;
        this.neighbours = neighbours;
        this.news = news;
        this.lastWord = lastWord;
        this.joined = joined;
        this.gate = new RecordGate(config, wallClock);
    }

    // What links say

    void greet(Neighbour neighbour) {
        for (Rendition rendition : renditions.values()) {
            rendition.chain.newest().filter(gate::publishedInTime).ifPresent(record -> {
                actions.send(neighbour.link, new LiveMessage.RecordNews(record));
                neighbour.knows(record.hash());
            });
        }
    }

    void heard(Neighbour from, ChunkRecord record, long now) {
        from.knows(record.hash());
        arrived(from, record, false, now);
    }

    void page(Neighbour from, List<ChunkRecord> records, long now) {
        for (Rendition rendition : renditions.values()) {
            rendition.question = rendition.question.map(
                    q -> q.to() == from ? new Question(q.to(), q.from(), q.until(), q.givenUpAt(), true) : q);
        }
        for (ChunkRecord record : records) {
            from.knows(record.hash());
            arrived(from, record, isAnswer(from, record), now);
        }
        for (int number : List.copyOf(renditions.keySet())) {
            settle(number, now);
        }
    }

    void please(Neighbour from, LiveMessage.RecordsPlease please) {
        List<ChunkRecord> page = new ArrayList<>();
        int bytes = 0;
        Rendition rendition = renditions.get(please.rendition());
        if (rendition != null) {
            for (ChunkRecord record : rendition.chain.between(please.from(), please.to())) {
                bytes += record.encodedLength();
                if (bytes > LiveMessage.MAX_RECORDS_BYTES - PAGE_OVERHEAD) {
                    break;
                }
                page.add(record);
                bytes += RECORD_OVERHEAD;
                from.knows(record.hash());
            }
        }
        actions.send(from.link, new LiveMessage.Records(page));
    }

    /** Room for the length before each record, and for the message around them. */
    private static final int RECORD_OVERHEAD = 8;

    private static final int PAGE_OVERHEAD = 1024;

    private void arrived(Neighbour from, ChunkRecord record, boolean asked, long now) {
        if (pending.containsKey(record.hash())) {
            actions.count(RecordResult.DUPLICATE);
            return;
        }
        Rendition known = renditions.get(record.rendition());
        RecordChain chain = known == null ? new RecordChain() : known.chain;
        if (knows(record)) {
            actions.count(RecordResult.DUPLICATE);
            return;
        }
        if (chain.lost(record)) {
            actions.count(RecordResult.FORK_LOST);
            return;
        }
        if (lastWord.isSpoken()) {
            actions.count(RecordResult.REVOKED);
            return;
        }
        if (!news.live() && news.headIsBeingChecked() && parked.size() < MAX_PENDING) {
            parked.add(new Parked(record, from));
            return;
        }
        Optional<RecordResult> refusal =
                gate.refusal(record, from, chain, Math.max(highestTerm, news.highestTerm()), news.live(), asked, now);
        if (refusal.isEmpty() && pending.size() >= MAX_PENDING) {
            refusal = Optional.of(RecordResult.RATE_LIMITED);
        }
        if (refusal.isPresent()) {
            actions.count(refusal.get());
            if (refusal.get() == RecordResult.OUT_OF_RANGE) {
                outOfRange(from, record, now);
            }
            if (from.recordsOverLimit >= RecordGate.FLOOD) {
                actions.drop(from.link, SwarmActions.DropReason.FLOODED);
            }
            return;
        }
        check(new Pending(record, from, asked, false));
    }

    /** What is far ahead says that there is a way to go; what is far behind says nothing. */
    private void outOfRange(Neighbour from, ChunkRecord record, long now) {
        Rendition rendition = rendition(record.rendition());
        long furthest = rendition
                .far
                .map(far -> far.record().seq())
                .or(() -> rendition.chain.newest().map(ChunkRecord::seq))
                .orElse(Long.MAX_VALUE);
        if (record.seq() > furthest && gate.publishedInTime(record)) {
            rendition.far = Optional.of(new Far(record, from));
            if (now >= rendition.askAgainAt) {
                ask(record.rendition(), rendition, now);
            }
        }
    }

    /** A head was accepted or refused: what waited for it goes on. */
    void headSettled(long now) {
        for (Parked waiting = parked.poll(); waiting != null; waiting = parked.poll()) {
            arrived(waiting.from(), waiting.record(), false, now);
            if (!news.live() && news.headIsBeingChecked()) {
                return;
            }
        }
    }

    void checked(ChunkRecord record, boolean genuine, long now) {
        Pending arrival = pending.remove(record.hash());
        if (arrival == null) {
            return;
        }
        Rendition rendition = rendition(record.rendition());
        rendition.checking--;
        if (!genuine) {
            actions.count(RecordResult.BAD_SIGNATURE);
            actions.drop(arrival.from().link, SwarmActions.DropReason.BAD_SIGNATURE);
        } else {
            RecordResult result = rendition.chain.offer(record);
            actions.count(result);
            tellForks(rendition);
            if (result == RecordResult.ACCEPTED || result == RecordResult.HELD) {
                if (!arrival.asked()) {
                    forward(record, arrival.from(), now);
                }
                if (arrival.leap()) {
                    rendition.chain.giveUpGap();
                }
                tellJoined(rendition, now);
            }
        }
        settle(record.rendition(), now);
    }

    // What this node knows by itself

    /** Takes in a record that needs no check; whether it is new. */
    boolean trust(ChunkRecord record, long now) {
        Rendition rendition = rendition(record.rendition());
        RecordResult result = rendition.chain.trust(record);
        tellForks(rendition);
        tellJoined(rendition, now);
        return result == RecordResult.ACCEPTED;
    }

    /** Sends a record of this origin's own to a few links, relays first; the mesh carries it on. */
    void publish(ChunkRecord record, List<Neighbour> preferred, long now) {
        int sent = 0;
        for (Neighbour neighbour : preferred) {
            if (sent < ORIGIN_LINKS && !neighbour.isKnownToKnow(record.hash())) {
                tellInTime(neighbour, record, now);
                sent++;
            }
        }
    }

    /** Whether a record is chained or waits to be. */
    boolean knows(ChunkRecord record) {
        Rendition rendition = renditions.get(record.rendition());
        return rendition != null
                && rendition.chain.at(record.seq()).filter(record::equals).isPresent();
    }

    /** Sends a record that came by no link to everybody. */
    void forward(ChunkRecord record, long now) {
        forward(record, null, now);
    }

    private void forward(ChunkRecord record, @Nullable Neighbour from, long now) {
        for (Neighbour neighbour : neighbours) {
            if (neighbour != from && !neighbour.isOrigin() && !neighbour.isKnownToKnow(record.hash())) {
                tellInTime(neighbour, record, now);
            }
        }
    }

    private void tellInTime(Neighbour neighbour, ChunkRecord record, long now) {
        if (neighbour.mayBeTold(now)) {
            tell(neighbour, record);
        } else {
            neighbour.leftBehind(now);
        }
    }

    /** Tells the newest to those that would not have listened before. */
    void tellNewest(long now) {
        for (Neighbour neighbour : neighbours) {
            for (Rendition rendition : neighbour.lacksNewest ? renditions.values() : List.<Rendition>of()) {
                Optional<ChunkRecord> newest = rendition.chain.newest();
                if (newest.isPresent() && !neighbour.isKnownToKnow(newest.get().hash())) {
                    tell(neighbour, newest.get());
                }
            }
            neighbour.lacksNewest = false;
        }
    }

    /** A push or an answer of a neighbour shows that it has the record. */
    void tell(Neighbour neighbour, ChunkRecord record) {
        neighbour.told(record.hash());
        actions.send(neighbour.link, new LiveMessage.RecordNews(record));
    }

    void linkDown(Neighbour neighbour, long now) {
        parked.removeIf(p -> p.from() == neighbour);
        for (var entry : renditions.entrySet()) {
            Rendition rendition = entry.getValue();
            rendition.far = rendition.far.filter(far -> far.from() != neighbour);
            if (rendition.question.filter(q -> q.to() == neighbour).isPresent()) {
                rendition.question = Optional.empty();
                ask(entry.getKey(), rendition, now);
            }
        }
    }

    void tick(long now) {
        for (var entry : renditions.entrySet()) {
            Rendition rendition = entry.getValue();
            if (rendition.question.filter(q -> now >= q.givenUpAt()).isPresent()) {
                rendition.question = Optional.empty();
                noProgress(entry.getKey(), rendition, now);
            } else if (rendition.question.isEmpty() && rendition.tries > 0 && now >= rendition.askAgainAt) {
                ask(entry.getKey(), rendition, now);
            }
        }
    }

    long nextTick() {
        long next = Long.MAX_VALUE;
        for (Rendition rendition : renditions.values()) {
            if (rendition.question.isPresent()) {
                next = Math.min(next, rendition.question.get().givenUpAt());
            } else if (rendition.tries > 0) {
                next = Math.min(next, rendition.askAgainAt);
            }
        }
        return next;
    }

    /** Forgets the records that have left the history. */
    void expire() {
        for (Rendition rendition : renditions.values()) {
            Optional<ChunkRecord> oldest = rendition.chain.oldest();
            while (oldest.isPresent()
                    && oldest.get()
                            .body()
                            .published()
                            .isBefore(wallClock.instant().minus(config.history()))) {
                rendition.chain.forgetUpTo(oldest.get().seq());
                oldest = rendition.chain.oldest();
            }
        }
    }

    Optional<RecordChain> chain(int rendition) {
        return Optional.ofNullable(renditions.get(rendition)).map(r -> r.chain);
    }

    // Gaps

    private boolean isAnswer(Neighbour from, ChunkRecord record) {
        Rendition rendition = renditions.get(record.rendition());
        return rendition != null
                && rendition
                        .question
                        .filter(q -> q.to() == from && record.seq() >= q.from() && record.seq() <= q.until())
                        .isPresent();
    }

    /** Draws the conclusions once nothing of a rendition is with the pool. */
    private void settle(int number, long now) {
        Rendition rendition = rendition(number);
        if (rendition.checking > 0) {
            return;
        }
        if (rendition.question.filter(Question::answered).isPresent()) {
            Question question = rendition.question.get();
            rendition.question = Optional.empty();
            rendition.chain.attachOlder();
            tellJoined(rendition, now);
            boolean closed =
                    rendition.chain.gap().map(g -> g.from() > question.from()).orElse(true);
            if (rendition.progress && closed) {
                rendition.tries = 0;
                ask(number, rendition, now);
            } else {
                noProgress(number, rendition, now);
            }
        } else if (rendition.question.isEmpty() && now >= rendition.askAgainAt) {
            ask(number, rendition, now);
        }
    }

    private void noProgress(int number, Rendition rendition, long now) {
        rendition.tries++;
        if (rendition.tries < MAX_TRIES && rendition.tries <= neighbours.size()) {
            ask(number, rendition, now);
            return;
        }
        boolean wayUp = rendition.chain.gap().isEmpty();
        rendition.chain.giveUpGap();
        tellJoined(rendition, now);
        rendition.tries = 0;
        rendition.askAgainAt = now + ASK_AGAIN_AFTER;
        Optional<Far> far = furtherOn(rendition);
        if (wayUp && far.isPresent()) {
            rendition.far = Optional.empty();
            check(new Pending(far.get().record(), far.get().from(), false, true));
        }
    }

    private void check(Pending arrival) {
        pending.put(arrival.record().hash(), arrival);
        rendition(arrival.record().rendition()).checking++;
        actions.checkRecord(arrival.record());
    }

    private void ask(int number, Rendition rendition, long now) {
        if (config.role() == NodeRole.ORIGIN || rendition.question.isPresent()) {
            return;
        }
        Optional<RecordChain.Gap> missing = missing(rendition);
        if (missing.isEmpty()) {
            rendition.tries = 0;
            return;
        }
        Optional<Neighbour> to = whomToAsk(rendition);
        if (to.isEmpty()) {
            return;
        }
        RecordChain.Gap gap = missing.get();
        rendition.progress = false;
        rendition.question = Optional.of(new Question(to.get(), gap.from(), gap.to(), now + ANSWER_WITHIN, false));
        actions.send(to.get().link, new LiveMessage.RecordsPlease(number, gap.from(), gap.to()));
    }

    /** A page of what lies below the newest: first a gap, then the way up, then what came before the oldest. */
    private Optional<RecordChain.Gap> missing(Rendition rendition) {
        RecordChain chain = rendition.chain;
        Optional<RecordChain.Gap> gap = chain.gap();
        if (gap.isPresent()) {
            long from = gap.get().from();
            return Optional.of(new RecordChain.Gap(from, Math.min(gap.get().to(), from + PAGE - 1)));
        }
        if (furtherOn(rendition).isPresent()) {
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
    private static Optional<Far> furtherOn(Rendition rendition) {
        if (rendition.far.isPresent()) {
            long newest = rendition.chain.newest().map(ChunkRecord::seq).orElse(Long.MAX_VALUE);
            rendition.far = rendition.far.filter(far -> far.record().seq() > newest);
        }
        return rendition.far;
    }

    /** Those that know the newest record first, in turn; the origin only where there is nobody else. */
    private Optional<Neighbour> whomToAsk(Rendition rendition) {
        Optional<ChunkRecord> newest =
                rendition.far.map(Far::record).or(rendition.chain::newestHeld).or(rendition.chain::newest);
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
        return candidates.isEmpty()
                ? Optional.empty()
                : Optional.of(candidates.get(rendition.tries % candidates.size()));
    }

    private void tellForks(Rendition rendition) {
        rendition.chain.takeLosers().forEach(actions::forked);
    }

    private boolean tellJoined(Rendition rendition, long now) {
        for (ChunkRecord record : rendition.chain.takeRemoved()) {
            joined.removed(record, now);
        }
        List<ChunkRecord> records = rendition.chain.takeJoined();
        for (ChunkRecord record : records) {
            highestTerm = Math.max(highestTerm, record.term());
            joined.joined(record, now);
        }
        if (!records.isEmpty()) {
            rendition.progress = true;
            joined.allJoined(now);
        }
        return !records.isEmpty();
    }

    private Rendition rendition(int number) {
        return renditions.computeIfAbsent(number, n -> new Rendition());
    }
}
