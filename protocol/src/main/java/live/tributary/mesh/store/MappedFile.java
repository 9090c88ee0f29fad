package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.MappedByteBuffer;
import java.util.Optional;
import live.tributary.mesh.http.SharedFile;

/** A chunk file that is open and mapped: read as memory, or sent by the kernel, until the store and the last reader have let go. */
final class MappedFile {
    private final MappedByteBuffer mapped;
    private final ByteBuf bytes;
    private final SharedFile file;
    private final Residency residency;
    private boolean closed;

    /** Takes both over. */
    MappedFile(MappedByteBuffer mapped, SharedFile file) {
        this.mapped = mapped;
        this.bytes = Unpooled.wrappedBuffer(mapped);
        this.file = file;
        this.residency = new Residency(mapped::isLoaded, System::nanoTime);
    }

    int length() {
        return bytes.readableBytes();
    }

    /** Whether all pages are in the system's cache, so that nobody who reads them waits for the disk. */
    boolean isResident() {
        return residency.isResident();
    }

    /** As {@link Residency#claimLoading}; whoever may calls {@link #load} or {@link #loadingFailed}. */
    boolean claimLoading() {
        return residency.claimLoading();
    }

    void loadingFailed() {
        residency.loadingFailed();
    }

    /** Has the pages read from the disk, and waits for it. */
    void load() {
        boolean loaded = false;
        try {
            mapped.load(); // Throws InternalError where the disk fails.
            loaded = true;
        } finally {
            if (loaded) {
                residency.loaded();
            } else {
                residency.loadingFailed();
            }
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
