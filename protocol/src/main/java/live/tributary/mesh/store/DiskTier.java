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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chunks of one directory, within a cap, oldest out first; they outlive the process.
 *
 * <p>One thread writes, verifies and deletes. A chunk counts as held from the moment it is queued for writing, and is read
 * from the queue until it is on disk. Mappings of files that are read again and again are kept by popularity, since old
 * chunks are asked for by viewers' interest and not by age.
 */
final class DiskTier {
    /** Bytes that may wait for the disk; a slower disk than that is not worth waiting for. */
    private static final long MAX_PENDING = 2L * ChunkRecord.MAX_CHUNK;

    private static final int PROGRESS_STEPS = 4;
    private static final long CLOSE_SECONDS = 2;
    private static final Logger LOG = LoggerFactory.getLogger(DiskTier.class);

    private final Path directory;
    private final long cap;
    private final Predicate<ChunkRecord> heldElsewhere;
    private final EvictionListener listener;
    private final ExecutorService thread = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            new DefaultThreadFactory("store-disk", true),
            new ThreadPoolExecutor.DiscardPolicy()); // What comes after close has nowhere to go.

    private final Map<Sha256, Slab> pending = new ConcurrentHashMap<>();
    private final Map<Sha256, ChunkFile> files = new ConcurrentHashMap<>();
    private final long mappedCap;
    private @Nullable Cache<Sha256, Slab> mapped;
    private final AtomicLong pendingBytes = new AtomicLong();
    private final AtomicLong fileBytes = new AtomicLong();

    /** Only on the disk's thread. */
    private final NavigableSet<ChunkRecord> byAge = new TreeSet<>(Slab.BY_AGE);

    private boolean failing;

    DiskTier(Path directory, long cap, long mappedCap, Predicate<ChunkRecord> heldElsewhere, EvictionListener listener)
            throws IOException {
        this.directory = Files.createDirectories(directory);
        this.cap = cap;
        this.heldElsewhere = heldElsewhere;
        this.listener = listener;
        this.mappedCap = mappedCap;
    }

    /** Made when the first file is read: a start does not wait for it. */
    private synchronized Cache<Sha256, Slab> mapped() {
        Cache<Sha256, Slab> made = mapped;
        if (made == null) {
            made = Caffeine.newBuilder()
                    .maximumWeight(mappedCap)
                    .weigher((Sha256 hash, Slab slab) -> slab.length())
                    .executor(Runnable::run)
                    .removalListener((@Nullable Sha256 hash, @Nullable Slab slab, RemovalCause cause) -> {
                        if (slab != null) {
                            slab.close();
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

    long bytes() {
        return fileBytes.get();
    }

    boolean holds(ChunkRecord record) {
        return files.containsKey(record.hash()) || pending.containsKey(record.hash());
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
            Optional<ByteBuf> slice = map(file).slice(offset, length);
            return slice.isPresent() ? slice : Optional.of(mapOnce(file, offset, length));
        } catch (UncheckedIOException | IOException e) {
            LOG.warn("cannot read {} from the cache on disk: {}", record, e.getMessage());
            thread.execute(() -> setAside(file));
            return Optional.empty();
        }
    }

    /** For a mapping that left the cache between being found and being read, or is too large for it. */
    private static ByteBuf mapOnce(ChunkFile file, int offset, int length) throws IOException {
        ByteBuf whole = file.map();
        try {
            return whole.retainedSlice(offset, length);
        } finally {
            whole.release();
        }
    }

    private Slab map(ChunkFile file) {
        return mapped().get(file.record().hash(), hash -> {
            try {
                return new Slab(file.record(), file.map());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
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
                    add(ChunkFile.write(directory, record, bytes.get()));
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

    private boolean makeRoom(ChunkRecord coming) {
        long size = ChunkFile.size(coming);
        while (fileBytes.get() + size > cap) {
            if (byAge.isEmpty() || Slab.BY_AGE.compare(byAge.first(), coming) > 0) {
                return false;
            }
            ChunkRecord oldest = byAge.first();
            remove(oldest);
            tellIfGone(oldest);
        }
        return true;
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
        }
        return file;
    }

    private void tellIfGone(ChunkRecord record) {
        if (!holds(record) && !heldElsewhere.test(record)) {
            listener.evicted(record);
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
        found.sort(Comparator.comparing(ChunkFile::record, Slab.BY_AGE));
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
