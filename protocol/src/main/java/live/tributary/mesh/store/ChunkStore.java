package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a node's chunks: the newest in memory, and on disk, where it has one, as many more as fit.
 *
 * <p>A chunk is open (being written), complete (may be read by anybody), or not here. Open and complete chunks in memory
 * together never exceed the memory cap; the oldest complete chunk leaves first, so nothing at the live edge goes before
 * something older. Bytes that a reader still holds after that are freed when it releases them.
 *
 * <p>Any thread may call any method; none of them waits for the disk, but reading a chunk that only the disk has may fault its
 * pages in.
 */
public final class ChunkStore implements ChunkBytes, AutoCloseable {
    /** The share of the memory cap up to which files of the disk tier are kept mapped. */
    private static final int MAPPED_SHARE = 2;

    /** Shared, since it is given for nearly every run of blocks. */
    static final CompletableFuture<Boolean> READY = CompletableFuture.completedFuture(true);

    private static final UnpooledByteBufAllocator ALLOCATOR = new UnpooledByteBufAllocator(true);

    private final long memoryCap;
    private final Map<Sha256, Slab> open = new ConcurrentHashMap<>();
    private final Map<Sha256, Slab> complete = new ConcurrentHashMap<>();
    private final @Nullable DiskTier disk;
    private final AtomicLong memoryBytes = new AtomicLong();
    private volatile EvictionListener listener = record -> {};

    /** Complete chunks in memory; guarded by this. */
    private final NavigableSet<ChunkRecord> byAge = new TreeSet<>(Slab.BY_AGE);

    private boolean closed;

    private ChunkStore(long memoryCap, @Nullable Path directory, long diskCap) throws IOException {
        if (memoryCap <= 0) {
            throw new IllegalArgumentException("memory cap: " + memoryCap + " (expected: > 0)");
        }
        this.memoryCap = memoryCap;
        this.disk = directory == null ? null : new DiskTier(directory, diskCap, memoryCap / MAPPED_SHARE, new Memory());
    }

    /** The tier above the disk's. */
    private final class Memory implements DiskTier.Upper {
        @Override
        public boolean holds(ChunkRecord record) {
            return complete.containsKey(record.hash());
        }

        @Override
        public boolean keeps(ChunkRecord record, MappedFile file) {
            Slab slab = complete.get(record.hash());
            if (slab == null) {
                return false;
            }
            slab.written(file);
            return true;
        }

        @Override
        public void letGo(ChunkRecord record) {
            Slab slab = complete.get(record.hash());
            if (slab != null) {
                slab.deleted();
            }
        }

        @Override
        public void evicted(ChunkRecord record) {
            listener.evicted(record);
        }
    }

    /** A store without a disk. */
    public static ChunkStore inMemory(long cap) {
        try {
            return new ChunkStore(cap, null, 0);
        } catch (IOException e) {
            throw new IllegalStateException("a store without a disk touched one", e);
        }
    }

    /** A store whose chunks are also kept in files under {@code directory}, at most {@code diskCap} bytes. */
    public static ChunkStore withDisk(long memoryCap, Path directory, long diskCap) throws IOException {
        return new ChunkStore(memoryCap, directory, diskCap);
    }

    /** The one that hears of chunks which fell out of the caps; {@link #discard} is not told. */
    public void onEviction(EvictionListener listener) {
        this.listener = listener;
    }

    /** Which chunks of the disk's, once they are older than a window, are to stay for longest: the others go first. */
    public void keep(Predicate<ChunkRecord> first) {
        if (disk != null) {
            disk.keep(first);
        }
    }

    /**
     * Makes room for a chunk that will be written block by block.
     *
     * @return false where there is none: everything held is open, or newer than this chunk
     */
    public boolean open(ChunkRecord record) {
        List<ChunkRecord> gone = new ArrayList<>();
        boolean opened = open(record, gone);
        gone.forEach(listener::evicted);
        return opened;
    }

    private synchronized boolean open(ChunkRecord record, List<ChunkRecord> gone) {
        if (open.containsKey(record.hash()) || holds(record)) {
            return true;
        }
        if (closed || !makeRoom(record, gone)) {
            return false;
        }
        ByteBuf bytes = ALLOCATOR.directBuffer(record.length(), record.length());
        memoryBytes.addAndGet(record.length());
        open.put(record.hash(), new Slab(record, bytes.writerIndex(record.length())));
        return true;
    }

    private boolean makeRoom(ChunkRecord coming, List<ChunkRecord> gone) {
        while (memoryBytes.get() + coming.length() > memoryCap) {
            if (byAge.isEmpty()) {
                return false;
            }
            ChunkRecord oldest = byAge.first();
            boolean onDisk = disk != null && disk.holds(oldest);
            if (!onDisk && Slab.BY_AGE.compare(oldest, coming) > 0) {
                return false;
            }
            dropFromMemory(oldest);
            if (!onDisk) {
                gone.add(oldest);
            }
        }
        return true;
    }

    private void dropFromMemory(ChunkRecord record) {
        Slab slab = complete.remove(record.hash());
        if (slab != null) {
            byAge.remove(record);
            free(slab);
        }
    }

    private void free(Slab slab) {
        memoryBytes.addAndGet(-slab.length());
        slab.close();
    }

