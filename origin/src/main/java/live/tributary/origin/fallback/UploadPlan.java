package live.tributary.origin.fallback;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * What is to be written to the bucket next, without I/O: chunks in order, each within its deadline; what lists them, each
 * document at most once a second; then chunks that were missed, by this run or one before it; then deletes.
 *
 * <p>A chunk is waiting, in flight, stored or given up. A playlist lists only stored chunks, and none behind one that may still
 * come, so that its media sequence never goes back. {@code now} is monotonic, in nanoseconds. Not thread-safe.
 */
final class UploadPlan {
    /** The most chunks that wait, and their bytes. */
    static final int MAX_WAITING = 64;

    static final long MAX_WAITING_BYTES = 64L * 1024 * 1024;
    /** The part of its duration within which a chunk's upload must begin. */
    static final double DEADLINE = 0.8;

    static final Duration DOCUMENT_INTERVAL = Duration.ofSeconds(1);
    /** How long everything pauses when the bucket refuses: it will refuse again. */
    static final Duration PAUSE_AFTER_REFUSAL = Duration.ofSeconds(30);

    private static final Duration FIRST_RETRY = Duration.ofMillis(150);
    private static final int LISTED = 10;
    /** The most chunks that wait because they were missed; the oldest are dropped. */
    static final int MAX_MISSED = 256;

    static final Duration MISSED_RETRY = Duration.ofSeconds(5);

    private final RandomGenerator random;
    private final double deadlinePart;
    private final Deque<Upload> waiting = new ArrayDeque<>();
    private final Set<Upload> inFlight = new HashSet<>();
    private final Map<Integer, TreeMap<Long, ChunkRecord>> stored = new HashMap<>();
    private final Map<String, Document> documents = new LinkedHashMap<>();
    private final Deque<String> deletes = new ArrayDeque<>();
    private final Map<ChunkRecord, Missed> missed = new LinkedHashMap<>();
    private boolean catchingUp;
    private Optional<Long> catchUpAt = Optional.empty();
    private long waitingBytes;
    private long pausedUntil;
    private boolean paused;

    /** @param durationsMore how many of its durations a chunk may wait for somebody else before its own deadline begins */
    UploadPlan(RandomGenerator random, double durationsMore) {
        this.random = random;
        this.deadlinePart = DEADLINE + durationsMore;
    }

    /** Something to do. */
    sealed interface Job {}

    /**
     * A chunk to be put.
     *
     * @param offered when it was published
     * @param deadline when its upload must have begun
     * @param notBefore when it may begin
     */
    record Upload(ChunkRecord record, byte[] bytes, int attempt, long offered, long deadline, long notBefore)
            implements Job {
        Upload later(long time, int itsAttempt) {
            return new Upload(record, bytes, itsAttempt, offered, deadline, time);
        }
    }

    /** A document to be written: its content is asked for now. */
    record Write(String key) implements Job {}

    record Delete(String key) implements Job {}

    /**
     * A chunk that was missed, and may be in the bucket all the same; one at a time, so that a writer is left for what is live.
     *
     * @param asked whether a relay was asked to write it
     */
    record CatchUp(ChunkRecord record, boolean asked) implements Job {}

    private record Missed(boolean asked, long notBefore) {}

    private static final class Document {
        private boolean dirty;
        private boolean inFlight;
        private boolean written;
        private long writtenAt;

        boolean due(long now) {
            return dirty && !inFlight && (!written || now - writtenAt >= DOCUMENT_INTERVAL.toNanos());
        }
    }

    /** A new chunk. Returns those that it drove out: the oldest. */
    List<ChunkRecord> offer(ChunkRecord record, byte[] bytes, long now) {
        long deadline = now + (long) (record.body().duration().toNanos() * deadlinePart);
        waiting.add(new Upload(record, bytes, 0, now, deadline, now));
        waitingBytes += bytes.length;
        List<ChunkRecord> dropped = new ArrayList<>();
        while (waiting.size() > MAX_WAITING || (waitingBytes > MAX_WAITING_BYTES && waiting.size() > 1)) {
            dropped.add(remove(waiting.getFirst()).record());
        }
        return dropped;
    }

    private Upload remove(Upload upload) {
        waiting.remove(upload);
        waitingBytes -= upload.bytes().length;
        return upload;
    }

    /** Chunks whose deadline has passed before they could be put; they will not be. */
    List<ChunkRecord> giveUp(long now) {
        List<Upload> late =
                waiting.stream().filter(upload -> now - upload.deadline() > 0).toList();
        return late.stream().map(this::remove).map(Upload::record).toList();
    }

    void changed(String document) {
        documents.computeIfAbsent(document, key -> new Document()).dirty = true;
    }

    void delete(String key) {
        deletes.add(key);
    }

    /** This chunk was not stored in its time, or nobody knows whether it was; playlists do without it. Returns one that it drove out. */
    Optional<ChunkRecord> missed(ChunkRecord record, long now) {
        missed.putIfAbsent(record, new Missed(false, now));
        if (missed.size() <= MAX_MISSED) {
            return Optional.empty();
        }
        ChunkRecord oldest = missed.keySet().iterator().next();
        missed.remove(oldest);
        return Optional.of(oldest);
    }

    /** The missed chunk is done with, or is to be tried again after a while, and so are the others. */
    void caughtUp(CatchUp job, boolean again, boolean refused, long now) {
        catchingUp = false;
        catchUpAt = again ? Optional.of(now + MISSED_RETRY.toNanos()) : Optional.empty();
        if (again) {
            missed.put(job.record(), new Missed(job.asked(), now));
        }
        pauseIf(refused, now);
    }

