package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DiskTest {
    private final List<String> forced = new ArrayList<>();

    @TempDir
    private Path folder;

    /** Writes down what is forced, and what stood on the disk then. */
    private final Disk disk = new Disk() {
        @Override
        public void force(FileChannel channel) throws IOException {
            forced.add("content of " + channel.size());
        }

        @Override
        public void forceNames(Path directory) {
            forced.add(folder.relativize(directory) + ": " + names(directory));
        }
    };

    private static List<String> names(Path directory) {
        String[] names = directory.toFile().list();
        return names == null ? List.of() : List.of(names).stream().sorted().toList();
    }

    @Test
    void aFileThatIsReplacedIsForcedBeforeItHasItsNameAndTheNameBehindIt() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "old");
        disk.replace(file, new byte[7]);

        assertThat(forced).containsExactly("content of 7", ": [a]");
        assertThat(file).hasSize(7);
    }

    @Test
    void aFileThatCannotBeForcedLeavesTheOldOne() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "old");
        Disk broken = channel -> {
            throw new IOException("no more");
        };

        assertThatThrownBy(() -> broken.replace(file, new byte[7])).hasMessage(folder.resolve("a.new") + ": no more");
        assertThat(file).hasContent("old");
    }

    @Test
    void aFileThatMovesElsewhereIsForcedInBothPlaces() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        disk.rename(Files.writeString(folder.resolve("a"), "text"), other.resolve("b"));

        assertThat(forced).containsExactly("other: [b]", ": [other]");
    }

    @Test
    void whatIsDeletedIsForcedToo() throws IOException {
        disk.delete(Files.writeString(folder.resolve("a"), "text"));

        assertThat(forced).containsExactly(": []");
    }

    @Test
    void eachDirectoryThatIsMadeLastsAndNoOtherIsForced() throws IOException {
        disk.createDirectories(folder.resolve("a/b"));
        assertThat(forced).containsExactly(": [a]", "a: [b]");

        forced.clear();
        disk.createDirectories(folder.resolve("a/b"));
        assertThat(forced).isEmpty();
    }

    @Test
    void theMachinesOwnDoesAllThat() throws IOException {
        Disk.REAL.createDirectories(folder.resolve("a"));
        Disk.REAL.replace(folder.resolve("a/b"), new byte[3]);
        Disk.REAL.rename(folder.resolve("a/b"), folder.resolve("c"));
        assertThat(folder.resolve("c")).hasSize(3);
        Disk.REAL.delete(folder.resolve("c"));

        assertThat(names(folder)).containsExactly("a");
    }
}