    /**
     * Copies the readable bytes of {@code data} to {@code offset} of an open chunk; {@code data} stays as it was.
     *
     * @return false where the chunk is not open
     */
    public boolean write(ChunkRecord record, int offset, ByteBuf data) {
        checkRange(record, offset, data.readableBytes());
        Slab slab = open.get(record.hash());
        return slab != null && slab.write(offset, data);
    }

    /**
     * A shared slice of a piece of an open or complete chunk, which the caller releases. The caller knows which pieces were
     * written and verified; the store does not.
     */
    public Optional<ByteBuf> readPiece(ChunkRecord record, int piece, int begin, int length) {
        return readWritten(record, piece * ChunkRecord.PIECE_LENGTH + begin, length);
    }

    /** As {@link #read}, but also of an open chunk, of whose bytes the caller knows which were written. */
    public Optional<ByteBuf> readWritten(ChunkRecord record, int offset, int length) {
        checkRange(record, offset, length);
        Slab slab = open.get(record.hash());
        if (slab != null) {
            Optional<ByteBuf> slice = slab.slice(offset, length);
            if (slice.isPresent()) {
                return slice;
            }
        }
        return read(record, offset, length);
    }

    @Override
    public Optional<ByteBuf> read(ChunkRecord record, int offset, int length) {
        checkRange(record, offset, length);
        Slab slab = complete.get(record.hash());
        if (slab != null) {
            Optional<ByteBuf> slice = slab.slice(offset, length);
            if (slice.isPresent()) {
                return slice;
            }
        }
        return disk == null ? Optional.empty() : disk.read(record, offset, length);
    }

    @Override
    public CompletionStage<Optional<StoredChunk>> fetch(ChunkRecord record) {
        Slab slab = complete.get(record.hash());
        if (slab != null) {
            Optional<StoredChunk> shared = slab.share(this::away);
            if (shared.isPresent()) {
                return CompletableFuture.completedStage(shared);
            }
        }
        return disk == null ? CompletableFuture.completedStage(Optional.empty()) : disk.fetch(record);
    }

    /** What memory sends now the kernel can send next time. */
    private void away(MappedFile file) {
        if (disk != null) {
            disk.loadAhead(file);
        }
    }

    @Override
    public CompletableFuture<Boolean> prepare(ChunkRecord record) {
        return disk == null || complete.containsKey(record.hash()) ? READY : disk.prepare(record);
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return complete.containsKey(record.hash()) || (disk != null && disk.holds(record));
    }

    /** Whether a chunk is in a file, which the end of the process leaves. */
    public boolean isOnDisk(ChunkRecord record) {
        return disk != null && disk.hasWritten(record);
    }

    /** An open chunk's bytes are all there and are what its record says: it may be read from now on. */
    public void complete(ChunkRecord record) {
        synchronized (this) {
            Slab slab = open.get(record.hash());
            if (slab == null) {
                return;
            }
            complete.put(record.hash(), slab);
            open.remove(record.hash());
            byAge.add(record);
            if (disk != null) { // Within the lock, so that it is on its way to the disk before it can leave memory.
                slab.slice(0, slab.length()).ifPresent(bytes -> disk.save(record, bytes));
            }
        }
    }

    /** Takes a whole chunk in, copied; {@code bytes} stays as it was. False as for {@link #open}. */
    public boolean put(ChunkRecord record, ByteBuf bytes) {
        if (bytes.readableBytes() != record.length()) {
            throw new IllegalArgumentException(
                    "bytes: " + bytes.readableBytes() + " (expected: " + record.length() + ")");
        }
        if (!open(record)) {
            return false;
        }
        write(record, 0, bytes);
        complete(record);
        return true;
    }

    /** Forgets a chunk's bytes, open or complete, in memory and on disk. */
    public void discard(ChunkRecord record) {
        synchronized (this) {
            Slab slab = open.remove(record.hash());
            if (slab != null) {
                free(slab);
            }
            dropFromMemory(record);
        }
        if (disk != null) {
            disk.discard(record);
        }
    }

    /**
     * Checks what an earlier run left on disk, in the background, newest first; {@code whole} hears of each chunk that is
     * whole and genuine, on the disk's thread.
     */
    public CompletionStage<Restored> restore(Consumer<ChunkRecord> whole) {
        return disk == null ? CompletableFuture.completedStage(new Restored(0, 0, 0)) : disk.restore(whole);
    }

    /**
     * Deletes every chunk file of a directory that no running store uses, whole or damaged, and nothing else.
     *
     * @return how many
     */
    public static int purge(Path directory) throws IOException {
        return ChunkFile.deleteAll(directory);
    }

    /** Bytes of open and complete chunks in memory. */
    public long memoryBytes() {
        return memoryBytes.get();
    }

    /** Bytes of the files on disk. */
    public long diskBytes() {
        return disk == null ? 0 : disk.bytes();
    }

    private static void checkRange(ChunkRecord record, int offset, int length) {
        if (offset < 0 || length < 0 || offset > record.length() - length) {
            throw new IndexOutOfBoundsException(
                    "range: " + offset + "+" + length + " (expected: within " + record.length() + ")");
        }
    }

    /** Writes what waits for the disk, within two seconds, and lets go of everything. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        if (disk != null) {
            disk.close();
        }
        synchronized (this) {
            open.values().forEach(this::free);
            open.clear();
            complete.values().forEach(this::free);
            complete.clear();
            byAge.clear();
        }
    }
}
