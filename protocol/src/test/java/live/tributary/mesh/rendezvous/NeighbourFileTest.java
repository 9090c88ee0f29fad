package live.tributary.mesh.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NeighbourFileTest {
    private static final InetSocketAddress NEIGHBOUR = new InetSocketAddress("192.0.2.1", 6881);

    @TempDir
    Path directory;

    private Path path;
    private NeighbourFile file;

    @BeforeEach
    void isNotThere() {
        path = directory.resolve("neighbours");
        file = new NeighbourFile(path);
    }

    @Test
    void readsWhatItWrote() {
        assertThat(file.read()).isEmpty();
        file.write(List.of(NEIGHBOUR));
        assertThat(file.read()).containsExactly(NEIGHBOUR);
    }

    @Test
    void setsADamagedFileAside() throws IOException {
        Files.writeString(path, "192.0.2.1:6881\nno address\n");
        assertThat(file.read()).isEmpty();
        assertThat(path).doesNotExist();
        assertThat(directory.resolve("neighbours.aside")).hasContent("192.0.2.1:6881\nno address\n");
    }

    @Test
    void setsAFileAsideThatIsOneByteTooLong() throws IOException {
        String line = NEIGHBOUR.getAddress().getHostAddress() + ":6881\n";
        String most = line.repeat(NeighbourFile.MAX_LENGTH / line.length() + 1).substring(0, NeighbourFile.MAX_LENGTH);
        Files.writeString(path, most.substring(0, most.lastIndexOf('\n') + 1));
        assertThat(file.read()).isNotEmpty();
        Files.writeString(path, most + "1");
        assertThat(file.read()).isEmpty();
        assertThat(directory.resolve("neighbours.aside")).hasSize(NeighbourFile.MAX_LENGTH + 1);
    }
}
