package live.tributary.origin.publish;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import live.tributary.mesh.program.Disk;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The publish state on disk; once a write has returned, a loss of power leaves either the old state or the new. */
final class StateFile {
    private static final Logger log = LoggerFactory.getLogger(StateFile.class);

    private final Path file;
    private final Disk disk;

    StateFile(Path file) {
        this(file, Disk.REAL);
    }

    StateFile(Path file, Disk disk) {
        this.file = file.toAbsolutePath();
        this.disk = disk;
    }

    /** The state of {@code stream}; empty where there is none. A damaged one, or another stream's, is moved aside. */
    Optional<PublishState> read(StreamKey stream) throws IOException {
        String damage;
        try (InputStream in = Files.newInputStream(file)) {
            PublishState state = PublishState.decode(in.readNBytes(PublishState.MAX_ENCODED + 1));
            if (state.stream().equals(stream)) {
                return Optional.of(state);
            }
            damage = "it is of stream " + state.stream();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FormatException e) {
            damage = String.valueOf(e.getMessage());
        }
        Path aside = file.resolveSibling(
                file.getFileName() + ".aside-" + Files.getLastModifiedTime(file).toMillis());
        Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
        log.warn("{} cannot be used ({}); it is {} now, and the stream goes on with new numbers", file, damage, aside);
        return Optional.empty();
    }

    void write(PublishState state) throws IOException {
        disk.replace(file, state.encode());
    }
}
