package live.tributary.relay;

import java.nio.file.Path;
import java.util.Optional;
import live.tributary.mesh.program.ByteSize;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.UsageException;
import live.tributary.protocol.stream.ChunkRecord;
import picocli.CommandLine.Option;

/** How much a relay keeps, and where; a picocli mixin. */
final class CacheOptions {
    private static final long DEFAULT_MEMORY = 256_000_000;

    @Option(
            names = "--cache-memory",
            paramLabel = "SIZE",
            description = "Memory for chunks (the smaller of 256MB and a quarter of RAM unless given).")
    private Optional<ByteSize> memory = Optional.empty();

    @Option(
            names = "--cache-disk",
            paramLabel = "SIZE",
            defaultValue = "5GB",
            description = "Disk for chunks, under --data; 0B for none.")
    private ByteSize disk = new ByteSize(0);

    long memoryBytes() {
        long bytes = memory.map(ByteSize::bytes).orElseGet(CacheOptions::defaultMemory);
        if (bytes < ChunkRecord.MAX_CHUNK) {
            throw new UsageException("--cache-memory: " + new ByteSize(bytes) + " (expected: at least "
                    + new ByteSize(ChunkRecord.MAX_CHUNK) + ", one chunk)");
        }
        return bytes;
    }

    /** The virtual machine takes a quarter of RAM, or of the container's share of it, for its heap: the bytes here stand beside it. */
    private static long defaultMemory() {
        return Math.max(
                ChunkRecord.MAX_CHUNK,
                Math.min(DEFAULT_MEMORY, Runtime.getRuntime().maxMemory()));
    }

    long diskBytes() {
        return disk.bytes();
    }

    static Path directory(NodeOptions node) {
        return node.data().resolve("cache");
    }
}
