package live.tributary.origin.keys;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import live.tributary.mesh.program.Disk;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.StartException;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/**
 * The folder of an origin's former keys: each with its last word, and the state that its numbers ended in.
 *
 * <p>A change of keys is done in steps that can be done again: whenever it is cut short, running the command once more completes it,
 * with the same new key.
 */
public final class FormerKeys {
    private static final String END = ".end";
    private static final String KEY = ".key";
    private static final String STATE = ".state";

    private final Disk disk;
    private final Path data;
    private final Path folder;

    /**
     * A key that has ended.
     *
     * @param key to speak for it
     */
    public record Former(SigningKey key, KeyEnd end) {}

    public FormerKeys(Path data) {
        this(data, Disk.REAL);
    }

    FormerKeys(Path data, Disk disk) {
        this.disk = disk;
        this.data = data;
        this.folder = data.resolve("former");
    }

    /** Ends the key in {@code file} in favour of a new one, which is in that file when this returns. */
    public KeyEnd rotate(Path file, Instant at, SecureRandom random) throws StartException, IOException {
        SigningKey old = existing(file);
        Path next = file.resolveSibling(file.getFileName() + ".next");
        SigningKey fresh = KeyFile.readOrCreate(next, random, disk);
        disk.createDirectories(folder);
        KeyEnd end = say(KeyEnd.rotation(old, fresh.streamKey(), at));
        setAside(old);
        disk.rename(next, file);
        return end;
    }

    /** Ends the key in {@code file} without another; the file is gone when this returns. */
    public KeyEnd revoke(Path file, Instant at) throws StartException, IOException {
        SigningKey old = existing(file);
        disk.createDirectories(folder);
        KeyEnd end = say(KeyEnd.revocation(old, at));
        setAside(old);
        disk.delete(file);
        return end;
    }

    /** Revokes a key that was rotated before. */
    public KeyEnd revoke(StreamKey former, Instant at) throws StartException, IOException {
        return say(KeyEnd.revocation(existing(folder.resolve(former.text() + KEY)), at));
    }

    /** The last word that is kept, which is {@code end} unless there was one that counts more. */
    private KeyEnd say(KeyEnd end) throws IOException, StartException {
        Path file = folder.resolve(end.stream().text() + END);
        Optional<KeyEnd> known = read(file);
        if (known.isPresent() && !end.overrides(known.get())) {
            if (!known.get().successor().equals(end.successor())) {
                throw new StartException(file + ": " + known.get() + " already (expected: no other last word)");
            }
            return known.get();
        }
        disk.replace(file, end.encoded());
        return end;
    }

    private void setAside(SigningKey old) throws IOException {
        Path copy = folder.resolve(old.streamKey().text() + KEY);
        if (!Files.exists(copy)) {
            KeyFile.write(copy, old, disk);
        }
        Path state = data.resolve("publish.state");
        if (Files.exists(state)) {
            disk.rename(state, folder.resolve(old.streamKey().text() + STATE));
        }
    }

    private static SigningKey existing(Path file) throws StartException {
        if (!Files.exists(file)) {
            throw new StartException(file + ": missing (expected: a key)");
        }
        return KeyFile.readOrCreate(file, new SecureRandom());
    }

    /** All of them; one whose files cannot be read stops the start, since its last word must be said. */
    public List<Former> all() throws StartException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        List<Former> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(END)).sorted().toList()) {
                Optional<KeyEnd> end = read(file);
                if (end.isPresent()) {
                    String name = file.getFileName().toString();
                    Path key = folder.resolve(name.substring(0, name.length() - END.length()) + KEY);
                    all.add(new Former(existing(key), end.get()));
                }
            }
        } catch (IOException e) {
            throw new StartException(folder + ": cannot be read (" + e + ")", e);
        }
        return all;
    }

    private static Optional<KeyEnd> read(Path file) throws IOException, StartException {
        try (InputStream in = Files.newInputStream(file)) {
            KeyEnd end = KeyEnd.decode(in.readNBytes(KeyEnd.MAX_ENCODED + 1));
            if (!end.verifies()) {
                throw new StartException(file + ": bad signature (expected: the key's own last word)");
            }
            return Optional.of(end);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FormatException e) {
            throw new StartException(file + ": " + e.getMessage() + " (expected: a key's last word)", e);
        }
    }
}
