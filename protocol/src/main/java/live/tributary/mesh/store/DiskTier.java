package live.tributary.mesh.store;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chunks of one directory, within a cap, oldest out first; they outlive the process.
 *
 * <p>One thread writes, verifies and deletes; others read what the system no longer has in its cache. A chunk counts as held from the moment it is queued for writing, and is read
 * from the queue until it is on disk. Mappings of files that are read again and again are kept by popularity, since old
 * chunks are asked for by viewers' interest and not by age.
 */
final class DiskTier {
    /** Bytes that may wait for the disk; a slower disk than that is not worth waiting for. */
    private static final long MAX_PENDING = 2L * ChunkRecord.MAX_CHUNK;

    /** Chunks shorter than this are sent as memory: a file of their own open costs more than the copy. */
    private static final int WORTH_A_FILE = 64 * 1024;

    private static final int READERS = 2;
    /** Chunks that may wait to be read from the disk. */
    private static final int MAX_READS = 256;

    /** What is younger than this goes by age alone. */
    private static final Duration RECENT = WindowId.LENGTH.plus(WindowId.STEP);

    /** One look for what others keep in as many evictions as a sixteenth of the chunks. */
    private static final int LOOK_EVERY = 16;

    private static final int PROGRESS_STEPS = 4;
    private static final long CLOSE_SECONDS = 2;
    private static final Logger LOG = LoggerFactory.getLogger(DiskTier.class);

