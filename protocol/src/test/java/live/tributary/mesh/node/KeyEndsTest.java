package live.tributary.mesh.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyEndsTest {
    private final Samples samples = new Samples(14);
    private final SigningKey first = samples.key();
    private final SigningKey second = samples.key();
    private final SigningKey third = samples.key();

    @TempDir
    private Path folder;

    @Test
    void remembersAcrossAStartAndFollowsTheLine() throws IOException {
        KeyEnds ends = open();
        assertThat(ends.add(rotation(first, second))).isTrue();
        assertThat(ends.add(rotation(second, third))).isTrue();

        KeyEnds again = open();
        assertThat(again.line(first.streamKey()))
                .containsExactly(first.streamKey(), second.streamKey(), third.streamKey());
        assertThat(again.of(second.streamKey())).contains(rotation(second, third));
        assertThat(again.of(third.streamKey())).isEmpty();
    }

    @Test
    void whatTheDiskRefusedIsNewsAgain() throws IOException {
        KeyEnds ends = open();
        Path inTheWay = Files.createDirectories(folder.resolve("key-ends").resolve("in-the-way"));
        assertThatThrownBy(() -> ends.add(rotation(first, second))).isInstanceOf(IOException.class);
        assertThat(ends.of(first.streamKey())).isEmpty();

        Files.delete(inTheWay);
        Files.delete(inTheWay.getParent());
        assertThat(ends.add(rotation(first, second))).isTrue();
        assertThat(open().of(first.streamKey())).contains(rotation(first, second));
    }

    @Test
    void aLineThatBitesItsTailEnds() throws IOException {
        KeyEnds ends = open();
        ends.add(rotation(first, second));
        ends.add(rotation(second, first));

        assertThat(ends.line(first.streamKey())).containsExactly(first.streamKey(), second.streamKey());
    }

    @Test
    void aRevocationTakesThePlaceOfARotationAndNothingTakesItsOwn() throws IOException {
        KeyEnds ends = open();
        ends.add(rotation(first, second));
        assertThat(ends.add(rotation(first, third))).isFalse();
        assertThat(ends.add(KeyEnd.revocation(first, Samples.NOW))).isTrue();
        assertThat(ends.add(rotation(first, second))).isFalse();

        assertThat(open().line(first.streamKey())).containsExactly(first.streamKey());
    }

    @Test
    void aDamagedOrForgedFileIsSetAside() throws IOException {
        KeyEnds ends = open();
        ends.add(rotation(first, second));
        byte[] damaged = Files.readAllBytes(file());
        damaged[damaged.length - 8] ^= 1; // Within the signature.
        Files.write(file(), damaged);

        assertThat(open().of(first.streamKey())).isEmpty();
        assertThat(folder.resolve("key-ends.aside")).hasBinaryContent(damaged);
        assertThat(file()).doesNotExist();
    }

    @Test
    void aFileOfOneByteMoreThanAnyIsSetAside() throws IOException {
        Files.write(file(), new byte[KeyEnds.MAX_ENCODED + 1]);

        open();
        assertThat(folder.resolve("key-ends.aside")).exists();
    }

    @Test
    void theOldestMakesRoom() throws IOException {
        KeyEnds ends = open();
        ends.add(rotation(first, second));
        for (int i = 0; i < KeyEnds.MAX_KEPT; i++) {
            ends.add(KeyEnd.revocation(samples.key(), Instant.EPOCH));
        }

        assertThat(ends.of(first.streamKey())).isEmpty();
        assertThat(Files.size(file())).isLessThanOrEqualTo(KeyEnds.MAX_ENCODED);
    }

    private static KeyEnd rotation(SigningKey from, SigningKey to) {
        return KeyEnd.rotation(from, to.streamKey(), Samples.NOW);
    }

    private Path file() {
        return folder.resolve("key-ends");
    }

    private KeyEnds open() throws IOException {
        return KeyEnds.open(file());
    }
}
