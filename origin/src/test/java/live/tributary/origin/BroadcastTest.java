package live.tributary.origin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import live.tributary.origin.ingest.FeedIngest;
import live.tributary.origin.ingest.ResumePoint;
import live.tributary.origin.publish.AboutText;
import live.tributary.origin.publish.FakeMesh;
import live.tributary.origin.publish.StreamOrigin;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole broadcasts from real folders, with their threads, into a mesh that is a list. */
class BroadcastTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);
    private static final Path SAMPLE = Path.of("..", "scripts", "sample");
    private static final Duration BOUND = Duration.ofSeconds(20);

    private final FakeMesh mesh = new FakeMesh(KEY.streamKey());
    private long missed;

    @TempDir
    private Path folder;

    @Test
    void playsTheSampleAsLive() throws IOException {
        try (Broadcast broadcast = broadcast(SAMPLE, true)) {
            broadcast.start();
            await(() -> mesh.records.size() >= 3);
        }

        assertThat(mesh.abouts.get(0).body().name()).isEqualTo("Test");
        assertThat(mesh.abouts.get(0).body().targetDuration()).isEqualTo(Duration.ofSeconds(2));
        for (int i = 0; i < 3; i++) {
            assertThat(mesh.bytes.get(i)).isEqualTo(Files.readAllBytes(SAMPLE.resolve("stream-sample-" + i + ".ts")));
            assertThat(mesh.records.get(i).body().discontinuities()).isZero();
        }
        Head last = mesh.head().orElseThrow().head();
        assertThat(last.status()).as("another run may follow").isEqualTo(Head.Status.LIVE);
        assertThat(last.expires()).isBefore(Instant.now().plusSeconds(91));
    }

    @Test
    void followsAMasterWithTwoRenditionsAndGoesOnAfterARestart() throws IOException {
        Files.writeString(
                folder.resolve("stream.m3u8"),
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\n0/stream.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\n1/stream.m3u8\n");
        list(0, 0);
        list(1, 0);
        try (Broadcast broadcast = broadcast(folder, false)) {
            broadcast.start();
            await(() -> !mesh.abouts.isEmpty());
            for (int rendition = 0; rendition < 2; rendition++) {
                Files.delete(folder.resolve(rendition + "/stream.m3u8"));
            }
            // Not before both have been missed can what comes be taken for new; so it goes on until it is.
            await(() -> {
                add(0);
                add(1);
                return mesh.newest(0, 9).size() >= 2 && mesh.newest(1, 9).size() >= 2;
            });
        }
        assertThat(mesh.abouts.get(0).body().renditions())
                .containsExactly(
                        new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=2"),
                        new Rendition(1, Rendition.Kind.VARIANT, "BANDWIDTH=1"));
        List<ChunkRecord> before = mesh.newest(1, 100);

        int published = mesh.records.size();
        try (Broadcast again = broadcast(folder, false)) {
            again.start();
            await(() -> {
                add(0);
                add(1);
                return mesh.newest(1, 1).get(0).term() > before.get(0).term();
            });
        }
        ChunkRecord last = before.get(before.size() - 1);
        ChunkRecord first = mesh.newest(1, 100).get(before.size());
        assertThat(first.seq()).isEqualTo(last.seq() + 1);
        assertThat(first.body().previous()).contains(last.hash());
        assertThat(first.body().discontinuities())
                .as("the feed went on: for viewers, a restart of the origin is no break")
                .isEqualTo(last.body().discontinuities());
        assertThat(mesh.records.subList(0, published)).allMatch(record -> record.term() == last.term());
    }

    @Test
    void anOriginThatLostItsStateGoesOnBehindWhatTheMeshBrings() throws IOException {
        try (Broadcast broadcast = broadcast(SAMPLE, true)) {
            broadcast.start();
            await(() -> mesh.records.size() >= 3);
        }
        Files.delete(folder.resolve("publish.state"));
        List<ChunkRecord> before = mesh.newest(0, 100);
        int published = before.size();
        mesh.brings(before);
        try (Broadcast again = broadcast(SAMPLE, true, true)) {
            again.start();
            await(() -> mesh.records.size() > published);
        }

        ChunkRecord last = before.get(published - 1);
        ChunkRecord next = mesh.newest(0, 100).get(published);
        assertThat(next.body().previous()).contains(last.hash());
        assertThat(next.firstPiece()).isEqualTo(last.endPiece());
        assertThat(next.term()).isGreaterThan(last.term());
    }

    @Test
    void readsOwncastsFolderThoughItsMasterSendsViewersToTheGateway() throws IOException {
        Files.writeString(
                folder.resolve("stream.m3u8"),
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhttps://gateway.example/owncast/key/hls/0/stream.m3u8\n");
        list(0, 0);
        try (Broadcast broadcast = broadcast(folder, false)) {
            broadcast.start();
            await(() -> {
                add(0);
                return mesh.newest(0, 9).size() >= 2;
            });
        }
    }

    private Broadcast broadcast(Path feed, boolean loop) throws IOException {
        return broadcast(feed, loop, false);
    }

    private Broadcast broadcast(Path feed, boolean loop, boolean lostState) throws IOException {
        StreamOrigin origin = new StreamOrigin(
                new StreamOrigin.Config(
                        KEY, folder.resolve("publish.state"), AboutText.named("Test"), term -> Optional.empty()),
                mesh,
                new StreamOrigin.Surroundings(
                        InstantSource.system(),
                        System::nanoTime,
                        List::of,
                        lost -> missed += lost,
                        record -> false,
                        (record, bytes) -> {}));
        Map<Integer, ResumePoint> last = origin.lastSegments();
        return new Broadcast(
                new Broadcast.Feed(new FeedIngest.Config(feed.toString(), loop, Set.of(), last), lostState),
                origin,
                mesh,
                InstantSource.system());
    }

    private final int[] listed = new int[2];

    private void add(int rendition) {
        try {
            list(rendition, ++listed[rendition]);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Writes a segment and then the playlist of the last ones, in place as Owncast does. */
    private void list(int rendition, int last) throws IOException {
        Path its = Files.createDirectories(folder.resolve(Integer.toString(rendition)));
        byte[] segment = new byte[188];
        segment[0] = 0x47;
        segment[1] = (byte) rendition;
        segment[2] = (byte) last;
        segment[3] = (byte) (last >> 8);
        Files.write(its.resolve("stream-abc-" + last + ".ts"), segment);
        int first = Math.max(0, last - 500);
        StringBuilder text =
                new StringBuilder("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:" + first + "\n");
        for (int number = first; number <= last; number++) {
            text.append("#EXTINF:1.0,\nstream-abc-").append(number).append(".ts\n");
        }
        Files.writeString(its.resolve("stream.m3u8"), text);
    }

    private static void await(BooleanSupplier fact) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!fact.getAsBoolean()) {
            assertThat(System.nanoTime()).as("time").isLessThan(end);
            java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
        }
    }
}
