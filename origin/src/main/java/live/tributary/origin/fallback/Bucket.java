package live.tributary.origin.fallback;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntToLongFunction;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;

/**
 * The stream's copy in a bucket, written by threads of its own from a bounded queue: whatever the bucket does, the mesh does not
 * wait for it. What came too late, or was left by an earlier run, follows when there is nothing else to do.
 */
public final class Bucket implements StreamListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Bucket.class);

    private static final int WRITERS = 2;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);
    private static final Duration LAST_WRITES = Duration.ofSeconds(2);
    private static final int HOURS_OF_A_DAY = 24;
    /** How soon relays link again to an origin that was gone for a moment. */
    static final Duration LINKS_WITHIN = Duration.ofSeconds(10);
    /** An origin that was gone for longer than this begins anew: nobody need be about to link. */
    private static final Duration GONE_FOR_A_MOMENT = Duration.ofMinutes(2);
    /** How long a relay has for a chunk that was missed: no viewer waits for it. */
    private static final Duration DELIVERED_BEHIND = Duration.ofSeconds(5);

    private final SigningKey key;
    private final BucketSettings settings;
    private final BucketLayout layout;
    private final long term;
    private final Duration history;
    private final StreamPublisher mesh;
    private final Surroundings around;
    private final BucketObjects objects;
    private final RelayWrites byRelays;
    private final BucketTrouble trouble;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final UploadPlan plan;
    private final Couriers couriers;
    private final BucketDocuments documents;
    private final BucketRetention retention;
    private final List<Thread> writers = new ArrayList<>();
    private final long startedAt;
    private volatile boolean goesOn;
    private boolean estimated;
    private boolean closing;
    private boolean closed;

    /**
     * What a bucket needs from around it.
     *
     * @param handsOver whether relays that hold a chunk may be asked to write it
     * @param uplink asks to send so many bytes in the lowest class; 0, or the nanoseconds to wait
     * @param sent counts bytes that were sent
     * @param held the bytes of a chunk, where this node holds it
     * @param trouble hears what is wrong with the bucket, for whoever looks; nothing where that is over
     */
    public record Surroundings(
            InstantSource wallClock,
            LongSupplier nanoTime,
            RandomGenerator random,
            boolean handsOver,
            IntToLongFunction uplink,
            LongConsumer sent,
            Function<ChunkRecord, Optional<byte[]>> held,
            Consumer<String> trouble) {}

    /** What speaks to the bucket. */
    record Opens(Supplier<ObjectStore> store, PutSigner signer) {
        static Opens s3(BucketSettings settings, AwsCredentialsProvider credentials) {
            return new Opens(() -> new S3ObjectStore(settings, credentials), new S3PutSigner(settings, credentials));
        }
    }

    /**
     * @param journal file of the keys that were put
     * @param history how long chunks stay
     */
    public Bucket(
            BucketSettings settings,
            SigningKey key,
            long term,
            Path journal,
            Duration history,
            StreamPublisher mesh,
            Surroundings around)
            throws IOException {
        this(
                settings,
                key,
                term,
                journal,
                history,
                mesh,
                around,
                Opens.s3(settings, DefaultCredentialsProvider.create()));
    }

    Bucket(
            BucketSettings settings,
            SigningKey key,
            long term,
            Path journal,
            Duration history,
            StreamPublisher mesh,
            Surroundings around,
            Opens opens)
            throws IOException {
        this.settings = settings;
        this.key = key;
        this.term = term;
        this.layout = BucketLayout.of(settings, key.streamKey(), term);
        this.history = history;
        this.mesh = mesh;
        this.around = around;
        this.trouble = new BucketTrouble(around.trouble());
        this.startedAt = around.nanoTime().getAsLong();
        this.objects = new BucketObjects(journal, settings.writesAMonth(), around.sent(), opens.store());
        this.byRelays = new RelayWrites(
                key, layout, mesh, opens.signer(), objects, around.wallClock(), around.handsOver(), history);
        this.plan = new UploadPlan(around.random(), byRelays.allowed() ? Couriers.DELIVERED_WITHIN : 0);
        this.couriers = new Couriers(around.random());
        this.documents = new BucketDocuments(layout, plan);
        this.retention = new BucketRetention(layout, history);
    }

    /** The base URL at which viewers find this term's objects: what heads name. */
    public static URI publicUrl(BucketSettings settings, SigningKey key, long term) {
        return BucketLayout.of(settings, key.streamKey(), term).publicUrl(settings);
    }

    public void start() {
        if (settings.isDevelopmentDomain()) {
            log.warn(
                    "{} is a development domain: few requests a second and no cache; give the bucket a domain of its own",
                    settings.publicBase());
        }
        StreamView stream = mesh.view();
        stream.addListener(this);
        for (int rendition : stream.renditions()) { // What was restored before anybody listened.
            stream.newest(rendition, UploadPlan.MAX_MISSED).stream()
                    .filter(stream::holds)
                    .forEach(this::chunkCompleted);
        }
        for (int i = 0; i < WRITERS; i++) {
            Thread thread = new Thread(this::write, "bucket-" + i);
            thread.setDaemon(true);
            writers.add(thread);
            thread.start();
        }
    }

    /** A chunk that the mesh has; returns at once. */
    public void published(ChunkRecord record, byte[] bytes) {
        locked(() -> {
            if (!estimated) {
                estimated = true;
                estimate(record);
            }
            List<ChunkRecord> dropped = plan.offer(record, bytes, now());
            late(dropped, now());
        });
    }

    /** Chunks that are not in the bucket in time: they follow when there is nothing else to do. */
    private void late(List<ChunkRecord> records, long now) {
        for (ChunkRecord record : records) {
            couriers.forget(record, now);
            missed(record);
        }
        if (!records.isEmpty()) {
            trouble.says("the bucket is too slow: " + records.size() + " chunks wait until it has time, the first "
                    + records.get(0));
        }
    }

    private void missed(ChunkRecord record) {
        plan.missed(record, now()).ifPresent(gone -> trouble.leftOut());
    }

    /** Says what a month costs at the rate of the first chunk, on air around the clock: the most that it can be. */
    private void estimate(ChunkRecord record) {
        int renditions = documents.renditions();
        long bits = record.length() * 8_000L / record.body().duration().toMillis() * renditions;
        CostEstimate.Plan month =
                new CostEstimate.Plan(bits, 0, 0, 1, renditions, record.body().duration(), HOURS_OF_A_DAY, history);
        CostEstimate cost = CostEstimate.of(month);
        log.info(
                "the bucket, on air around the clock: {} writes a month, {} MB stored, ${} beyond what is free (R2's prices)",
                cost.writes(),
                cost.storedBytes() / 1_000_000,
                String.format(Locale.ROOT, "%.2f", cost.dollars()));
    }

    @Override
    public void headChanged(SignedHead newest) {
        locked(() -> documents.head(newest));
    }

    @Override
    public void aboutChanged(About newest) {
        locked(() -> documents.about(newest));
    }

    /** The node has a chunk whole that this run did not publish: one of an earlier run, which a crash may have kept from the bucket. */
    @Override
    public void chunkCompleted(ChunkRecord record) {
        Instant now = around.wallClock().instant();
        goesOn |= record.term() < term && record.body().published().isAfter(now.minus(GONE_FOR_A_MOMENT));
        if (record.term() < term
                && isInHistory(record)
                && !mesh.view().storedInBucket(record.chunk())
                && !objects.isKnownToBeStored(nameOf(record))) {
            locked(() -> missed(record));
        }
    }

    private boolean isInHistory(ChunkRecord record) {
        return record.body()
                .published()
                .isAfter(retention.oldest(around.wallClock().instant()));
    }

    /** A chunk's name, under its own term. */
    private String nameOf(ChunkRecord record) {
        return BucketLayout.of(settings, key.streamKey(), record.term()).chunk(record);
    }

    // ---- the writers

    private void write() {
        try {
            objects.store(); // Before the first chunk waits for it.
        } catch (ObjectStore.StoreException e) {
            locked(() -> trouble.says(String.valueOf(e.getMessage())));
        }
        while (true) {
            Optional<UploadPlan.Job> job;
            try {
                job = await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            if (job.isEmpty()) {
                return;
            }
            try {
                handle(job.get());
            } catch (RuntimeException e) {
                log.error("the bucket's writer goes on after a fault", e);
            }
        }
    }

    /** The next job; empty when there will be none. */
    private Optional<UploadPlan.Job> await() throws InterruptedException {
        lock.lock();
        try {
            while (!closed) {
                long now = now();
                late(plan.giveUp(now), now);
                retain();
                Optional<UploadPlan.Job> job = plan.next(now);
                if (job.isPresent()) {
                    return job;
                }
                if (closing && plan.isIdle()) {
                    return Optional.empty();
                }
                long wait = plan.nextDue(now).map(due -> due - now).orElse(LONGEST_WAIT.toNanos());
                changed.awaitNanos(Math.max(1, Math.min(wait, LONGEST_WAIT.toNanos())));
            }
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    private void retain() {
        Instant now = around.wallClock().instant();
        if (retention.isDue(now)) {
            plan.expire(retention.oldest(now));
            retention.leaving(objects.keys(), now).forEach(plan::delete);
        }
    }

    private void handle(UploadPlan.Job job) {
        if (job instanceof UploadPlan.Upload upload) {
            upload(upload);
        } else if (job instanceof UploadPlan.Write write) {
            writeDocument(write);
        } else if (job instanceof UploadPlan.CatchUp catchUp) {
            catchUp(catchUp);
        } else if (job instanceof UploadPlan.Delete delete) {
            delete(delete.key());
        }
    }

    private void upload(UploadPlan.Upload upload) {
        boolean hopeful = byRelays.anybody() || (goesOn && mayYetLink());
        if (!hopeful || !leaveToRelays(upload)) {
            uploadOneself(upload);
        }
    }

    /** Has a relay write the chunk. Returns false where the origin has to do it. */
    private boolean leaveToRelays(UploadPlan.Upload upload) {
        ChunkRecord record = upload.record();
        List<RelayKey> holders = byRelays.holders(record);
        lock.lock();
        Couriers.Step step;
        try {
            step = closing ? new Couriers.WriteOneself() : couriers.next(record, holders, upload.offered(), now());
        } finally {
            lock.unlock();
        }
        if (step instanceof Couriers.Wait wait) {
            locked(() -> plan.postpone(upload, wait.until()));
            return true;
        } else if (step instanceof Couriers.HandTo to) {
            return handOver(upload, to.relay());
        } else if (step instanceof Couriers.Check) {
            return check(upload);
        }
        return false;
    }

    private boolean handOver(UploadPlan.Upload upload, RelayKey relay) {
        boolean handed = byRelays.handOver(upload.record(), relay);
        if (handed) {
            locked(() -> {
                couriers.handed(upload.record(), relay, now());
                plan.postpone(upload, now());
            });
        }
        return handed;
    }

    private boolean check(UploadPlan.Upload upload) {
        ChunkRecord record = upload.record();
        if (byRelays.delivered(record)) {
            locked(() -> couriers.delivered(record));
            stored(upload);
            return true;
        }
        lock.lock();
        try {
            Optional<Long> again = couriers.notThere(record, upload.offered(), now());
            again.ifPresent(time -> plan.postpone(upload, time));
            changed.signalAll();
            return again.isPresent();
        } finally {
            lock.unlock();
        }
    }

    private void stored(UploadPlan.Upload upload) {
        ChunkRecord record = upload.record();
        locked(() -> {
            plan.stored(upload);
            documents.stored(record.rendition());
            trouble.isOver();
        });
        mesh.publish(LiveMessage.Stored.sign(record.chunk(), key));
    }

    private void uploadOneself(UploadPlan.Upload upload) {
        long wait = around.uplink().applyAsLong(upload.bytes().length);
        if (wait > 0) {
            locked(() -> plan.postpone(upload, now() + wait));
            return;
        }
        try {
            put(layout.chunk(upload.record()), upload.record(), upload.bytes());
            stored(upload);
        } catch (ObjectStore.StoreException e) {
            locked(() -> {
                boolean again = plan.failed(upload, e.refused(), now());
                if (!again) {
                    missed(upload.record());
                }
                trouble.says("the bucket did not take a chunk" + (again ? ", trying again: " : ": ") + e.getMessage());
            });
        }
    }

    private void put(String name, ChunkRecord record, byte[] bytes) throws ObjectStore.StoreException {
        objects.put(
                name,
                new BucketObjects.Content(
                        bytes, record.body().container().mediaType(), LivePlaylist.CHUNK_CACHE_CONTROL),
                record.body().published(),
                around.wallClock().instant());
    }

    /** Has a chunk that was missed stored, unless it is there, or has left the history or this node. */
    private void catchUp(UploadPlan.CatchUp job) {
        Runnable settles = () -> plan.caughtUp(job, false, false, now());
        try {
            if (isInHistory(job.record())) {
                settles = settled(job);
            }
        } catch (ObjectStore.StoreException e) {
            settles = () -> {
                plan.caughtUp(job, true, e.refused(), now());
                trouble.says("the bucket did not take a chunk that it lacks: " + e.getMessage());
            };
        } finally {
            locked(settles);
        }
    }

    private Runnable settled(UploadPlan.CatchUp job) throws ObjectStore.StoreException {
        ChunkRecord record = job.record();
        String name = nameOf(record);
        if (!objects.isStored(name, record.length())) {
            if (!job.asked() && askForMissed(record)) {
                return () -> plan.leftToOthers(job, true, now() + DELIVERED_BEHIND.toNanos());
            }
            if (!job.asked() && mayYetLink()) {
                return () -> plan.leftToOthers(job, false, startedAt + LINKS_WITHIN.toNanos());
            }
            Optional<byte[]> bytes = around.held().apply(record);
            boolean later = bytes.isPresent() && around.uplink().applyAsLong(record.length()) > 0;
            if (bytes.isEmpty() || later) {
                return () -> plan.caughtUp(job, later, false, now());
            }
            put(name, record, bytes.get());
        }
        objects.stored(name);
        mesh.publish(LiveMessage.Stored.sign(record.chunk(), key));
        return () -> {
            plan.caughtUp(job, false, false, now());
            trouble.isOver();
        };
    }

    private boolean askForMissed(ChunkRecord record) {
        List<RelayKey> holders = byRelays.allowed() ? byRelays.holders(record) : List.of();
        Optional<RelayKey> relay;
        lock.lock();
        try {
            relay = couriers.choose(holders, now());
        } finally {
            lock.unlock();
        }
        return relay.isPresent() && byRelays.handOver(record, nameOf(record), relay.get());
    }

    /** Whether relays may not have linked yet to an origin that has just begun. */
    private boolean mayYetLink() {
        return byRelays.allowed() && now() - startedAt < LINKS_WITHIN.toNanos();
    }

    private void writeDocument(UploadPlan.Write write) {
        lock.lock();
        Optional<BucketObjects.Content> content;
        try {
            content = documents.content(write.key());
        } finally {
            lock.unlock();
        }
        try {
            if (content.isPresent()) {
                Instant now = around.wallClock().instant();
                objects.put(write.key(), content.get(), now, now);
            }
            locked(() -> {
                plan.written(write, true, false, now());
                trouble.isOver();
            });
        } catch (ObjectStore.StoreException e) {
            locked(() -> {
                plan.written(write, false, e.refused(), now());
                trouble.says("the bucket did not take " + write.key() + ": " + e.getMessage());
            });
        }
    }

    private void delete(String name) {
        try {
            objects.delete(name);
        } catch (ObjectStore.StoreException e) {
            locked(() -> {
                plan.pauseIf(e.refused(), now());
                trouble.says("the bucket did not delete " + name + ": " + e.getMessage());
            });
        } finally {
            locked(() -> retention.done(name));
        }
    }

    private long now() {
        return around.nanoTime().getAsLong();
    }

    private void locked(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Writes what is waiting, for two seconds at most. */
    @Override
    public void close() throws IOException, InterruptedException {
        mesh.view().removeListener(this);
        locked(() -> closing = true);
        long end = System.nanoTime() + LAST_WRITES.toNanos();
        for (Thread writer : writers) {
            TimeUnit.NANOSECONDS.timedJoin(writer, Math.max(1, end - System.nanoTime()));
        }
        locked(() -> closed = true);
        objects.close();
    }
}
