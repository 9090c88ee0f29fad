package live.tributary.origin.fallback;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntToLongFunction;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamPublisher;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.hls.MasterPlaylist;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
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
 * wait for it.
 */
public final class Bucket implements StreamListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Bucket.class);

    private static final int WRITERS = 2;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);
    private static final Duration RETENTION_INTERVAL = Duration.ofSeconds(10);
    private static final Duration LAST_WRITES = Duration.ofSeconds(2);
    private static final int HOURS_OF_A_DAY = 24;
    private static final Duration SHORTEST_HISTORY_TO_HAND_OVER = Duration.ofMinutes(20);
    /** How long a relay may still begin with a put that it was given. */
    private static final Duration ORDER_LIFETIME = Duration.ofMinutes(2);

    private static final String BINARY = "application/octet-stream";

    private final SigningKey key;
    private final BucketSettings settings;
    private final BucketLayout layout;
    private final Duration history;
    private final StreamPublisher mesh;
    private final Surroundings around;
    private final BucketJournal journal;
    private final WriteBudget budget;
    private final Opens opens;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final UploadPlan plan;
    private final Couriers couriers;
    private volatile boolean handsOver;
    private final List<Thread> writers = new ArrayList<>();
    private final Set<String> deleting = new HashSet<>();
    private Optional<ObjectStore> store = Optional.empty();
    private Optional<SignedHead> head = Optional.empty();
    private Optional<About> about = Optional.empty();
    private Instant retentionAt = Instant.MIN;
    private boolean estimated;
    private boolean closing;
    private boolean closed;
    private String trouble = "";

    /**
     * What a bucket needs from around it.
     *
     * @param handsOver whether relays that hold a chunk may be asked to write it
     * @param uplink asks to send so many bytes in the lowest class; 0, or the nanoseconds to wait
     * @param sent counts bytes that were sent
     */
    public record Surroundings(
            InstantSource wallClock,
            LongSupplier nanoTime,
            RandomGenerator random,
            boolean handsOver,
            IntToLongFunction uplink,
            LongConsumer sent) {}

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
        this.layout = BucketLayout.of(settings, key.streamKey(), term);
        this.history = history;
        this.mesh = mesh;
        this.around = around;
        this.journal = new BucketJournal(journal);
        this.budget = new WriteBudget(journal.resolveSibling("bucket.writes"), settings.writesAMonth());
        this.opens = opens;
        // A signed put is good for a quarter of an hour: none may outlive the object's time in the bucket.
        this.handsOver = around.handsOver() && history.compareTo(SHORTEST_HISTORY_TO_HAND_OVER) >= 0;
        this.plan = new UploadPlan(around.random(), handsOver ? Couriers.DELIVERED_WITHIN : 0);
        this.couriers = new Couriers(around.random());
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
        mesh.view().addListener(this);
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
            dropped.forEach(gone -> couriers.forget(gone, now()));
            if (!dropped.isEmpty()) {
                trouble("the bucket is too slow: " + dropped.size() + " chunks left out of it, the oldest "
                        + dropped.get(0));
            }
        });
    }

    /** Says what a month costs at the rate of the first chunk, on air around the clock: the most that it can be. */
    private void estimate(ChunkRecord record) {
        int renditions =
                about.map(current -> current.body().renditions().size()).orElse(1);
        long bits = record.length() * 8_000L / record.body().duration().toMillis() * renditions;
        CostEstimate.Plan plan =
                new CostEstimate.Plan(bits, 0, 0, 1, renditions, record.body().duration(), HOURS_OF_A_DAY, history);
        CostEstimate cost = CostEstimate.of(plan);
        log.info(
                "the bucket, on air around the clock: {} writes a month, {} MB stored, ${} beyond what is free (R2's prices)",
                cost.writes(),
                cost.storedBytes() / 1_000_000,
                String.format(Locale.ROOT, "%.2f", cost.dollars()));
    }

    @Override
    public void headChanged(SignedHead newest) {
        locked(() -> {
            boolean sameStatus = head.map(before -> before.head().status())
                    .equals(Optional.of(newest.head().status()));
            head = Optional.of(newest);
            plan.changed(layout.head());
            if (!sameStatus) {
                playlistsChanged();
            }
        });
    }

    @Override
    public void aboutChanged(About newest) {
        locked(() -> {
            about = Optional.of(newest);
            plan.changed(layout.about());
            plan.changed(layout.master());
        });
    }

    private void playlistsChanged() {
        about.ifPresent(current -> current.body().renditions().stream()
                .filter(rendition -> !plan.listed(rendition.number()).isEmpty())
                .forEach(rendition -> plan.changed(layout.playlist(rendition.number()))));
    }

    private void write() {
        try {
            store(); // Before the first chunk waits for it.
        } catch (ObjectStore.StoreException e) {
            locked(() -> trouble(String.valueOf(e.getMessage())));
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
                List<ChunkRecord> late = plan.giveUp(now);
                late.forEach(record -> couriers.forget(record, now));
                if (!late.isEmpty()) {
                    trouble("the bucket is too slow: " + late.size() + " chunks left out of it, the first "
                            + late.get(0));
                }
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

    /** Deletes what left the history: this term's chunks, and all of a term before once its last chunk is gone. */
    private void retain() {
        Instant now = around.wallClock().instant();
        if (now.isBefore(retentionAt)) {
            return;
        }
        retentionAt = now.plus(RETENTION_INTERVAL);
        Instant oldest = now.minus(history);
        plan.expire(oldest);
        Map<String, Instant> keys = journal.keys();
        for (Map.Entry<String, Instant> entry : keys.entrySet()) {
            String name = entry.getKey();
            boolean chunk = name.endsWith(".ts") || name.endsWith(".mp4");
            boolean old = chunk
                    ? entry.getValue().isBefore(oldest)
                    : !name.startsWith(layout.base() + "/") && !hasChunks(keys, termOf(name));
            if (old && deleting.add(name)) {
                plan.delete(name);
            }
        }
    }

    private static boolean hasChunks(Map<String, Instant> keys, String base) {
        return keys.keySet().stream()
                .anyMatch(name -> name.startsWith(base) && (name.endsWith(".ts") || name.endsWith(".mp4")));
    }

    /** A document's key up to and with its term. */
    private static String termOf(String name) {
        String folder = name.substring(0, name.lastIndexOf('/') + 1);
        return name.endsWith("/live.m3u8") ? folder.replaceAll("[^/]+/$", "") : folder;
    }

    private void handle(UploadPlan.Job job) {
        if (job instanceof UploadPlan.Upload upload) {
            upload(upload);
        } else if (job instanceof UploadPlan.Write write) {
            writeDocument(write);
        } else if (job instanceof UploadPlan.Delete delete) {
            delete(delete.key());
        }
    }

    private void upload(UploadPlan.Upload upload) {
        boolean anybody = handsOver && mesh.view().relays().stream().anyMatch(Bucket::mayWrite);
        if (!anybody || !leaveToOthers(upload)) {
            uploadOneself(upload);
        }
    }

    private static boolean mayWrite(RelayView relay) {
        return relay.linked() && relay.role() == NodeRole.RELAY;
    }

    /** Has a relay write the chunk. Returns false where the origin has to do it. */
    private boolean leaveToOthers(UploadPlan.Upload upload) {
        ChunkRecord record = upload.record();
        List<RelayKey> holders = mesh.view().holders(record).stream()
                .filter(Bucket::mayWrite)
                .map(RelayView::key)
                .toList();
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
        ChunkRecord record = upload.record();
        String name = layout.chunk(record);
        Instant now = around.wallClock().instant();
        try {
            Optional<PutSigner.SignedPut> put = opens.signer()
                    .sign(
                            name,
                            record.body().sha256(),
                            record.body().container().mediaType(),
                            LivePlaylist.CHUNK_CACHE_CONTROL,
                            now);
            if (put.isEmpty()) {
                log.info("the bucket's credentials come with a token, which stays here: the origin uploads by itself");
                handsOver = false;
                return false;
            }
            toBePut(name, record.body().published());
            mesh.send(LiveMessage.Put.sign(
                    new LiveMessage.Put.Order(
                            relay, record.chunk(), put.get().url(), put.get().headers(), now.plus(ORDER_LIFETIME)),
                    key));
        } catch (ObjectStore.StoreException | IllegalArgumentException e) {
            log.debug("{} is not handed over: {}", record, e.getMessage());
            return false; // The origin's own attempt meets the same trouble, and tells it.
        }
        locked(() -> {
            couriers.handed(record, relay, now());
            plan.postpone(upload, now());
        });
        return true;
    }

    private boolean check(UploadPlan.Upload upload) {
        ChunkRecord record = upload.record();
        boolean there;
        try {
            there = store().has(layout.chunk(record), record.length());
        } catch (ObjectStore.StoreException e) {
            log.debug("{}: {}", record, e.getMessage());
            there = false;
        }
        if (there) {
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
            plan.changed(layout.playlist(record.rendition()));
            troubleOver();
        });
        mesh.publish(LiveMessage.Stored.sign(record.chunk(), key));
    }

    private void uploadOneself(UploadPlan.Upload upload) {
        long wait = around.uplink().applyAsLong(upload.bytes().length);
        if (wait > 0) {
            locked(() -> plan.postpone(upload, now() + wait));
            return;
        }
        ChunkRecord record = upload.record();
        try {
            put(
                    layout.chunk(record),
                    upload.bytes(),
                    record.body().container().mediaType(),
                    LivePlaylist.CHUNK_CACHE_CONTROL,
                    record.body().published());
            stored(upload);
        } catch (ObjectStore.StoreException e) {
            locked(() -> {
                boolean again = plan.failed(upload, e.refused(), now());
                trouble("the bucket did not take a chunk" + (again ? ", trying again: " : ": ") + e.getMessage());
            });
        }
    }

    private void writeDocument(UploadPlan.Write write) {
        Optional<Content> content = content(write.key());
        try {
            if (content.isPresent()) {
                put(
                        write.key(),
                        content.get().bytes(),
                        content.get().type(),
                        LivePlaylist.CACHE_CONTROL,
                        around.wallClock().instant());
            }
            locked(() -> {
                plan.written(write, true, false, now());
                troubleOver();
            });
        } catch (ObjectStore.StoreException e) {
            locked(() -> {
                plan.written(write, false, e.refused(), now());
                trouble("the bucket did not take " + write.key() + ": " + e.getMessage());
            });
        }
    }

    private record Content(String type, byte[] bytes) {}

    private Optional<Content> content(String name) {
        lock.lock();
        try {
            if (name.equals(layout.head())) {
                return head.map(current -> new Content(BINARY, current.encode()));
            }
            if (name.equals(layout.about())) {
                return about.map(current -> new Content(BINARY, current.encoded()));
            }
            return about.map(current -> new Content(
                    LivePlaylist.CONTENT_TYPE, playlist(name, current).getBytes(StandardCharsets.UTF_8)));
        } finally {
            lock.unlock();
        }
    }

    private String playlist(String name, About current) {
        if (name.equals(layout.master())) {
            return MasterPlaylist.of(current, number -> number + "/live.m3u8");
        }
        int rendition = current.body().renditions().stream()
                .mapToInt(one -> one.number())
                .filter(number -> layout.playlist(number).equals(name))
                .findFirst()
                .orElseThrow();
        boolean ended =
                head.filter(one -> one.head().status() == Head.Status.ENDED).isPresent();
        return new LivePlaylist(current.body().targetDuration(), BucketLayout::chunkName)
                .withEnd(ended)
                .write(plan.listed(rendition));
    }

    private void put(String name, byte[] bytes, String type, String cacheControl, Instant time)
            throws ObjectStore.StoreException {
        toBePut(name, time);
        store().put(name, bytes, type, cacheControl);
        around.sent().accept(bytes.length);
    }

    /** Counts a put, and notes what it leaves behind, before it is made. */
    private void toBePut(String name, Instant time) throws ObjectStore.StoreException {
        try {
            if (!budget.take(around.wallClock().instant())) {
                throw new ObjectStore.StoreException("the bucket's budget is used up", true);
            }
            journal.putting(name, time);
        } catch (IOException e) {
            throw new ObjectStore.StoreException("the bucket's journal cannot be written: " + e.getMessage(), false, e);
        }
    }

    private void delete(String name) {
        try {
            store().delete(name);
            journal.deleted(name);
        } catch (ObjectStore.StoreException e) {
            locked(() -> {
                plan.pauseIf(e.refused(), now());
                trouble("the bucket did not delete " + name + ": " + e.getMessage());
            });
        } catch (IOException e) {
            locked(() -> trouble("the bucket's journal cannot be written: " + e.getMessage()));
        } finally {
            locked(() -> deleting.remove(name));
        }
    }

    /** Opened by the first writer that needs it: the SDK takes a second of CPU, and the program's start should not. */
    private ObjectStore store() throws ObjectStore.StoreException {
        lock.lock();
        try {
            if (store.isEmpty()) {
                store = Optional.of(opens.store().get());
            }
            return store.get();
        } catch (RuntimeException e) {
            throw new ObjectStore.StoreException("the bucket cannot be opened: " + e.getMessage(), true, e);
        } finally {
            lock.unlock();
        }
    }

    /** Says a trouble once, until something went well again. */
    private void trouble(String what) {
        if (trouble.isEmpty()) {
            log.warn("{}", what);
            trouble = what;
        } else {
            log.debug("{}", what);
        }
    }

    private void troubleOver() {
        if (!trouble.isEmpty()) {
            log.info("the bucket takes chunks again");
            trouble = "";
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
        store.ifPresent(ObjectStore::close);
        journal.close();
    }
}
