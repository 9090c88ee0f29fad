package live.tributary.mesh.node;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import live.tributary.mesh.program.Disk;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.FormatException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file of signed statements, written anew as a whole, so that a crash leaves the one before. */
final class StatementFile {
    private static final Logger LOG = LoggerFactory.getLogger(StatementFile.class);

    private final Disk disk;
    private final Path file;
    private final int most;
    private final int longest;

    /**
     * @param most how many statements there may be
     * @param longest the length of one, bytes, at most
     */
    StatementFile(Path file, int most, int longest) {
        this(file, most, longest, Disk.REAL);
    }

    StatementFile(Path file, int most, int longest, Disk disk) {
        this.disk = disk;
        this.file = file;
        this.most = most;
        this.longest = longest;
    }

    /** The longest file that is read, bytes. */
    static int maxLength(int most, int longest) {
        return most * (longest + 8) + 64;
    }

    /** Reads one statement, its signature included. */
    interface Statement<T> {
        T read(byte[] encoded) throws FormatException;
    }

    /** What is kept; nothing where there is no file, or a damaged one, which is set aside. */
    <T> List<T> read(Statement<T> statement) throws IOException {
        List<T> statements = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file)) {
            int max = maxLength(most, longest);
            for (byte[] one : Bencode.decode(in.readNBytes(max + 1), max).byteStrings("e", most, longest)) {
                statements.add(statement.read(one));
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (FormatException e) {
            Path aside = file.resolveSibling(file.getFileName() + ".aside");
            Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
            LOG.warn("{} cannot be used ({}); it is {} now", file, e.getMessage(), aside);
            return List.of();
        }
        return statements;
    }

    /** Keeps these alone; they last when this returns. */
    void write(List<byte[]> statements) throws IOException {
        disk.replace(file, Bencode.encode(Map.of("e", statements)));
    }
}