    /** Somebody else may write the missed chunk: it is looked for again at this time; the others need not wait. */
    void leftToOthers(CatchUp job, boolean asked, long until) {
        catchingUp = false;
        missed.put(job.record(), new Missed(asked, until));
    }

    private Optional<Map.Entry<ChunkRecord, Missed>> due(long now) {
        if (catchingUp || catchUpAt.filter(time -> now - time < 0).isPresent()) {
            return Optional.empty();
        }
        return missed.entrySet().stream()
                .filter(entry -> now - entry.getValue().notBefore() >= 0)
                .findFirst();
    }

    Optional<Job> next(long now) {
        if (paused && now - pausedUntil < 0) {
            return Optional.empty();
        }
        paused = false;
        for (Map.Entry<String, Document> entry : documents.entrySet()) {
            if (entry.getValue().due(now)) {
                entry.getValue().dirty = false;
                entry.getValue().inFlight = true;
                return Optional.of(new Write(entry.getKey()));
            }
        }
        Optional<Upload> upload =
                waiting.stream().filter(one -> now - one.notBefore() >= 0).findFirst();
        if (upload.isPresent()) {
            inFlight.add(remove(upload.get()));
            return Optional.of(upload.get());
        }
        Optional<Map.Entry<ChunkRecord, Missed>> behind = due(now);
        if (behind.isPresent()) {
            CatchUp job =
                    new CatchUp(behind.get().getKey(), behind.get().getValue().asked());
            missed.remove(job.record());
            catchingUp = true;
            return Optional.of(job);
        }
        return Optional.ofNullable(deletes.poll()).map(Delete::new);
    }

    /** The upload must wait: for its share of the uplink, or for the relay that writes it. */
    void postpone(Upload upload, long until) {
        inFlight.remove(upload);
        waiting.addFirst(upload.later(until, upload.attempt()));
        waitingBytes += upload.bytes().length;
    }

    void stored(Upload upload) {
        inFlight.remove(upload);
        stored.computeIfAbsent(upload.record().rendition(), rendition -> new TreeMap<>())
                .put(upload.record().seq(), upload.record());
    }

    /** Returns whether the upload is tried again. */
    boolean failed(Upload upload, boolean refused, long now) {
        inFlight.remove(upload);
        pauseIf(refused, now);
        double jitter = 0.5 + random.nextDouble();
        long retry = now + (long) (FIRST_RETRY.toNanos() * jitter * (1L << Math.min(upload.attempt(), 10)));
        if (refused || retry - upload.deadline() > 0) {
            return false;
        }
        waiting.addFirst(upload.later(retry, upload.attempt() + 1));
        waitingBytes += upload.bytes().length;
        return true;
    }

    void written(Write write, boolean well, boolean refused, long now) {
        Document document = documents.computeIfAbsent(write.key(), key -> new Document());
        document.inFlight = false;
        document.written = true;
        document.writtenAt = now;
        document.dirty |= !well;
        pauseIf(refused, now);
    }

    /** Where the bucket refuses, it will refuse again: everything pauses. */
    void pauseIf(boolean refused, long now) {
        if (refused) {
            paused = true;
            pausedUntil = now + PAUSE_AFTER_REFUSAL.toNanos();
        }
    }

    /** Forgets stored chunks that left the history; returns them. */
    List<ChunkRecord> expire(Instant publishedBefore) {
        List<ChunkRecord> expired = new ArrayList<>();
        stored.values()
                .forEach(records -> records.values().removeIf(record -> {
                    boolean old = record.body().published().isBefore(publishedBefore);
                    if (old) {
                        expired.add(record);
                    }
                    return old;
                }));
        return expired;
    }

    /** What the live playlist of a rendition lists. */
    List<ChunkRecord> listed(int rendition) {
        TreeSet<Long> open = new TreeSet<>();
        waiting.forEach(upload -> addIf(open, upload.record(), rendition));
        inFlight.forEach(upload -> addIf(open, upload.record(), rendition));
        TreeMap<Long, ChunkRecord> its = stored.getOrDefault(rendition, new TreeMap<>());
        List<ChunkRecord> done = new ArrayList<>((open.isEmpty() ? its : its.headMap(open.first(), false)).values());
        List<ChunkRecord> run = LivePlaylist.newestRun(done);
        return run.subList(Math.max(0, run.size() - LISTED), run.size());
    }

    private static void addIf(Set<Long> seqs, ChunkRecord record, int rendition) {
        if (record.rendition() == rendition) {
            seqs.add(record.seq());
        }
    }

    boolean isIdle() {
        return waiting.isEmpty()
                && inFlight.isEmpty()
                && documents.values().stream().noneMatch(document -> document.dirty || document.inFlight);
    }

    /** When it is next worth asking, if something waits for its time. */
    Optional<Long> nextDue(long now) {
        if (paused) {
            return Optional.of(pausedUntil);
        }
        List<Long> times = new ArrayList<>();
        waiting.forEach(upload -> times.add(upload.notBefore()));
        documents.values().stream()
                .filter(document -> document.dirty && !document.inFlight)
                .forEach(document -> times.add(document.writtenAt + DOCUMENT_INTERVAL.toNanos()));
        if (!catchingUp && !missed.isEmpty()) {
            times.add(catchUpAt
                    .filter(time -> now - time < 0)
                    .orElseGet(() -> missed.values().stream()
                            .map(Missed::notBefore)
                            .min(Comparator.comparingLong(time -> time - now))
                            .orElse(now)));
        }
        return times.stream().min(Comparator.comparingLong(time -> time - now));
    }
}
