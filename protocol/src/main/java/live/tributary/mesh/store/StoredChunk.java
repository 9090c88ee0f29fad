package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import java.util.Optional;
import live.tributary.mesh.http.SharedFile;

/**
 * A complete chunk's bytes that can be sent without waiting for a disk.
 *
 * @param bytes all of them
 * @param file the same, where the kernel can send them by itself
 */
public record StoredChunk(ByteBuf bytes, Optional<SharedFile> file) {
    /** Lets go of them. */
    public void release() {
        bytes.release();
        file.ifPresent(SharedFile::release);
    }
}
