package live.tributary.mesh.program;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes what was written last: a loss of power takes back a new name, or a file's bytes, that nobody forced to the platter. */
@FunctionalInterface
public interface Disk {
    /** The machine's own. */
    Disk REAL = channel -> channel.force(true);

    void force(FileChannel channel) throws IOException;

    /** Makes a directory's names last; not every system lets one be opened, and those need it not. */
    default void forceNames(Path directory) {
        try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
            force(names);
        } catch (IOException e) {
            Logger log = LoggerFactory.getLogger(Disk.class);
            log.debug("the names in {} were not forced: {}", directory, e.toString());
        }
    }

    /** Writes a file anew as a whole: once this returns, a loss of power leaves this content; before, the old or this. */
    default void replace(Path file, byte[] content) throws IOException {
        Path target = file.toAbsolutePath();
        Path fresh = target.resolveSibling(target.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            write(channel, content);
        } catch (FileSystemException e) {
            throw e; // Says the file and what is wrong with it.
        } catch (IOException e) {
            throw new IOException(fresh + ": " + e.getMessage(), e);
        }
        rename(fresh, target);
    }

    /** Writes all of a new file, which lasts but for its name. */
    default void write(FileChannel channel, byte[] content) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        force(channel);
    }

    /** Gives a file its new name, in place of whatever had it, in one step that lasts when this returns. */
    default void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Path its = directory(to);
        forceNames(its);
        if (!directory(from).equals(its)) {
            forceNames(directory(from));
        }
    }

    /** Deletes a file; it does not come back once this returns. */
    default void delete(Path file) throws IOException {
        Files.delete(file);
        forceNames(directory(file));
    }

    /** Makes a directory and those above it, as far as they are not there; they last when this returns. */
    default void createDirectories(Path directory) throws IOException {
        Deque<Path> made = new ArrayDeque<>();
        for (Optional<Path> above = Optional.of(directory.toAbsolutePath());
                above.isPresent() && !Files.exists(above.get());
                above = Optional.ofNullable(above.get().getParent())) {
            made.push(above.get());
        }
        Files.createDirectories(directory);
        made.forEach(one -> forceNames(directory(one)));
    }

    private static Path directory(Path file) {
        Path path = file.toAbsolutePath();
        return Optional.ofNullable(path.getParent()).orElse(path);
    }
}
