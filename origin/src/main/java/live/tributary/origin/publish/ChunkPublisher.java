package live.tributary.origin.publish;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.store.ChunkFile;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.origin.ingest.ResumePoint;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.SigningKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns chunks into signed records, one chain per rendition, and hands them to the mesh.
 *
 * <p>Invariant: whatever the mesh has seen of a number (term, seq, piece, head seq) was forced to the disk before, and a chunk's
 * bytes were in their file before its number. A run that is killed before the number lasts has told nobody, and the bytes are
 * deleted; one that is killed later leaves the bytes of every number that it took, which the next run offers again. The bytes
 * are forced only once the mesh has them: nobody waits for that but the rendition's next chunk, and only a power cut of that
 * moment could take them. Media time starts at the wall clock and runs on by the durations; behind a break it is set by the
 * clock again, but never back.
 */
final class ChunkPublisher {
    private static final Logger log = LoggerFactory.getLogger(ChunkPublisher.class);

    /** A feed's own clock counts while it is at most this far from ours. */
    private static final Duration CLOCK_TRUST = Duration.ofMinutes(10);
    /** A break of fewer durations than this is none in media time: the feed goes on. */
    private static final int SEAMLESS_DURATIONS = 2;

    /** A run that begins later than this behind the one before begins at the live edge. */
    private static final Duration RESUMES_WITHIN = Duration.ofMinutes(10);

    private static final int REMEMBERED_POSITIONS = 256;

    private final SigningKey key;
    private final LastingState state;
    private final Outbox outbox;
    private final StreamPublisher mesh;
    private final InstantSource clock;
    private final Published listener;
    private final Set<Integer> begun = new HashSet<>();
    private final Set<Integer> broken = new HashSet<>();
    private final Map<IngestedChunk.Position, Duration> starts = new LinkedHashMap<>();
    /** The first pieces of chunks that are numbered and not told yet: they are told in this order. */
    private final NavigableSet<Long> untold = new TreeSet<>();

    private final Map<Integer, ReentrantLock> lanes = new ConcurrentHashMap<>();
    private long nextPiece;
    private final long firstSeq;
    private final boolean remembered;
    private volatile String outboxTrouble = "";

    /** Hears of each chunk once the mesh has it, on the publishing thread; it must not block. */
    interface Published {
        /** @param bytes the chunk's, not to be changed */
        void published(ChunkRecord record, byte[] bytes);
    }

    /** Begins a new term, which is on disk when this returns. */
    ChunkPublisher(
            SigningKey key,
            StateFile file,
            Outbox outbox,
            StreamPublisher mesh,
            InstantSource clock,
            Published listener)
            throws IOException {
        this.key = key;
        this.outbox = outbox;
        this.mesh = mesh;
        this.clock = clock;
        this.listener = listener;
        Optional<PublishState> old = file.read(key.streamKey());
        this.remembered = old.isPresent();
        PublishState before = old.orElseGet(() -> PublishState.empty(key.streamKey()));
        this.state = new LastingState(file, before.withTerm(Math.max(clock.millis(), before.term() + 1)));
        this.firstSeq = clock.instant().getEpochSecond();
    }

    /** Whether an earlier run's state was on disk. */
    boolean remembers() {
        return remembered;
    }

    long term() {
        return state.get().term();
    }

    /** Per rendition, the segment that was published last, where that was lately. */
    synchronized Map<Integer, ResumePoint> lastSegments() {
        Instant lately = clock.instant().minus(RESUMES_WITHIN);
        Map<Integer, ResumePoint> points = new HashMap<>();
        state.get()
                .renditions()
                .forEach((rendition, last) -> last.record()
                        .map(record -> record.body().published())
                        .filter(published ->
                                published.isAfter(lately) && !last.name().isEmpty())
                        .ifPresent(published -> points.put(rendition, new ResumePoint(last.name(), published))));
        return points;
    }

