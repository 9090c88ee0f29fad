package live.tributary.mesh.swarm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;

/**
 * The genuine records of one rendition: those that are chained, and those that wait for a predecessor.
 *
 * <p>Invariant: two chained records at neighbouring seqs follow one another. Every record comes here with its signature checked;
 * what joined the chain or left it since it was last asked is told by {@link #takeJoined} and {@link #takeRemoved}.
 */
final class RecordChain {
    /** The most records that wait for a predecessor. */
    static final int MAX_HELD = 64;
    /** The most losers of forks that are kept as evidence. */
    static final int MAX_EVIDENCE = 16;

    private final NavigableMap<Long, ChunkRecord> chain = new TreeMap<>();
    private final NavigableMap<Long, ChunkRecord> held = new TreeMap<>();
    private final Deque<ChunkRecord> evidence = new ArrayDeque<>();
    private List<ChunkRecord> joined = new ArrayList<>();
    private List<ChunkRecord> removed = new ArrayList<>();
    private List<ChunkRecord> losers = new ArrayList<>();

    /** Seqs {@code from..to}, both included, that are not known. */
    record Gap(long from, long to) {}

    /** Takes in a genuine record. */
    RecordResult offer(ChunkRecord record) {
        long seq = record.seq();
        Optional<ChunkRecord> rival = at(seq);
        if (rival.isPresent()) {
            if (rival.get().equals(record)) {
                return RecordResult.DUPLICATE;
            }
            if (wins(rival.get(), record)) {
                keepEvidence(record);
                return RecordResult.FORK_LOST;
            }
        }
        var before = chain.floorEntry(seq - 1);
        if (before != null && before.getValue().term() > record.term()) {
            return RecordResult.STALE_TERM;
        }
        boolean predecessorKnown = before != null && before.getKey() == seq - 1;
        if (predecessorKnown && !follows(before.getValue(), record)) {
            return RecordResult.BAD_PREDECESSOR;
        }
        ChunkRecord after = chain.get(seq + 1);
        if (rival.isEmpty() && after != null && !follows(record, after)) {
            return RecordResult.BAD_PREDECESSOR;
        }
        rival.ifPresent(this::lose);
        if (predecessorKnown || startsTerm(record)) {
            join(record);
            joinWhatFollows(seq);
            return RecordResult.ACCEPTED;
        }
        held.put(seq, record);
        while (held.size() > MAX_HELD) {
            held.pollFirstEntry();
        }
        return RecordResult.HELD;
    }

    /** Takes in a record of this node's own, or one from its disk: its predecessor need not be known. */
    RecordResult trust(ChunkRecord record) {
        RecordResult result = offer(record);
        if (result == RecordResult.HELD) {
            held.remove(record.seq());
            join(record);
            joinWhatFollows(record.seq());
            return RecordResult.ACCEPTED;
        }
        return result;
    }

    /** The seqs between the chain and the lowest record that waits above it. */
    Optional<Gap> gap() {
        if (chain.isEmpty() || held.isEmpty()) {
            return Optional.empty();
        }
        Long waiting = held.higherKey(chain.lastKey());
        return waiting == null ? Optional.empty() : Optional.of(new Gap(chain.lastKey() + 1, waiting - 1));
    }

    /** Lets the records wait no longer that are newer than the chain: nobody has what lies between. */
    void giveUpGap() {
        if (held.isEmpty()) {
            return;
        }
        Long waiting = chain.isEmpty() ? Long.valueOf(newestRunStart()) : held.higherKey(chain.lastKey());
        ChunkRecord first = waiting == null ? null : held.remove(waiting);
        if (first != null) {
            join(first);
            joinWhatFollows(first.seq());
        }
    }

    /** Puts the older records that wait, each named by the one after it, under the chain; begins the chain if it is empty. */
    void attachOlder() {
        if (held.isEmpty()) {
            return;
        }
        if (chain.isEmpty()) {
            giveUpGap();
            return;
        }
        long oldest = chain.firstKey();
        List<ChunkRecord> run = new ArrayList<>();
        ChunkRecord next = chain.firstEntry().getValue();
        ChunkRecord candidate = held.get(oldest - 1);
        while (candidate != null && follows(candidate, next)) {
            run.add(0, candidate);
            next = candidate;
            candidate = held.get(candidate.seq() - 1);
        }
        for (ChunkRecord record : run) {
            held.remove(record.seq());
            join(record);
        }
    }

