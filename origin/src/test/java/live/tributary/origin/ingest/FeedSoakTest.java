package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import live.tributary.origin.publish.AboutText;
import live.tributary.origin.publish.FakeMesh;
import live.tributary.origin.publish.FixedClock;
import live.tributary.origin.publish.StreamOrigin;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An Owncast that has every accident there is, and an origin that is killed at any moment: what is published is what the encoders
 * finished, each segment once, in order, byte for byte. {@code -Dsoak.minutes=20} makes it an hour, with three seeds.
 */
class FeedSoakTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);
    private static final Duration FEED_TIME = Duration.ofMinutes(Integer.getInteger("soak.minutes", 8));
    private static final Duration SEGMENT = Duration.ofSeconds(2);
    private static final Duration STEP = Duration.ofMillis(40);
    private static final Duration CALM = Duration.ofSeconds(9);
    private static final int RENDITIONS = 2;

    private final FixedClock clock = new FixedClock();
    private final FakeMesh mesh = new FakeMesh(KEY.streamKey());
    private final List<RenditionIngest> readers = new ArrayList<>();
    private long missed;
    private int crashes;
    private int crashesBeforeTheMesh;

    @TempDir
    private Path folder;

    /** The process is gone at this instant. */
    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void publishesWhatWasFinishedOnceInOrderByteForByte(long seed) throws IOException {
        Random random = new Random(seed);
        OwncastDouble owncast = new OwncastDouble(seed, RENDITIONS, SEGMENT);
        begin(owncast);
        run(owncast, Duration.ofSeconds(1));
        owncast.start();
        long end = owncast.now() + FEED_TIME.toNanos();
        while (owncast.now() < end) {
            run(owncast, CALM.plusMillis(random.nextInt(8000)));
            accident(owncast, random);
        }
        run(owncast, CALM);
        owncast.goOffline(); // What it had finished may still be on its way to a slow disk.
        run(owncast, CALM);

        assertThat(crashes).as("crashes").isPositive();
        assertThat(crashesBeforeTheMesh).as("crashes before the mesh").isPositive();
        assertThat(missed).isZero();
        for (int rendition = 0; rendition < RENDITIONS; rendition++) {
            isWhole(owncast, rendition);
        }
        noPieceTwice();
    }

    private void accident(OwncastDouble owncast, Random random) throws IOException {
        if (!owncast.onAir()) {
            owncast.start();
            return;
        }
        switch (random.nextInt(8)) {
            case 0 -> { // OBS reconnects at once.
                owncast.kill();
                run(owncast, Duration.ofMillis(500 + random.nextInt(4000)));
                owncast.start();
            }
            case 1 -> { // OBS reconnects behind the offline clip.
                owncast.kill();
                run(owncast, Duration.ofMillis(800 + random.nextInt(10_000)));
                owncast.goOffline();
                run(owncast, Duration.ofSeconds(1 + random.nextInt(90)));
                owncast.start();
            }
            case 2 -> { // The evening is over, and tomorrow there is another.
                run(owncast, Duration.ofSeconds(1));
                owncast.goOffline();
                run(owncast, Duration.ofMinutes(6));
                owncast.start();
            }
            case 3 -> {
                owncast.unreadable(true);
                run(owncast, Duration.ofMillis(random.nextInt(12_000)));
                owncast.unreadable(false);
            }
            case 4 -> { // The folder is moved away and back.
                owncast.vanished(true);
                run(owncast, Duration.ofMillis(random.nextInt(12_000)));
                owncast.vanished(false);
            }
            case 5 -> clock.move(Duration.ofSeconds(random.nextInt(20_000) - 10_000));
            case 6 -> crash(owncast, Duration.ofMillis(random.nextInt(8000)));
            default -> { // Killed when a number is on disk and the mesh has not seen it yet.
                boolean[] armed = {true};
                mesh.beforeRecord(() -> {
                    if (armed[0]) {
                        armed[0] = false;
                        throw new Killed();
                    }
                });
                try {
                    run(owncast, SEGMENT.multipliedBy(3));
                } catch (Killed e) {
                    crashesBeforeTheMesh++;
                }
                mesh.beforeRecord(() -> {});
                crash(owncast, Duration.ofMillis(random.nextInt(4000)));
            }
        }
    }

    private void crash(OwncastDouble owncast, Duration down) throws IOException {
        crashes++;
        owncast.pass(down);
        clock.move(down);
        begin(owncast);
    }

    /** An origin begins on the disk that the one before left. */
    private void begin(OwncastDouble owncast) throws IOException {
        StreamOrigin origin = new StreamOrigin(
                new StreamOrigin.Config(
                        KEY, folder.resolve("publish.state"), AboutText.named("Soak"), term -> Optional.empty()),
                mesh,
                new StreamOrigin.Surroundings(
                        clock, owncast::now, List::of, lost -> missed += lost, record -> false, (record, bytes) -> {}));
        Map<Integer, ResumePoint> last = origin.lastSegments();
        List<Rendition> renditions = new ArrayList<>();
        readers.clear();
        for (int number = 0; number < RENDITIONS; number++) {
            renditions.add(new Rendition(number, Rendition.Kind.VARIANT, ""));
            readers.add(new RenditionIngest(
                    number,
                    new ListAddress(OwncastDouble.playlist(number)),
                    owncast,
                    new FeedTracker(Optional.ofNullable(last.get(number)), false, true),
                    UnaryOperator.identity(),
                    origin,
                    owncast::now));
        }
        origin.described(renditions, SEGMENT);
    }

    private void run(OwncastDouble owncast, Duration time) {
        long end = owncast.now() + time.toNanos();
        while (owncast.now() < end) {
            long before = owncast.now();
            for (RenditionIngest reader : readers) {
                reader.step();
            }
            owncast.pass(STEP);
            clock.move(Duration.ofNanos(owncast.now() - before));
        }
    }

    private void isWhole(OwncastDouble owncast, int rendition) {
        List<ChunkRecord> records = new ArrayList<>();
        List<byte[]> bytes = new ArrayList<>();
        for (int i = 0; i < mesh.records.size(); i++) {
            if (mesh.records.get(i).rendition() == rendition) {
                records.add(mesh.records.get(i));
                bytes.add(mesh.bytes.get(i));
            }
        }
        List<byte[]> finished = owncast.finished(rendition);
        for (int i = 0; i < Math.min(bytes.size(), finished.size()); i++) {
            assertThat(bytes.get(i))
                    .as("chunk %d of rendition %d", i, rendition)
                    .isEqualTo(finished.get(i));
        }
        assertThat(bytes).as("chunks of rendition %d", rendition).hasSameSizeAs(finished);
        for (int i = 1; i < records.size(); i++) {
            ChunkRecord before = records.get(i - 1);
            ChunkRecord record = records.get(i);
            assertThat(record.seq()).isEqualTo(before.seq() + 1);
            assertThat(record.body().previous()).contains(before.hash());
            assertThat(record.body().start())
                    .isGreaterThanOrEqualTo(
                            before.body().start().plus(before.body().duration()));
            assertThat(record.term()).isGreaterThanOrEqualTo(before.term());
        }
        long breaks = records.get(records.size() - 1).body().discontinuities()
                - records.get(0).body().discontinuities();
        assertThat(breaks)
                .as("breaks, of which a crash of the origin is none: %d crashes", crashes)
                .isEqualTo(owncast.runs(rendition) - 1);
    }

    private void noPieceTwice() {
        Map<Long, ChunkRecord> pieces = new HashMap<>();
        Set<Long> terms = new HashSet<>();
        for (ChunkRecord record : mesh.records) {
            terms.add(record.term());
            for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
                assertThat(pieces.put(piece, record)).as("piece %d", piece).isNull();
            }
        }
        assertThat(terms).as("terms").hasSizeGreaterThan(1);
    }
}
