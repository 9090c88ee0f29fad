package live.tributary.mesh.swarm;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.wire.LiveMessage;

/**
 * The records of a stream, from their arrival to their place in the chain: every genuine one goes on at once to whoever may lack it.
 *
 * <p>{@link RecordGate} says which are worth a look, {@link RecordChain} which follow which, {@link RecordGossip} tells them, and
 * {@link RecordInquiry} asks for those that are missing.
 */
final class RecordExchange {
    /** The most signatures that may be with the pool, and the most records that may wait for a head's. */
    private static final int MAX_PENDING = 512;

    /** Room in a page for the length before each record, and for the message around them. */
    private static final int RECORD_OVERHEAD = 8;

    private static final int PAGE_OVERHEAD = 1024;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final InstantSource wallClock;
    private final Collection<Neighbour> neighbours;
    private final News news;
    private final LastWord lastWord;
    private final Joined joined;
    private final RecordGate gate;
    private final RecordGossip gossip;
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

    private record Parked(ChunkRecord record, Neighbour from) {}

    /** A rendition's chain, and what is asked about it. */
    private final class Rendition implements RecordInquiry.Listener {
        final RecordChain chain = new RecordChain();
        final RecordInquiry inquiry;
        int checking;

        Rendition(int number) {
            this.inquiry = new RecordInquiry(number, chain, config, actions, wallClock, neighbours, this);
        }

        @Override
        public void leap(ChunkRecord record, Neighbour from) {
            if (!pending.containsKey(record.hash())) {
                check(new Pending(record, from, false, true));
            }
        }

        @Override
        public void chainChanged(long now) {
            for (ChunkRecord record : chain.takeRemoved()) {
                joined.removed(record, now);
            }
            List<ChunkRecord> records = chain.takeJoined();
            for (ChunkRecord record : records) {
                highestTerm = Math.max(highestTerm, record.term());
                joined.joined(record, now);
            }
            if (!records.isEmpty()) {
                inquiry.progressed();
                joined.allJoined(now);
            }
        }

        void tellForks() {
            chain.takeLosers().forEach(actions::forked);
        }

