package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class KeyFileTest {
    private final SecureRandom random = new SecureRandom();

    @TempDir
    Path dir;

    @Test
    void givesTheSameKeyAfterARestart() throws Exception {
        Path file = dir.resolve("sub/relay.key");
        SigningKey made = KeyFile.readOrCreate(file, random);
        assertThat(KeyFile.readOrCreate(file, random).seed()).isEqualTo(made.seed());
        assertThat(Files.readString(file)).isEqualTo(made.seedText() + "\n").matches("[a-z2-7]{52}\n");
    }

    @Test
    void lastsTogetherWithItsName() throws Exception {
        List<String> forced = new ArrayList<>();
        Disk disk = new Disk() {
            @Override
            public void force(FileChannel channel) throws IOException {
                forced.add("content of " + channel.size());
            }

            @Override
            public void forceNames(Path directory) {
                forced.add(dir.relativize(directory) + ": "
                        + List.of(directory.toFile().list()));
            }
        };
        KeyFile.create(dir.resolve("sub/stream.key"), random, disk);

        assertThat(forced).containsExactly(": [sub]", "content of 53", "sub: [stream.key]");
    }

    @Test
    void isItsOwnersAlone() throws Exception {
        Assumptions.assumeTrue(
                FileSystems.getDefault().supportedFileAttributeViews().contains("posix"));
        Path file = dir.resolve("relay.key");
        KeyFile.readOrCreate(file, random);
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "not a key", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"})
    void stopsTheStartWhereItIsDamaged(String text) throws Exception {
        Path file = Files.writeString(dir.resolve("relay.key"), text);
        assertThatThrownBy(() -> KeyFile.readOrCreate(file, random))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(file + ": not a key file (expected: ")
                .hasNoCause();
        assertThat(Files.readString(file)).isEqualTo(text);
    }

    @Test
    void isNeverWrittenOver() throws Exception {
        Path file = dir.resolve("stream.key");
        KeyFile.create(file, random);
        String before = Files.readString(file);
        assertThatThrownBy(() -> KeyFile.create(file, random)).isInstanceOf(StartException.class);
        assertThat(Files.readString(file)).isEqualTo(before);
        assertThat(dir.resolve("stream.key.new")).doesNotExist();
    }

    @Test
    void keepsItsDirectoryForOneProgram() throws Exception {
        try (StateDirectory held = StateDirectory.open(dir)) {
            assertThat(held.resolve("x")).isEqualTo(dir.resolve("x"));
            assertThatThrownBy(() -> StateDirectory.open(dir)).isInstanceOf(StartException.class);
        }
        StateDirectory.open(dir).close();
    }
}
