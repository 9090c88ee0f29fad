package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.MappedByteBuffer;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.http.SharedFile;

/** A chunk file that is open and mapped: read as memory, or sent by the kernel, until the store and the last reader have let go. */
final class MappedFile {
    /** How long pages that were seen in the system's cache are taken to be there still; they were used just now. */
    private static final long STAYS = TimeUnit.SECONDS.toNanos(1);

    private final MappedByteBuffer mapped;
    private final ByteBuf bytes;
    private final SharedFile file;
    private boolean closed;
    private boolean seen;
    private long seenAt;

    /** Takes both over. */
    MappedFile(MappedByteBuffer mapped, SharedFile file) {
        this.mapped = mapped;
        this.bytes = Unpooled.wrappedBuffer(mapped);
        this.file = file;
    }

    int length() {
        return bytes.readableBytes();
    }

    /** Whether all pages are in the system's cache, so that nobody who reads them waits for the disk. */
    synchronized boolean isResident() {
        long now = System.nanoTime();
        if (seen && now - seenAt < STAYS) {
            return true;
        }
        seen = mapped.isLoaded();
        seenAt = now;
        return seen;
    }

    /** Has the pages read from the disk, and waits for it. */
    void load() {
        mapped.load();
        synchronized (this) {
            seen = true;
            seenAt = System.nanoTime();
        }
    }

    /** A retained slice, or empty if the store has let go already. */
    synchronized Optional<ByteBuf> slice(int offset, int length) {
        return closed ? Optional.empty() : Optional.of(bytes.retainedSlice(offset, length));
    }

    /** All of it, for the caller to release; empty if the store has let go already. */
    synchronized Optional<StoredChunk> share() {
        return closed
                ? Optional.empty()
                : Optional.of(new StoredChunk(bytes.retainedSlice(), Optional.of(file.retain())));
    }

    synchronized void close() {
        if (!closed) {
            closed = true;
            bytes.release();
            file.release();
        }
    }
}