        void settle(long now) {
            if (checking == 0) {
                inquiry.settle(now);
            }
        }
    }

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
        this.gossip = new RecordGossip(actions, neighbours);
    }

    RecordGossip gossip() {
        return gossip;
    }

    // What links say

    void greet(Neighbour neighbour) {
        for (Rendition rendition : renditions.values()) {
            rendition.chain.newest().filter(gate::publishedInTime).ifPresent(newest -> gossip.greet(neighbour, newest));
        }
    }

    void heard(Neighbour from, ChunkRecord record, long now) {
        from.knows(record.hash());
        arrived(from, record, false, now);
    }

    void page(Neighbour from, List<ChunkRecord> records, long now) {
        if (records.isEmpty()) {
            askedFirst(from).ifPresent(inquiry -> inquiry.answered(from));
        }
        for (ChunkRecord record : records) {
            from.knows(record.hash());
            Rendition rendition = renditions.get(record.rendition());
            boolean asked = rendition != null && rendition.inquiry.asksFor(record, from);
            if (rendition != null) {
                rendition.inquiry.answered(from);
            }
            arrived(from, record, asked, now);
        }
        for (Rendition rendition : List.copyOf(renditions.values())) {
            rendition.settle(now);
        }
    }

    /** Answers come in the order of their questions, and an empty one does not say which is meant. */
    private Optional<RecordInquiry> askedFirst(Neighbour of) {
        return renditions.values().stream()
                .map(rendition -> rendition.inquiry)
                .filter(inquiry -> inquiry.asks(of))
                .min(Comparator.comparingLong(RecordInquiry::nextTick));
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

    void linkDown(Neighbour neighbour, long now) {
        parked.removeIf(p -> p.from() == neighbour);
        renditions.values().forEach(rendition -> rendition.inquiry.linkDown(neighbour, now));
    }

    // From the gate to the chain

    private void arrived(Neighbour from, ChunkRecord record, boolean asked, long now) {
        if (pending.containsKey(record.hash()) || knows(record)) {
            actions.count(RecordResult.DUPLICATE);
            return;
        }
        Rendition known = renditions.get(record.rendition());
        RecordChain chain = known == null ? new RecordChain() : known.chain;
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
            refused(from, record, refusal.get(), now);
        } else {
            check(new Pending(record, from, asked, false));
        }
    }

    private void refused(Neighbour from, ChunkRecord record, RecordResult refusal, long now) {
        actions.count(refusal);
        if (refusal == RecordResult.OUT_OF_RANGE && gate.publishedInTime(record)) {
            rendition(record.rendition()).inquiry.outOfRange(record, from, now);
        }
        if (from.recordsOverLimit >= RecordGate.FLOOD) {
            actions.drop(from.link, SwarmActions.DropReason.FLOODED);
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

    private void check(Pending arrival) {
        pending.put(arrival.record().hash(), arrival);
        rendition(arrival.record().rendition()).checking++;
        actions.checkRecord(arrival.record());
    }

    void checked(ChunkRecord record, boolean genuine, long now) {
        Pending arrival = pending.remove(record.hash());
        if (arrival == null) {
            return;
        }
        Rendition rendition = rendition(record.rendition());
        rendition.checking--;
        if (genuine) {
            offer(arrival, rendition, now);
        } else {
            actions.count(RecordResult.BAD_SIGNATURE);
            actions.drop(arrival.from().link, SwarmActions.DropReason.BAD_SIGNATURE);
        }
        rendition.settle(now);
    }

    private void offer(Pending arrival, Rendition rendition, long now) {
        RecordResult result = rendition.chain.offer(arrival.record());
        actions.count(result);
        rendition.tellForks();
        if (result == RecordResult.ACCEPTED || result == RecordResult.HELD) {
            if (!arrival.asked()) {
                gossip.forward(arrival.record(), arrival.from(), now);
            }
            if (arrival.leap()) {
                rendition.chain.giveUpGap();
            }
            rendition.chainChanged(now);
        }
    }

    /** Takes in a record that needs no check; whether it is new. */
    boolean trust(ChunkRecord record, long now) {
        Rendition rendition = rendition(record.rendition());
        RecordResult result = rendition.chain.trust(record);
        rendition.tellForks();
        rendition.chainChanged(now);
        return result == RecordResult.ACCEPTED;
    }

    private Rendition rendition(int number) {
        return renditions.computeIfAbsent(number, Rendition::new);
    }

    // What is known

    /** Whether a record is chained or waits to be. */
    boolean knows(ChunkRecord record) {
        return chain(record.rendition())
                .flatMap(chain -> chain.at(record.seq()))
                .filter(record::equals)
                .isPresent();
    }

    Optional<RecordChain> chain(int rendition) {
        return Optional.ofNullable(renditions.get(rendition)).map(r -> r.chain);
    }

    // What is due

    void tick(long now) {
        renditions.values().forEach(rendition -> rendition.inquiry.tick(now));
    }

    long nextTick() {
        long next = Long.MAX_VALUE;
        for (Rendition rendition : renditions.values()) {
            next = Math.min(next, rendition.inquiry.nextTick());
        }
        return next;
    }

    /** Tells the newest to those that would not have listened before. */
    void tellNewest() {
        gossip.tellNewest(renditions.values().stream()
                .flatMap(rendition -> rendition.chain.newest().stream())
                .toList());
    }

    /** Forgets the records that have left the history. */
    void expire() {
        Instant since = wallClock.instant().minus(config.history());
        for (Rendition rendition : renditions.values()) {
            Optional<ChunkRecord> oldest = rendition.chain.oldest();
            while (oldest.isPresent() && oldest.get().body().published().isBefore(since)) {
                rendition.chain.forgetUpTo(oldest.get().seq());
                oldest = rendition.chain.oldest();
            }
        }
    }
}
