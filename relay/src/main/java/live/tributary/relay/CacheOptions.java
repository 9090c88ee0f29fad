package live.tributary.relay;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import live.tributary.mesh.program.ByteSize;
import live.tributary.mesh.program.DirectMemory;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.UsageException;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayDescriptor.Region;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How much a relay keeps, and where; a picocli mixin. */
final class CacheOptions {
    private static final long DEFAULT_MEMORY = 256_000_000;

    @Option(
            names = "--cache-memory",
            paramLabel = "SIZE",
            description =
                    "Memory for chunks, beside Java's heap (the smaller of 256MB and half of what Java may take for"
                            + " buffers unless given; that is as much as its heap, or -XX:MaxDirectMemorySize).")
    private Optional<ByteSize> memory = Optional.empty();

    @Option(
            names = "--cache-disk",
            paramLabel = "SIZE",
            defaultValue = "5GB",
            description = "Disk for chunks, under --data; 0B for none.")
    private ByteSize disk = new ByteSize(0);

    @Option(
            names = "--history",
            paramLabel = "TIME",
            defaultValue = "1h",
            description = "How long chunks are kept, as far as they fit, and how far back the stream is known.")
    private Duration history = Duration.ofHours(1);

    @Option(
            names = "--region",
            paramLabel = "LATITUDE,LONGITUDE",
            converter = RegionConverter.class,
            description =
                    "Where this relay is, in whole degrees: relays of a region share the past out (not told unless given).")
    private Optional<Region> region = Optional.empty();

    Duration history() {
        if (history.isNegative() || history.isZero()) {
            throw new UsageException("--history: " + history + " (expected: > 0, as 1h)");
        }
        return history;
    }

    Optional<Region> region() {
        return region;
    }

    /** Reads a place and rounds it, so that no more is ever told. */
    static final class RegionConverter implements ITypeConverter<Region> {
        @Override
        public Region convert(String value) {
            String[] parts = value.split(",", -1);
            try {
                if (parts.length == 2) {
                    return new Region(degrees(parts[0]), degrees(parts[1]));
                }
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(expected(value));
            }
            throw new TypeConversionException(expected(value));
        }

        private static int degrees(String text) {
            return Math.toIntExact(Math.round(Double.parseDouble(text.strip())));
        }

        private static String expected(String value) {
            return value + " (expected: latitude -90..90 and longitude -180..180, as 52,5)";
        }
    }

    long memoryBytes() {
        long bytes = memory.map(ByteSize::bytes).orElseGet(CacheOptions::defaultMemory);
        if (bytes < ChunkRecord.MAX_CHUNK) {
            throw new UsageException("--cache-memory: " + new ByteSize(bytes) + " (expected: at least "
                    + new ByteSize(ChunkRecord.MAX_CHUNK) + ", one chunk)");
        }
        if (memory.isPresent() && bytes > Math.max(ChunkRecord.MAX_CHUNK, DirectMemory.forChunks())) {
            throw new UsageException("--cache-memory: " + new ByteSize(bytes) + " (expected: at most "
                    + new ByteSize(DirectMemory.forChunks())
                    + ", half of what this Java may take for buffers; more with"
                    + " -XX:MaxDirectMemorySize)");
        }
        return bytes;
    }

    private static long defaultMemory() {
        return Math.max(ChunkRecord.MAX_CHUNK, Math.min(DEFAULT_MEMORY, DirectMemory.forChunks()));
    }

    long diskBytes() {
        return disk.bytes();
    }

    static Path directory(NodeOptions node) {
        return node.data().resolve("cache");
    }
}
