package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import java.util.Comparator;
import java.util.Optional;
import java.util.function.Consumer;
import live.tributary.protocol.stream.ChunkRecord;
import org.jspecify.annotations.Nullable;

/**
 * One chunk's bytes outside the heap, exactly as long as the chunk, freed when the store and the last reader have let go.
 *
 * <p>Direct memory is sized to the byte here, since chunks have no common size and a pool's powers of two would waste up to
 * half of the cap.
 */
final class Slab {
    /** Oldest first by when the origin published, so that the live edge is always the last to go. */
    static final Comparator<ChunkRecord> BY_AGE = Comparator.comparing(
                    (ChunkRecord record) -> record.body().published())
            .thenComparingLong(ChunkRecord::term)
            .thenComparing(ChunkRecord::chunk)
            .thenComparing(ChunkRecord::hash);

    private final ChunkRecord record;
    private final ByteBuf bytes;
    private @Nullable MappedFile onDisk;
    private boolean closed;

    /** Takes {@code bytes} over; its readable bytes are the chunk's. */
    Slab(ChunkRecord record, ByteBuf bytes) {
        this.record = record;
        this.bytes = bytes;
    }

    ChunkRecord record() {
        return record;
    }

    int length() {
        return record.length();
    }

    /** A retained slice, or empty if the store has let go already. */
    synchronized Optional<ByteBuf> slice(int offset, int length) {
        return closed ? Optional.empty() : Optional.of(bytes.retainedSlice(offset, length));
    }

    /** Copies the readable bytes of {@code data} to {@code offset}; false if the store has let go already. */
    synchronized boolean write(int offset, ByteBuf data) {
        if (closed) {
            return false;
        }
        bytes.setBytes(offset, data, data.readerIndex(), data.readableBytes());
        return true;
    }

    /** Takes over the same bytes on disk, or lets go of them if the store has let go already. */
    synchronized void written(MappedFile file) {
        if (closed || onDisk != null) {
            file.close();
        } else {
            onDisk = file;
        }
    }

    /** The file is deleted: its blocks are the disk's again once nobody has it open. */
    synchronized void deleted() {
        if (onDisk != null) {
            onDisk.close();
            onDisk = null;
        }
    }

    /**
     * All of it for sending, the kernel's way where the file is in its cache; empty if the store has let go already.
     *
     * @param away hears of a file that is not in the cache any more
     */
    synchronized Optional<StoredChunk> share(Consumer<MappedFile> away) {
        if (closed) {
            return Optional.empty();
        }
        MappedFile file = onDisk;
        if (file != null) {
            Optional<StoredChunk> mapped = file.isResident() ? file.share() : Optional.empty();
            if (mapped.isPresent()) {
                return mapped;
            }
            away.accept(file);
        }
        return Optional.of(new StoredChunk(bytes.retainedSlice(), Optional.empty()));
    }

    /** Lets go of the store's own hold. */
    synchronized void close() {
        if (!closed) {
            closed = true;
            bytes.release();
            deleted();
        }
    }
}
