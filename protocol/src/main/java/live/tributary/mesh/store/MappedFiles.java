package live.tributary.mesh.store;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import live.tributary.protocol.stream.Sha256;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of chunks as memory: their mappings, kept by popularity since old chunks are asked for by viewers' interest and not by
 * age, and the threads that read what the system no longer has in its cache.
 */
final class MappedFiles {
    private static final int READERS = 2;
    /** Chunks that may wait to be read from the disk. */
    private static final int MAX_READS = 256;

    private static final Logger LOG = LoggerFactory.getLogger(MappedFiles.class);

    private final ExecutorService readers = new ThreadPoolExecutor(
            READERS,
            READERS,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_READS),
            new DefaultThreadFactory("store-read", true));

    private final long cap;
    private final BiConsumer<ChunkFile, Exception> unreadable;
    private @Nullable Cache<Sha256, MappedFile> mapped;

    /**
     * @param cap how many bytes may be mapped
     * @param unreadable is told of a file that cannot be read
     */
    MappedFiles(long cap, BiConsumer<ChunkFile, Exception> unreadable) {
        this.cap = cap;
        this.unreadable = unreadable;
    }

    /** Made when the first file is read: a start does not wait for it. */
    private synchronized Cache<Sha256, MappedFile> mapped() {
        Cache<Sha256, MappedFile> made = mapped;
        if (made == null) {
            made = Caffeine.newBuilder()
                    .maximumWeight(cap)
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

    /** The file is about to be deleted. */
    synchronized void unmap(Sha256 hash) {
        if (mapped != null) {
            mapped.invalidate(hash);
        }
    }

    /** A part of a file, read at once. */
    Optional<ByteBuf> read(ChunkFile file, int offset, int length) {
        try {
            MappedFile mapping = map(file);
            if (!mapping.isResident()) {
                loadAhead(mapping);
            }
            Optional<ByteBuf> slice = mapping.slice(offset, length);
            return slice.isPresent() ? slice : Optional.of(mapOnce(file, offset, length));
        } catch (UncheckedIOException | IOException e) {
            unreadable.accept(file, e);
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

    /** A whole file that is in memory already. */
    Optional<StoredChunk> resident(Sha256 hash) {
        MappedFile file = mapped().getIfPresent(hash);
        return file != null && file.isResident() ? file.share() : Optional.empty();
    }

    boolean isResident(Sha256 hash) {
        MappedFile file = mapped().getIfPresent(hash);
        return file != null && file.isResident();
    }

    /** A whole file, once it has been read; empty where it cannot be, or where too many wait for the disk. */
    CompletionStage<Optional<StoredChunk>> fetch(ChunkFile file) {
        try {
            return CompletableFuture.supplyAsync(() -> loaded(file), readers);
        } catch (RejectedExecutionException e) { // Who asks finds another holder sooner than this disk would answer.
            return CompletableFuture.completedStage(Optional.empty());
        }
    }

    /** Has a file read into memory; false where too many wait for the disk. */
    CompletableFuture<Boolean> prepare(ChunkFile file) {
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
            unreadable.accept(file, e);
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

    /** Nothing more is read. */
    void stop() {
        readers.shutdown();
    }

    void close() {
        mapped().invalidateAll();
    }
}
