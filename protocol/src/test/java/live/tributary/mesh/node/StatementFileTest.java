package live.tributary.mesh.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import live.tributary.mesh.program.Disk;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatementFileTest {
    @TempDir
    private Path folder;

    @Test
    void whatIsKeptLastsTogetherWithItsFilesName() throws IOException {
        Path path = folder.resolve("key-ends");
        List<Boolean> there = new ArrayList<>();
        StatementFile file = new StatementFile(path, 4, 16, new Disk() {
            @Override
            public void force(FileChannel channel) {
                there.add(Files.exists(path));
            }

            @Override
            public void forceNames(Path directory) {
                there.add(directory.equals(folder) && Files.exists(path));
            }
        });
        file.write(List.of("one".getBytes(StandardCharsets.UTF_8), "two".getBytes(StandardCharsets.UTF_8)));

        assertThat(there).as("forced before it has its name, and once it has").containsExactly(false, true);
        assertThat(file.read(one -> new String(one, StandardCharsets.UTF_8))).containsExactly("one", "two");
    }
}
