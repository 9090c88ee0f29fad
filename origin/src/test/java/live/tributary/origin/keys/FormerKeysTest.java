package live.tributary.origin.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import live.tributary.mesh.program.Disk;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.StartException;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FormerKeysTest {
    private final SecureRandom random = new SecureRandom();
    private SigningKey old = SigningKey.fromSeed(new byte[32]);

    @TempDir
    private Path folder;

    private Path file;
    private FormerKeys keys;

    @BeforeEach
    void makeKey() throws StartException {
        file = folder.resolve("stream.key");
        old = KeyFile.create(file, random);
        keys = new FormerKeys(folder);
    }

    @Test
    void aRotationLeavesANewKeyAndTheOldOnesLastWord() throws Exception {
        Files.writeString(folder.resolve("publish.state"), "numbers");
        KeyEnd end = keys.rotate(file, Samples.NOW, random);

        SigningKey fresh = KeyFile.readOrCreate(file, random);
        assertThat(end.verifies()).isTrue();
        assertThat(end.stream()).isEqualTo(old.streamKey());
        assertThat(end.successor()).contains(fresh.streamKey());
        assertThat(keys.all()).hasSize(1);
        assertThat(keys.all().get(0).end()).isEqualTo(end);
        assertThat(keys.all().get(0).key().streamKey()).isEqualTo(old.streamKey());
        assertThat(folder.resolve("publish.state")).doesNotExist();
        assertThat(folder.resolve("former").resolve(old.streamKey().text() + ".state"))
                .hasContent("numbers");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(
                        folder.resolve("former").resolve(old.streamKey().text() + ".key"))))
                .isEqualTo("rw-------");
    }

    @Test
    void eachStepOfARotationLastsBeforeTheNext() throws Exception {
        Files.writeString(folder.resolve("publish.state"), "numbers");
        List<String> forced = new ArrayList<>();
        Disk disk = new Disk() {
            @Override
            public void force(FileChannel channel) {
                forced.add("content");
            }

            @Override
            public void forceNames(Path directory) {
                String[] names = directory.toFile().list();
                forced.add(folder.relativize(directory) + ": "
                        + Stream.of(names)
                                .map(name -> name.replace(old.streamKey().text(), "OLD"))
                                .sorted()
                                .toList());
            }
        };
        new FormerKeys(folder, disk).rotate(file, Samples.NOW, random);

        assertThat(forced)
                .containsExactly(
                        "content",
                        ": [publish.state, stream.key, stream.key.next]",
                        ": [former, publish.state, stream.key, stream.key.next]",
                        "content",
                        "former: [OLD.end]",
                        "content",
                        "former: [OLD.end, OLD.key]",
                        "former: [OLD.end, OLD.key, OLD.state]",
                        ": [former, stream.key, stream.key.next]",
                        ": [former, stream.key]");
    }

    @Test
    void aRotationCutShortIsCompletedWithTheSameNewKey() throws Exception {
        byte[] oldKey = Files.readAllBytes(file);
        KeyEnd end = keys.rotate(file, Samples.NOW, random);
        // As if the last step had not been made: the new key is still beside the old one.
        Files.move(file, folder.resolve("stream.key.next"));
        Files.write(file, oldKey);

        assertThat(keys.rotate(file, Samples.NOW.plusSeconds(60), random)).isEqualTo(end);
        assertThat(KeyFile.readOrCreate(file, random).streamKey())
                .isEqualTo(end.successor().orElseThrow());
    }

    @Test
    void keysAreRotatedAgainAndAgain() throws Exception {
        KeyEnd first = keys.rotate(file, Samples.NOW, random);
        KeyEnd second = keys.rotate(file, Samples.NOW, random);

        assertThat(second.stream()).isEqualTo(first.successor().orElseThrow());
        assertThat(keys.all()).hasSize(2);
    }

    @Test
    void aRevocationTakesTheKeyAwayAndARotatedKeyCanBeRevokedLater() throws Exception {
        KeyEnd rotation = keys.rotate(file, Samples.NOW, random);
        KeyEnd later = keys.revoke(old.streamKey(), Samples.NOW);
        assertThat(later.overrides(rotation)).isTrue();
        assertThat(keys.all()).extracting(FormerKeys.Former::end).containsExactly(later);

        KeyEnd now = keys.revoke(file, Samples.NOW);
        assertThat(now.successor()).isEqualTo(Optional.empty());
        assertThat(file).doesNotExist();
        assertThat(keys.all()).hasSize(2);
    }

    @Test
    void aLastWordThatIsDamagedStopsTheStart() throws Exception {
        keys.rotate(file, Samples.NOW, random);
        Path end = folder.resolve("former").resolve(old.streamKey().text() + ".end");
        byte[] damaged = Files.readAllBytes(end);
        damaged[damaged.length - 20] ^= 1;
        Files.write(end, damaged);
        assertThatThrownBy(keys::all).isInstanceOf(StartException.class).hasMessageContaining(end.toString());

        Files.write(end, new byte[KeyEnd.MAX_ENCODED + 1]);
        assertThatThrownBy(keys::all).isInstanceOf(StartException.class);
    }

    @Test
    void withoutAKeyThereIsNothingToRotate() throws IOException {
        Files.delete(file);

        assertThatThrownBy(() -> keys.rotate(file, Samples.NOW, random)).isInstanceOf(StartException.class);
        assertThat(List.of(folder.toFile().list())).doesNotContain("former");
    }
}
