package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
 * <p>One thread writes, verifies and deletes; {@link MappedFiles} reads. A chunk counts as held from the moment it is queued for
 * writing, and is read from the queue until it is on disk. {@link EvictionOrder} says which leaves first.
 */
final class DiskTier {
    /** Bytes that may wait for the disk; a slower disk than that is not worth waiting for. */
    private static final long MAX_PENDING = 2L * ChunkRecord.MAX_CHUNK;

    /** Chunks shorter than this are sent as memory: a file of their own open costs more than the copy. */
    private static final int WORTH_A_FILE = 64 * 1024;

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

    private final Map<Sha256, Slab> pending = new ConcurrentHashMap<>();
    private final Map<Sha256, ChunkFile> files = new ConcurrentHashMap<>();
    private final MappedFiles mapped;
    private final AtomicLong pendingBytes = new AtomicLong();
    private final AtomicLong fileBytes = new AtomicLong();

    /** Only on the disk's thread. */
    private final EvictionOrder order = new EvictionOrder();

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
        this.mapped = new MappedFiles(mappedCap, this::unreadable);
    }

    /** Which older chunks are to be kept for longest. */
    void keep(Predicate<ChunkRecord> first) {
        order.keep(first);
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
        return file == null ? Optional.empty() : mapped.read(file, offset, length);
    }

    /** As {@link ChunkBytes#fetch}. */
    CompletionStage<Optional<StoredChunk>> fetch(ChunkRecord record) {
        Slab waiting = pending.get(record.hash());
        Optional<StoredChunk> here = waiting == null ? Optional.empty() : waiting.share(this::loadAhead);
        if (here.isEmpty()) {
            here = mapped.resident(record.hash());
        }
        if (here.isPresent()) {
            return CompletableFuture.completedStage(here);
        }
        ChunkFile file = files.get(record.hash());
        return file == null ? CompletableFuture.completedStage(Optional.empty()) : mapped.fetch(file);
    }

    /** As {@link ChunkBytes#prepare}. */
    CompletableFuture<Boolean> prepare(ChunkRecord record) {
        ChunkFile file = files.get(record.hash());
        if (file == null || pending.containsKey(record.hash()) || mapped.isResident(record.hash())) {
            return ChunkStore.READY;
        }
        return mapped.prepare(file);
    }

    /** Has a file read into the system's cache. */
    void loadAhead(MappedFile mapping) {
        mapped.loadAhead(mapping);
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
            Optional<ChunkRecord> first = order.firstFor(coming);
            if (first.isEmpty()) {
                return false;
            }
            remove(first.get());
            tellIfGone(first.get());
        }
        return true;
    }

    private void add(ChunkFile file) {
        if (files.put(file.record().hash(), file) == null) {
            order.add(file.record());
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
            order.remove(record);
            fileBytes.addAndGet(-ChunkFile.size(record));
            mapped.unmap(record.hash());
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
        mapped.stop();
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOG.info("stopped before all chunks were written to disk");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        mapped.close();
        pending.values().forEach(Slab::close);
    }
}
