package live.tributary.mesh.program;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Set;
import live.tributary.protocol.stream.SigningKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A private key on disk: one line, the seed in base32, readable by its owner alone. */
public final class KeyFile {
    private static final Logger LOG = LoggerFactory.getLogger(KeyFile.class);
    private static final int MAX_LENGTH = 256;

    private KeyFile() {}

    /** Reads the key, or makes one where there is no file. */
    public static SigningKey readOrCreate(Path file, SecureRandom random) throws StartException {
        return readOrCreate(file, random, Disk.REAL);
    }

    public static SigningKey readOrCreate(Path file, SecureRandom random, Disk disk) throws StartException {
        try {
            return read(file);
        } catch (NoSuchFileException e) {
            return create(file, random, disk);
        } catch (IOException e) {
            throw new StartException(file + ": cannot be read (" + e.getMessage() + ")", e);
        }
    }

    /** Makes a new key; never touches a file that is there. */
    public static SigningKey create(Path file, SecureRandom random) throws StartException {
        return create(file, random, Disk.REAL);
    }

    static SigningKey create(Path file, SecureRandom random, Disk disk) throws StartException {
        SigningKey key = SigningKey.generate(random);
        try {
            write(file, key, disk);
        } catch (FileAlreadyExistsException e) {
            throw new StartException(file + ": there is a file already (expected: none)", e);
        } catch (IOException e) {
            throw new StartException(file + ": cannot be written (" + e.getMessage() + ")", e);
        }
        return key;
    }

    private static SigningKey read(Path file) throws IOException, StartException {
        byte[] bytes;
        try (var in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_LENGTH + 1);
        }
        try {
            SigningKey key = SigningKey.fromSeedText(new String(bytes, StandardCharsets.US_ASCII).strip());
            warnIfOpen(file);
            return key;
        } catch (IllegalArgumentException e) {
            // The cause would print what may be a private key.
            throw new StartException(file
                    + ": not a key file (expected: one line of 52 characters, a-z and 2-7); restore it from a copy,"
                    + " or move it away to start with a new key");
        }
    }

    /**
     * Writes a key; never touches a file that is there.
     *
     * @throws FileAlreadyExistsException if there is one
     */
    public static void write(Path file, SigningKey key, Disk disk) throws IOException {
        Path target = file.toAbsolutePath();
        disk.createDirectories(target.resolveSibling(""));
        Path fresh = target.resolveSibling(target.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        boolean posix = Files.getFileStore(target.getParent()).supportsFileAttributeView("posix");
        FileAttribute<?>[] attributes = posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
        Set<StandardOpenOption> options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(fresh, options, attributes)) {
            disk.write(channel, (key.seedText() + "\n").getBytes(StandardCharsets.US_ASCII));
        }
        if (Files.exists(target)) {
            Files.delete(fresh);
            throw new FileAlreadyExistsException(target.toString());
        }
        disk.rename(fresh, target);
    }

    private static void warnIfOpen(Path file) throws IOException {
        if (!Files.getFileStore(file).supportsFileAttributeView("posix")) {
            return;
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        if (permissions.contains(PosixFilePermission.GROUP_READ)
                || permissions.contains(PosixFilePermission.OTHERS_READ)) {
            LOG.warn("{} is readable by others: chmod 600 it", file);
        }
    }
}