    /** Goes on behind records of this stream that the mesh remembers and this disk does not; only before the first chunk. */
    synchronized void adopt(List<ChunkRecord> records, Optional<Head> head) throws IOException {
        PublishState adopted = state.get();
        Map<Integer, ChunkRecord> behind = new LinkedHashMap<>();
        if (head.isPresent()) {
            adopted = adopted.withTerm(Math.max(adopted.term(), head.get().term() + 1))
                    .withHeadSeq(Math.max(adopted.headSeq(), head.get().seq()));
        }
        for (ChunkRecord record : records) {
            PublishState.Last last = adopted.renditions().get(record.rendition());
            if (last == null || last.isBefore(record)) {
                adopted = adopted.with(record, "");
                behind.put(record.rendition(), record);
            }
            adopted = adopted.withTerm(Math.max(adopted.term(), record.term() + 1));
        }
        behind.values().forEach(record -> log.info("going on behind {}, which the mesh remembers", record));
        PublishState remembered = adopted;
        if (!remembered.equals(state.get())) {
            state.change(nobodyPublishesYet -> remembered);
        }
    }

    /** Offers the mesh what an earlier run numbered last and may not have given it; behind {@link #adopt}. */
    synchronized void offerAgain() throws IOException {
        for (ChunkFile chunk : outbox.recover(key.streamKey(), state.get().renditions())) {
            mesh.publishAgain(chunk.record(), Unpooled.wrappedBuffer(chunk.bytes()));
        }
    }

    /** Why a crash could lose chunks now; empty where it could not. */
    String outboxTrouble() {
        return outboxTrouble;
    }

    /** A head's next seq, on disk when this returns. */
    long nextHeadSeq() throws IOException {
        long[] seq = {0};
        state.change(current -> {
            seq[0] = Math.max(clock.millis(), current.headSeq() + 1);
            return current.withHeadSeq(seq[0]);
        });
        return seq[0];
    }

    /**
     * Takes the chunk that the run before published last, if this is it: that run may have ended before the mesh had all of
     * it. What follows goes on without a break.
     *
     * @return false where it is another chunk
     */
    synchronized boolean repeats(int rendition, IngestedChunk chunk) {
        Optional<ChunkRecord> last = Optional.ofNullable(
                        state.get().renditions().get(rendition))
                .flatMap(PublishState.Last::record)
                .filter(record -> !begun.contains(rendition)
                        && record.body().sha256().equals(chunk.sha256())
                        && record.length() == chunk.bytes().length);
        last.ifPresent(record -> {
            begun.add(rendition);
            mesh.publishAgain(record, Unpooled.wrappedBuffer(chunk.bytes()));
        });
        return last.isPresent();
    }

    /**
     * Publishes what the disk remembers.
     *
     * @throws IOException if it does not: the chunk is lost then, and the next one follows behind a break
     */
    ChunkRecord publish(int rendition, IngestedChunk chunk) throws IOException {
        ChunkHashes hashes = ChunkHashes.of(chunk.bytes());
        ReentrantLock lane = lanes.computeIfAbsent(rendition, number -> new ReentrantLock());
        lane.lock(); // A rendition's chunks follow one another; the disk may work for several renditions at once.
        try {
            ChunkRecord record = number(rendition, chunk, hashes);
            Optional<ChunkFile> file;
            try {
                file = keep(record, chunk.bytes());
                state.change(current -> current.with(record, chunk.name()));
                tell(record, chunk.bytes());
            } catch (IOException e) {
                lost(record);
                throw e;
            } finally {
                isTold(record);
            }
            file.ifPresent(this::makeLast);
            return record;
        } finally {
            lane.unlock();
        }
    }

    private synchronized ChunkRecord number(int rendition, IngestedChunk chunk, ChunkHashes hashes) {
        PublishState current = state.get();
        nextPiece = Math.max(nextPiece, current.nextPiece());
        ChunkRecord record = sign(current, rendition, chunk, hashes);
        nextPiece = record.endPiece();
        untold.add(record.firstPiece());
        remember(chunk.position(), record.body().start());
        return record;
    }

