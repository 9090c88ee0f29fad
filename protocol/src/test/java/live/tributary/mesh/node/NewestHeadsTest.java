package live.tributary.mesh.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewestHeadsTest {
    private final Samples samples = new Samples(15);
    private final SigningKey key = samples.key();

    @TempDir
    private Path folder;

    @Test
    void theNewestByTermAndThenBySeqOutlivesAStart() throws IOException {
        NewestHeads heads = open();
        assertThat(heads.add(head(key, 5, 1))).isTrue();
        assertThat(heads.add(head(key, 5, 2))).isTrue();
        assertThat(heads.add(head(key, 5, 1))).isFalse();
        assertThat(heads.add(head(key, 6, 1))).isTrue();
        assertThat(heads.add(head(key, 5, 9))).isFalse();

        assertThat(open().of(key.streamKey())).contains(head(key, 6, 1));
        assertThat(open().of(samples.key().streamKey())).isEmpty();
    }

    @Test
    void aForgedFileIsSetAside() throws IOException {
        open().add(head(key, 5, 1));
        byte[] forged = Files.readAllBytes(file());
        int sig = new String(forged, StandardCharsets.ISO_8859_1).indexOf("3:sig64:");
        forged[sig + 20] ^= 1;
        Files.write(file(), forged);

        assertThat(open().of(key.streamKey())).isEmpty();
        assertThat(folder.resolve("heads.aside")).hasBinaryContent(forged);
    }

    @Test
    void aFileOfOneByteMoreThanAnyIsSetAside() throws IOException {
        Files.write(file(), new byte[NewestHeads.MAX_ENCODED + 1]);

        open();
        assertThat(folder.resolve("heads.aside")).exists();
    }

    @Test
    void whoseHeadIsOldestMakesRoom() throws IOException {
        NewestHeads heads = open();
        SigningKey second = samples.key();
        heads.add(head(key, 5, 1));
        heads.add(head(second, 5, 1));
        heads.add(head(key, 5, 2));
        for (int i = 2; i <= NewestHeads.MAX_KEPT; i++) {
            heads.add(head(samples.key(), 5, 1));
        }

        assertThat(heads.of(second.streamKey())).isEmpty();
        assertThat(heads.of(key.streamKey())).isPresent();
        assertThat(Files.size(file())).isLessThanOrEqualTo(NewestHeads.MAX_ENCODED);
    }

    private static SignedHead head(SigningKey key, long term, long seq) {
        return SignedHead.sign(
                new Head(
                        seq,
                        Samples.NOW,
                        Head.Status.LIVE,
                        term,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Sha256.ofContent(new byte[0])),
                key);
    }

    private Path file() {
        return folder.resolve("heads");
    }

    private NewestHeads open() throws IOException {
        return NewestHeads.open(file());
    }
}