    /** Forgets chained records up to {@code seq}, and what waits below. */
    void forgetUpTo(long seq) {
        chain.headMap(seq, true).clear();
        held.headMap(seq, true).clear();
    }

    Optional<ChunkRecord> oldest() {
        return chain.isEmpty()
                ? Optional.empty()
                : Optional.of(chain.firstEntry().getValue());
    }

    Optional<ChunkRecord> newest() {
        return chain.isEmpty()
                ? Optional.empty()
                : Optional.of(chain.lastEntry().getValue());
    }

    Optional<ChunkRecord> newestHeld() {
        return held.isEmpty() ? Optional.empty() : Optional.of(held.lastEntry().getValue());
    }

    /** The chained record at {@code seq}, or the one that waits there. */
    Optional<ChunkRecord> at(long seq) {
        ChunkRecord record = chain.get(seq);
        return Optional.ofNullable(record != null ? record : held.get(seq));
    }

    /** Chained records with {@code from <= seq <= to}, oldest first. */
    Iterable<ChunkRecord> between(long from, long to) {
        return from > to ? List.of() : chain.subMap(from, true, to, true).values();
    }

    /** Losers of forks: records that the stream's key signed for a place that another one has. */
    List<ChunkRecord> evidence() {
        return List.copyOf(evidence);
    }

    /** Whether {@code record} has just been found to have lost; it is not worth a check again. */
    boolean lost(ChunkRecord record) {
        return evidence.contains(record);
    }

    List<ChunkRecord> takeJoined() {
        List<ChunkRecord> taken = joined;
        joined = new ArrayList<>();
        return taken;
    }

    List<ChunkRecord> takeRemoved() {
        List<ChunkRecord> taken = removed;
        removed = new ArrayList<>();
        return taken;
    }

    /** The losers of forks since this was last asked. */
    List<ChunkRecord> takeLosers() {
        List<ChunkRecord> taken = losers;
        losers = new ArrayList<>();
        return taken;
    }

    private static boolean wins(ChunkRecord one, ChunkRecord other) {
        return one.term() != other.term()
                ? one.term() > other.term()
                : one.hash().compareTo(other.hash()) < 0;
    }

    private static boolean follows(ChunkRecord before, ChunkRecord after) {
        Optional<Sha256> named = after.body().previous();
        return named.isPresent()
                ? named.get().equals(before.hash()) && after.term() >= before.term()
                : after.term() > before.term();
    }

    /** Whether a record needs no predecessor: the first of a term that remembers none, newer than all that is known. */
    private boolean startsTerm(ChunkRecord record) {
        return record.body().previous().isEmpty()
                && (chain.isEmpty()
                        || record.term() > chain.lastEntry().getValue().term() && record.seq() > chain.lastKey());
    }

    private void join(ChunkRecord record) {
        chain.put(record.seq(), record);
        joined.add(record);
    }

    private void joinWhatFollows(long seq) {
        ChunkRecord before = chain.get(seq);
        for (ChunkRecord next = held.remove(seq + 1); next != null; next = held.remove(next.seq() + 1)) {
            if (before == null || chain.containsKey(next.seq()) || !follows(before, next)) {
                keepEvidence(next);
                return;
            }
            join(next);
            before = next;
        }
    }

    /** A loser goes, and with it the run that was chained to it. */
    private void lose(ChunkRecord loser) {
        keepEvidence(loser);
        if (held.remove(loser.seq(), loser)) {
            return;
        }
        ChunkRecord next = chain.remove(loser.seq());
        while (next != null) {
            removed.add(next);
            next = chain.remove(next.seq() + 1);
        }
    }

    private void keepEvidence(ChunkRecord loser) {
        if (!evidence.contains(loser)) {
            evidence.addLast(loser);
            losers.add(loser);
            if (evidence.size() > MAX_EVIDENCE) {
                evidence.removeFirst();
            }
        }
    }

    private long newestRunStart() {
        ChunkRecord first = held.lastEntry().getValue();
        ChunkRecord before = held.get(first.seq() - 1);
        while (before != null && follows(before, first)) {
            first = before;
            before = held.get(first.seq() - 1);
        }
        return first.seq();
    }
}