    /** Tells the mesh, behind whatever was numbered before. */
    private synchronized void tell(ChunkRecord record, byte[] bytes) {
        boolean interrupted = false;
        while (untold.first() < record.firstPiece()) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true; // It is on disk, so it is told.
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        begun.add(record.rendition());
        broken.remove(record.rendition());
        mesh.publish(record, Unpooled.wrappedBuffer(bytes));
        listener.published(record, bytes);
        outbox.tidy();
    }

    /** The disk did not take its number: nobody has heard of it. */
    private synchronized void lost(ChunkRecord record) {
        broken.add(record.rendition());
        outbox.drop(record);
        if (nextPiece == record.endPiece()) {
            nextPiece = record.firstPiece();
        }
    }

    private synchronized void isTold(ChunkRecord record) {
        untold.remove(record.firstPiece());
        notifyAll();
    }

    /** A stream that goes on is worth more than one that a crash cannot hurt: where the disk takes no bytes, that is said only. */
    private Optional<ChunkFile> keep(ChunkRecord record, byte[] bytes) {
        try {
            ChunkFile file = outbox.write(record, bytes);
            synchronized (this) {
                outbox.keep(file);
            }
            return Optional.of(file);
        } catch (IOException e) {
            unkept(e);
            return Optional.empty();
        }
    }

    private void makeLast(ChunkFile file) {
        try {
            outbox.makeLast(file);
            outboxTrouble = "";
        } catch (IOException e) {
            unkept(e);
        }
    }

    private void unkept(IOException why) {
        if (outboxTrouble.isEmpty()) {
            log.warn("a crash could lose chunks now: {}", why.getMessage());
        }
        outboxTrouble = "cannot be written, so a crash could lose chunks: " + why.getMessage();
    }

    private ChunkRecord sign(PublishState current, int rendition, IngestedChunk chunk, ChunkHashes hashes) {
        Optional<PublishState.Last> last =
                Optional.ofNullable(current.renditions().get(rendition));
        boolean afterBreak = !begun.contains(rendition) || broken.contains(rendition) || chunk.afterBreak();
        Instant now = clock.instant();
        ChunkRecord.Body body = new ChunkRecord.Body(
                key.streamKey(),
                current.term(),
                new ChunkId(rendition, last.map(before -> before.seq() + 1).orElse(firstSeq)),
                last.map(PublishState.Last::hash),
                now,
                start(chunk, last, afterBreak, now),
                chunk.duration(),
                last.map(before -> before.discontinuities() + (afterBreak ? 1 : 0))
                        .orElse(0L),
                chunk.container(),
                chunk.initLength(),
                chunk.bytes().length,
                chunk.sha256(),
                nextPiece,
                hashes.pieces(),
                hashes.paddedLast());
        return ChunkRecord.sign(body, key);
    }

    private Duration start(IngestedChunk chunk, Optional<PublishState.Last> last, boolean afterBreak, Instant now) {
        Duration end = last.map(PublishState.Last::end).orElse(Duration.ZERO);
        if (!afterBreak) {
            return end;
        }
        Duration arrived = sinceEpoch(now).minus(chunk.duration());
        Duration byClock = Optional.ofNullable(starts.get(chunk.position()))
                .or(() -> chunk.time().map(ChunkPublisher::sinceEpoch))
                .filter(time -> time.minus(arrived).abs().compareTo(CLOCK_TRUST) <= 0)
                .orElse(arrived);
        boolean seamless = byClock.minus(end).compareTo(chunk.duration().multipliedBy(SEAMLESS_DURATIONS)) < 0;
        return last.isPresent() && seamless ? end : byClock;
    }

    private static Duration sinceEpoch(Instant time) {
        return Duration.ofMillis(time.toEpochMilli());
    }

    private void remember(IngestedChunk.Position position, Duration start) {
        starts.putIfAbsent(position, start);
        if (starts.size() > REMEMBERED_POSITIONS) {
            starts.remove(starts.keySet().iterator().next());
        }
    }
}