    private final Path directory;
    private final long cap;
    private final Upper upper;
    private final ExecutorService thread = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            new DefaultThreadFactory("store-disk", true),
            new ThreadPoolExecutor.DiscardPolicy()); // What comes after close has nowhere to go.

    private final ExecutorService readers = new ThreadPoolExecutor(
            READERS,
            READERS,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_READS),
            new DefaultThreadFactory("store-read", true));

    private final Map<Sha256, Slab> pending = new ConcurrentHashMap<>();
    private final Map<Sha256, ChunkFile> files = new ConcurrentHashMap<>();
    private final long mappedCap;
    private @Nullable Cache<Sha256, MappedFile> mapped;
    private final AtomicLong pendingBytes = new AtomicLong();
    private final AtomicLong fileBytes = new AtomicLong();

    private volatile Predicate<ChunkRecord> keeps = record -> true;

    /** Only on the disk's thread. */
    private final NavigableSet<ChunkRecord> byAge = new TreeSet<>(Slab.BY_AGE);

    private final Queue<ChunkRecord> spare = new ArrayDeque<>();
    /** From the start a look is due. */
    private int looksPutOff = Integer.MAX_VALUE / 2;

    private boolean failing;

    /** What stands before the disk: memory. */
    interface Upper {
        boolean holds(ChunkRecord record);

        /** Takes over the file of a chunk that was written just now, where it holds the chunk. */
        boolean keeps(ChunkRecord record, MappedFile file);

        /** The chunk's file was deleted. */
        void letGo(ChunkRecord record);

        /** A chunk is in neither tier any more. */
        void evicted(ChunkRecord record);
    }

    DiskTier(Path directory, long cap, long mappedCap, Upper upper) throws IOException {
        this.directory = Files.createDirectories(directory);
        this.cap = cap;
        this.upper = upper;
        this.mappedCap = mappedCap;
    }

    /** Made when the first file is read: a start does not wait for it. */
    private synchronized Cache<Sha256, MappedFile> mapped() {
        Cache<Sha256, MappedFile> made = mapped;
        if (made == null) {
            made = Caffeine.newBuilder()
                    .maximumWeight(mappedCap)
                    .weigher((Sha256 hash, MappedFile file) -> file.length())
                    .executor(Runnable::run)
                    .removalListener((@Nullable Sha256 hash, @Nullable MappedFile file, RemovalCause cause) -> {
                        if (file != null) {
                            file.close();
                        }
                    })
                    .build();
            mapped = made;
        }
        return made;
    }

    private synchronized void unmap(Sha256 hash) {
        if (mapped != null) {
            mapped.invalidate(hash);
        }
    }

    /** Which older chunks are to be kept for longest. */
    void keep(Predicate<ChunkRecord> first) {
        keeps = first;
    }

    long bytes() {
        return fileBytes.get();
    }

    boolean holds(ChunkRecord record) {
        return files.containsKey(record.hash()) || pending.containsKey(record.hash());
    }

    boolean hasWritten(ChunkRecord record) {
        return files.containsKey(record.hash());
    }

    Optional<ByteBuf> read(ChunkRecord record, int offset, int length) {
        Slab waiting = pending.get(record.hash());
        if (waiting != null) {
            Optional<ByteBuf> slice = waiting.slice(offset, length);
            if (slice.isPresent()) {
                return slice;
            }
        }
        ChunkFile file = files.get(record.hash());
        if (file == null) {
            return Optional.empty();
        }
        try {
            MappedFile mapping = map(file);
            if (!mapping.isResident()) {
                loadAhead(mapping);
            }
            Optional<ByteBuf> slice = mapping.slice(offset, length);
            return slice.isPresent() ? slice : Optional.of(mapOnce(file, offset, length));
        } catch (UncheckedIOException | IOException e) {
            unreadable(file, e);
            return Optional.empty();
        }
    }

    /** Has a file read into the system's cache, since who asked for a part of it is soon followed. */
    void loadAhead(MappedFile mapping) {
        if (!mapping.claimLoading()) {
            return;
        }
        try {
            readers.execute(mapping::load);
        } catch (RejectedExecutionException e) {
            mapping.loadingFailed();
            LOG.debug("the disk has too much to read to read ahead");
        }
    }

    /** For a mapping that left the cache between being found and being read, or is too large for it. */
    private static ByteBuf mapOnce(ChunkFile file, int offset, int length) throws IOException {
        MappedFile whole = file.map();
        try {
            return whole.slice(offset, length).orElseThrow();
        } finally {
            whole.close();
        }
    }

    private MappedFile map(ChunkFile file) {
        return mapped().get(file.record().hash(), hash -> {
            try {
                return file.map();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** As {@link ChunkBytes#fetch}. */
    CompletionStage<Optional<StoredChunk>> fetch(ChunkRecord record) {
        Slab waiting = pending.get(record.hash());
        Optional<StoredChunk> here = waiting == null ? Optional.empty() : waiting.share(this::loadAhead);
        if (here.isEmpty()) {
            MappedFile file = mapped().getIfPresent(record.hash());
            here = file != null && file.isResident() ? file.share() : Optional.empty();
        }
        if (here.isPresent()) {
            return CompletableFuture.completedStage(here);
        }
        ChunkFile file = files.get(record.hash());
        if (file == null) {
            return CompletableFuture.completedStage(Optional.empty());
        }
        try {
            return CompletableFuture.supplyAsync(() -> loaded(file), readers);
        } catch (RejectedExecutionException e) { // Who asks finds another holder sooner than this disk would answer.
            return CompletableFuture.completedStage(Optional.empty());
        }
    }

    /** As {@link ChunkBytes#prepare}. */
    CompletableFuture<Boolean> prepare(ChunkRecord record) {
        ChunkFile file = files.get(record.hash());
        if (file == null || pending.containsKey(record.hash())) {
            return ChunkStore.READY;
        }
        MappedFile mapping = mapped().getIfPresent(record.hash());
        if (mapping != null && mapping.isResident()) {
            return ChunkStore.READY;
        }
        try {
            return CompletableFuture.supplyAsync(
                    () -> {
                        loaded(file).ifPresent(StoredChunk::release);
                        return true; // Where it cannot be read, that is told by who reads it next.
                    },
                    readers);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.completedFuture(false);
        }
    }

    private Optional<StoredChunk> loaded(ChunkFile file) {
        try {
            MappedFile mapping = map(file);
            mapping.load();
            Optional<StoredChunk> shared = mapping.share();
            return shared.isPresent() ? shared : loadedOnce(file);
        } catch (UncheckedIOException | IOException e) {
            unreadable(file, e);
            return Optional.empty();
        }
    }

    private static Optional<StoredChunk> loadedOnce(ChunkFile file) throws IOException {
        MappedFile mapping = file.map();
        try {
            mapping.load();
            return mapping.share();
        } finally {
            mapping.close();
        }
    }

    private void unreadable(ChunkFile file, Exception e) {
        LOG.warn("cannot read {} from the cache on disk: {}", file.record(), e.getMessage());
        thread.execute(() -> setAside(file));
    }

    /** Takes {@code bytes} over and writes them when the disk has time. */
    void save(ChunkRecord record, ByteBuf bytes) {
        Slab slab = new Slab(record, bytes);
        if (holds(record)
                || ChunkFile.size(record) > cap
                || pendingBytes.get() + record.length() > MAX_PENDING
                || pending.putIfAbsent(record.hash(), slab) != null) {
            slab.close();
            return;
        }
        pendingBytes.addAndGet(record.length());
        thread.execute(() -> write(slab));
    }

    private void write(Slab slab) {
        ChunkRecord record = slab.record();
        Optional<ByteBuf> bytes = slab.slice(0, slab.length());
        if (bytes.isPresent()) { // Else it was discarded while it waited.
            try {
                if (makeRoom(record)) {
                    ChunkFile file = ChunkFile.write(directory, record, bytes.get());
                    add(file);
                    offer(file);
                    if (failing) {
                        failing = false;
                        LOG.info("the cache on disk takes chunks again");
                    }
                }
            } catch (IOException e) {
                if (!failing) {
                    failing = true;
                    LOG.warn("cannot write to the cache in {}: {}; serving from memory", directory, e.getMessage());
                }
            } finally {
                bytes.get().release();
            }
        }
        boolean wanted = pending.remove(record.hash(), slab);
        pendingBytes.addAndGet(-record.length());
        slab.close();
        if (wanted) {
            tellIfGone(record);
        } else {
            remove(record);
        }
    }

    /** What was written just now is in the system's cache, where viewers' connections can be fed from without a copy. */
    private void offer(ChunkFile file) {
        if (file.record().length() < WORTH_A_FILE) {
            return;
        }
        try {
            MappedFile mapping = file.map();
            if (!upper.keeps(file.record(), mapping)) {
                mapping.close();
            }
        } catch (IOException e) {
            unreadable(file, e);
        }
    }

    private boolean makeRoom(ChunkRecord coming) {
        long size = ChunkFile.size(coming);
        while (fileBytes.get() + size > cap) {
            Optional<ChunkRecord> first = spare().or(() -> byAge.isEmpty() ? Optional.empty() : oldestBefore(coming));
            if (first.isEmpty()) {
                return false;
            }
            remove(first.get());
            tellIfGone(first.get());
        }
        return true;
    }

    private Optional<ChunkRecord> oldestBefore(ChunkRecord coming) {
        ChunkRecord oldest = byAge.first();
        boolean goes = Slab.BY_AGE.compare(oldest, coming) < 0 && (keeps.test(coming) || isRecent(coming));
        return goes ? Optional.of(oldest) : Optional.empty();
    }

    /** The oldest chunk that others keep, if one is known: looking through all for them is put off until it is worth it. */
    private Optional<ChunkRecord> spare() {
        if (spare.isEmpty() && ++looksPutOff > byAge.size() / LOOK_EVERY) {
            looksPutOff = 0;
            byAge.stream()
                    .filter(record -> !isRecent(record) && !keeps.test(record))
                    .forEach(spare::add);
        }
        ChunkRecord next = spare.poll();
        while (next != null && (!files.containsKey(next.hash()) || keeps.test(next))) {
            next = spare.poll();
        }
        return Optional.ofNullable(next);
    }

    private boolean isRecent(ChunkRecord record) {
        return byAge.isEmpty()
                || !record.body()
                        .published()
                        .isBefore(byAge.last().body().published().minus(RECENT));
    }

    private void add(ChunkFile file) {
        if (files.put(file.record().hash(), file) == null) {
            byAge.add(file.record());
            fileBytes.addAndGet(ChunkFile.size(file.record()));
        }
    }

    private void remove(ChunkRecord record) {
        ChunkFile file = forget(record);
        if (file != null) {
            try {
                file.delete();
            } catch (IOException e) {
                LOG.warn("cannot delete a chunk from the cache on disk: {}", e.getMessage());
            }
        }
    }

    private @Nullable ChunkFile forget(ChunkRecord record) {
        ChunkFile file = files.remove(record.hash());
        if (file != null) {
            byAge.remove(record);
            fileBytes.addAndGet(-ChunkFile.size(record));
            unmap(record.hash());
            upper.letGo(record);
        }
        return file;
    }

    private void tellIfGone(ChunkRecord record) {
        if (!holds(record) && !upper.holds(record)) {
            upper.evicted(record);
        }
    }

    void discard(ChunkRecord record) {
        Slab waiting = pending.remove(record.hash());
        if (waiting != null) {
            waiting.close();
        }
        thread.execute(() -> remove(record));
    }

    private void setAside(ChunkFile file) {
        ChunkRecord record = file.record();
        if (forget(record) != null) {
            setAside(ChunkFile.path(directory, record.hash()), "cannot be read");
            tellIfGone(record);
        }
    }

    private static void setAside(Path path, String why) {
        Path aside = path.resolveSibling(path.getFileName() + ChunkFile.DAMAGED_SUFFIX);
        try {
            Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
            LOG.warn("damaged chunk in the cache ({}): set aside as {}", why, aside.getFileName());
        } catch (IOException e) {
            LOG.warn("damaged chunk in the cache ({}), and it cannot be set aside: {}", why, e.getMessage());
        }
    }

    /** Finds what an earlier run left, checks it byte by byte in the background, and tells of each chunk that is whole. */
    CompletionStage<Restored> restore(Consumer<ChunkRecord> whole) {
        return CompletableFuture.supplyAsync(() -> restoreNow(whole), thread);
    }

    private Restored restoreNow(Consumer<ChunkRecord> whole) {
        int damaged = 0;
        List<ChunkFile> found = new ArrayList<>();
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                if (name.endsWith(ChunkFile.TEMPORARY_SUFFIX)) {
                    Files.deleteIfExists(path);
                } else if (name.endsWith(ChunkFile.SUFFIX)) {
                    try {
                        found.add(ChunkFile.open(path));
                    } catch (FormatException e) {
                        damaged++;
                        setAside(path, String.valueOf(e.getMessage()));
                    }
                }
            }
        } catch (IOException e) {
            LOG.warn("cannot read the cache in {}: {}", directory, e.getMessage());
        }
        found.removeIf(file -> files.containsKey(file.record().hash()));
        // The newest first: they are what viewers ask for, and what stays where the cap is lower than it was.
        found.sort(Comparator.comparing(ChunkFile::record, Slab.BY_AGE).reversed());
        int restored = 0;
        int step = Math.max(1, found.size() / PROGRESS_STEPS);
        for (int i = 0; i < found.size() && !thread.isShutdown(); i++) {
            ChunkFile file = found.get(i);
            if (i > 0 && i % step == 0) {
                LOG.info("cache on disk: {} of {} chunks checked", i, found.size());
            }
            try {
                if (!file.intact()) {
                    damaged++;
                    setAside(ChunkFile.path(directory, file.record().hash()), "not the bytes that were signed");
                } else if (makeRoom(file.record())) {
                    add(file);
                    restored++;
                    whole.accept(file.record());
                } else {
                    file.delete(); // The cap is lower than it was.
                }
            } catch (IOException e) {
                damaged++;
                LOG.warn("cannot read {} from the cache on disk: {}", file.record(), e.getMessage());
            }
        }
        return new Restored(restored, damaged, fileBytes.get());
    }

    void close() {
        readers.shutdown();
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOG.info("stopped before all chunks were written to disk");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        mapped().invalidateAll();
        pending.values().forEach(Slab::close);
    }
}
