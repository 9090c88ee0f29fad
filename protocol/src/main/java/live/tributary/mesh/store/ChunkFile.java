package live.tributary.mesh.store;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import live.tributary.mesh.http.SharedFile;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Sha256;

/**
 * A chunk on disk in one file: eight bytes of magic, the record's length, the encoded record, the chunk's bytes.
 *
 * <p>It is written under a temporary name and renamed, so a file with its final name was whole once. Whoever needs more than
 * that forces it to the platter; else what a power cut spoils is found by its hash at the next start.
 */
public final class ChunkFile {
    public static final String SUFFIX = ".chunk";
    public static final String TEMPORARY_SUFFIX = ".part";
    public static final String DAMAGED_SUFFIX = ".damaged";

    private static final byte[] MAGIC = "TBCHUNK1".getBytes(StandardCharsets.US_ASCII);
    private static final int HEADER_LENGTH = MAGIC.length + Integer.BYTES;

    private final Path path;
    private final ChunkRecord record;

    /** How a file's bytes are forced to the platter. */
    @FunctionalInterface
    public interface Force {
        void force(FileChannel whole) throws IOException;
    }

    private ChunkFile(Path path, ChunkRecord record) {
        this.path = path;
        this.record = record;
    }

    public static Path path(Path directory, Sha256 recordHash) {
        return directory.resolve(recordHash.hex() + SUFFIX);
    }

    public static long size(ChunkRecord record) {
        return (long) HEADER_LENGTH + record.encodedLength() + record.length();
    }

    public static ChunkFile write(Path directory, ChunkRecord record, ByteBuf bytes) throws IOException {
        Path path = path(directory, record.hash());
        Path temporary = directory.resolve(record.hash().hex() + TEMPORARY_SUFFIX);
        byte[] encoded = record.encoded();
        ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH + encoded.length)
                .put(MAGIC)
                .putInt(encoded.length)
                .put(encoded)
                .flip();
        try (FileChannel out = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            writeFully(out, header);
            writeFully(out, bytes.nioBuffer());
        } catch (IOException e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return new ChunkFile(path, record);
    }

    /**
     * Reads the record of a file, and checks that name and size agree with it.
     *
     * @throws FormatException if they do not, or it is not such a file
     */
    public static ChunkFile open(Path path) throws IOException, FormatException {
        try (FileChannel in = FileChannel.open(path, StandardOpenOption.READ)) {
            ByteBuffer header = readFully(in, HEADER_LENGTH);
            byte[] magic = new byte[MAGIC.length];
            header.get(magic);
            int length = header.getInt();
            if (!Arrays.equals(magic, MAGIC) || length <= 0 || length > ChunkRecord.MAX_ENCODED) {
                throw new FormatException("chunk file: another header (expected: TBCHUNK1)");
            }
            ChunkRecord record = ChunkRecord.decode(readFully(in, length).array());
            if (in.size() != size(record)) {
                throw new FormatException("chunk file: " + in.size() + " bytes (expected: " + size(record) + ")");
            }
            if (!path.getFileName().toString().equals(record.hash().hex() + SUFFIX)) {
                throw new FormatException(
                        "chunk file: record " + record.hash() + " (expected: the one it is named by)");
            }
            return new ChunkFile(path, record);
        }
    }

    static int deleteAll(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        int deleted = 0;
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                if (name.endsWith(SUFFIX)
                        || name.endsWith(TEMPORARY_SUFFIX)
                        || name.endsWith(SUFFIX + DAMAGED_SUFFIX)) {
                    Files.delete(path);
                    deleted++;
                }
            }
        }
        return deleted;
    }

    public ChunkRecord record() {
        return record;
    }

    /** Has the bytes outlive a power cut; the name is its folder's. */
    public void force(Force force) throws IOException {
        try (FileChannel whole = FileChannel.open(path, StandardOpenOption.WRITE)) {
            force.force(whole);
        }
    }

    /** Whether the bytes are what the record says, and the record is what the stream's key signed. */
    public boolean intact() throws IOException {
        ByteBuffer bytes;
        try (FileChannel in = FileChannel.open(path, StandardOpenOption.READ)) {
            bytes = mapped(in);
        }
        MessageDigest sha256 = Digests.sha256();
        sha256.update(bytes);
        return record.body().sha256().equals(Sha256.of(sha256.digest())) && record.verifies();
    }

    /** The chunk's bytes, read. */
    public byte[] bytes() throws IOException {
        try (FileChannel in = FileChannel.open(path, StandardOpenOption.READ)) {
            byte[] bytes = new byte[record.length()];
            mapped(in).get(bytes);
            return bytes;
        }
    }

    /** Opens and maps the chunk's bytes; the pages belong to the operating system's cache. */
    MappedFile map() throws IOException {
        FileChannel in = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new MappedFile(mapped(in), new SharedFile(in, start(), record.length()));
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    public void delete() throws IOException {
        Files.deleteIfExists(path);
    }

    private MappedByteBuffer mapped(FileChannel in) throws IOException {
        if (in.size() != size(record)) { // Mapping past the end would grow or fault.
            throw new IOException("chunk file: " + in.size() + " bytes (expected: " + size(record) + ")");
        }
        return in.map(MapMode.READ_ONLY, start(), record.length());
    }

    private long start() {
        return (long) HEADER_LENGTH + record.encodedLength();
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static ByteBuffer readFully(FileChannel in, int length) throws IOException, FormatException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (in.read(bytes) < 0) {
                throw new FormatException("chunk file: ended after " + in.size() + " bytes (expected: more)");
            }
        }
        return bytes.flip();
    }
}
