package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import live.tributary.mesh.program.Disk;
import live.tributary.mesh.store.ChunkFile;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutboxTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);

    private final Set<ChunkRecord> safe = new HashSet<>();
    private final FakeMesh mesh = new FakeMesh(KEY.streamKey());
    private Outbox outbox;
    private ChunkPublisher publisher;

    @TempDir
    private Path folder;

    @BeforeEach
    void begin() throws IOException {
        outbox = outbox();
        publisher = publisher(outbox);
    }

    @Test
    void aChunkLeavesOnceTheNodeHasItSafeAndANewerOneHasCome() throws IOException {
        ChunkRecord first = publish(0, 0);
        ChunkRecord other = publish(1, 0);
        safe.add(first);
        safe.add(other);
        assertThat(files()).containsExactlyInAnyOrder(name(first), name(other));

        ChunkRecord second = publish(0, 1);
        assertThat(files()).containsExactlyInAnyOrder(name(second), name(other));
        ChunkRecord third = publish(0, 2);
        assertThat(files())
                .as("the second is nowhere else")
                .containsExactlyInAnyOrder(name(second), name(third), name(other));
    }

    @Test
    void aDamagedChunkIsSetAsideAndTheOthersAreOffered() throws IOException {
        ChunkRecord first = publish(0, 0);
        ChunkRecord second = publish(0, 1);
        Path damaged = ChunkFile.path(folder.resolve("outbox"), first.hash());
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length - 1] ^= 1;
        Files.write(damaged, bytes);
        Files.write(folder.resolve("outbox/nonsense.chunk"), new byte[] {1});

        assertThat(recovered()).containsExactly(second);
        assertThat(files()).containsExactlyInAnyOrder(name(second), name(first) + ".damaged", "nonsense.chunk.damaged");
    }

    @Test
    void oneThatCannotBeReadKeepsNoOtherBack() throws IOException {
        ChunkRecord first = publish(0, 0);
        Path unreadable = ChunkFile.path(folder.resolve("outbox"), publish(1, 0).hash());
        Files.delete(unreadable);
        Files.createDirectory(unreadable);

        assertThat(recovered()).containsExactly(first);
        assertThat(unreadable).exists();
    }

    @Test
    void anotherStreamsChunksAreNotOffered() throws IOException {
        publish(0, 0);
        SigningKey other = SigningKey.generate(new java.security.SecureRandom());

        assertThat(outbox().recover(other.streamKey(), Map.of())).isEmpty();
        assertThat(files()).isEmpty();
    }

    @Test
    void aChunkThatWasNeverNumberedIsNobodys() throws IOException {
        ChunkRecord first = publish(0, 0);
        IngestedChunk unnumbered = ChunkPublisherTest.chunk(7, 100);
        ChunkRecord orphan = new ChunkPublisher(
                        KEY,
                        new StateFile(folder.resolve("other.state")),
                        outbox,
                        mesh,
                        new FixedClock(),
                        (record, bytes) -> {})
                .publish(1, unnumbered);

        assertThat(files()).contains(name(orphan));
        assertThat(recovered()).containsExactly(first);
        assertThat(files()).containsExactly(name(first));
    }

    @Test
    void behindAChunkThatIsNotHereThoseBeforeItAreOfferedStill() throws IOException {
        ChunkRecord first = publish(0, 0);
        ChunkRecord second = publish(0, 1);
        Files.delete(ChunkFile.path(folder.resolve("outbox"), second.hash()));

        assertThat(recovered()).containsExactly(first);
    }

    @Test
    void aNodeWhoseOwnFilesDoNotComeAboutPilesUpNoMoreThanTheLimit() throws IOException {
        outbox = new Outbox(folder.resolve("outbox"), Disk.REAL, safe::contains, 10_000);
        publisher = publisher(outbox);
        ChunkRecord last = publish(0, 0);
        for (int number = 1; number < 20; number++) {
            last = publish(0, number);
        }

        long bytes = 0;
        for (String name : files()) {
            bytes += Files.size(folder.resolve("outbox").resolve(name));
        }
        assertThat(bytes).isBetween(8_000L, 10_000L);
        assertThat(files()).contains(name(last));
    }

    private ChunkRecord publish(int rendition, int number) throws IOException {
        return publisher.publish(rendition, ChunkPublisherTest.chunk(rendition * 100L + number, 1000));
    }

    private List<ChunkRecord> recovered() throws IOException {
        PublishState state = new StateFile(folder.resolve("publish.state"))
                .read(KEY.streamKey())
                .orElseThrow();
        return outbox().recover(KEY.streamKey(), state.renditions()).stream()
                .map(ChunkFile::record)
                .toList();
    }

    private Outbox outbox() {
        return new Outbox(folder.resolve("outbox"), Disk.REAL, safe::contains);
    }

    private ChunkPublisher publisher(Outbox its) throws IOException {
        return new ChunkPublisher(
                KEY,
                new StateFile(folder.resolve("publish.state")),
                its,
                mesh,
                new FixedClock(),
                (record, bytes) -> {});
    }

    private static String name(ChunkRecord record) {
        return record.hash().hex() + ".chunk";
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("outbox"))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
