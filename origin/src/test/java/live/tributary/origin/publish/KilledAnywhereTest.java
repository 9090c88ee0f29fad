package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import live.tributary.mesh.program.Disk;
import live.tributary.mesh.store.ChunkFile;
import live.tributary.origin.ingest.ResumePoint;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An origin that is killed at each of its steps in turn: each time a file is made to last, before and behind each announcement. */
class KilledAnywhereTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);
    private static final int RENDITIONS = 2;
    private static final int CHUNKS = 3;
    private static final int LENGTH = 70_000;
    /** The state is made to last, and its name. */
    private static final int STEPS_OF_A_START = 2;
    /** The name of its folder is made last, once. */
    private static final int STEPS_OF_AN_OUTBOX = 1;

    /** The state and its name are made to last; then it is announced, copies hear of it, and bytes and their name are made to last. */
    private static final int STEPS_OF_A_CHUNK = 6;

    private static final int NEVER = Integer.MAX_VALUE;

    private final FixedClock clock = new FixedClock();

    @TempDir
    private Path temporary;

    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    /** One run of an origin on a folder, which ends at its step {@code last} as if by SIGKILL. */
    private final class Run {
        final FakeMesh mesh = new FakeMesh(KEY.streamKey());
        private final Path folder;
        private final int last;
        int steps;

        Run(Path folder, int last) {
            this.folder = folder;
            this.last = last;
        }

        private void step() {
            if (++steps == last) {
                throw new Killed();
            }
        }

        /** Publishes what the feed has from {@code first} on, behind what is known of it, as an ingest does. */
        Run publish(int first, boolean feedKeepsAll) throws IOException {
            Disk disk = channel -> step();
            try {
                ChunkPublisher publisher = new ChunkPublisher(
                        KEY,
                        new StateFile(folder.resolve("publish.state"), disk),
                        new Outbox(folder.resolve("outbox"), disk, record -> false),
                        mesh,
                        clock,
                        (record, bytes) -> step());
                publisher.offerAgain();
                mesh.beforeRecord(this::step);
                Map<Integer, ResumePoint> points = publisher.lastSegments();
                for (int number = feedKeepsAll ? 0 : first; number < first + CHUNKS; number++) {
                    for (int rendition = 0; rendition < RENDITIONS; rendition++) {
                        if (number < first && number < number(points.get(rendition))) {
                            continue;
                        }
                        var chunk = ChunkPublisherTest.chunk(number * 100L + rendition, LENGTH);
                        if (!publisher.repeats(rendition, chunk)) {
                            publisher.publish(rendition, chunk);
                        }
                    }
                }
            } catch (Killed e) {
                assertThat(steps).isEqualTo(last);
            }
            return this;
        }

        private static int number(@Nullable ResumePoint point) {
            return point == null ? 0 : Integer.parseInt(point.name().replace(".ts", "")) / 100;
        }

        Map<ChunkRecord, Sha256> told() {
            Map<ChunkRecord, Sha256> told = new HashMap<>();
            for (int i = 0; i < mesh.records.size(); i++) {
                told.put(mesh.records.get(i), Sha256.ofContent(mesh.bytes.get(i)));
            }
            return told;
        }
    }

    @Test
    void whatWasAnnouncedIsServedAgainThoughTheFeedHasLostItAndNoNumberIsUsedTwiceOrEmpty() throws IOException {
        int steps = new Run(fresh("dry"), NEVER).publish(0, false).steps;
        assertThat(steps).isEqualTo(STEPS_OF_A_START + STEPS_OF_AN_OUTBOX + CHUNKS * RENDITIONS * STEPS_OF_A_CHUNK);
        for (int kill = 1; kill <= steps; kill++) {
            Path folder = fresh("lost-" + kill);
            Run killed = new Run(folder, kill).publish(0, false);
            Run next = new Run(folder, NEVER).publish(100, false);

            check("killed at step " + kill, folder, List.of(killed, next));
        }
    }

    @Test
    void soItIsWhereTheNextRunIsKilledTooAtAnyOfItsSteps() throws IOException {
        int steps = new Run(fresh("dry"), NEVER).publish(0, false).steps;
        for (int kill = steps - STEPS_OF_A_CHUNK; kill <= steps; kill++) {
            for (int again = 1; again <= 2 * STEPS_OF_A_CHUNK; again++) {
                Path folder = fresh("twice-" + kill + "-" + again);
                Run killed = new Run(folder, kill).publish(0, false);
                Run killedToo = new Run(folder, again).publish(100, false);
                Run next = new Run(folder, NEVER).publish(200, false);

                check("killed at steps " + kill + " and " + again, folder, List.of(killed, killedToo, next));
            }
        }
    }

    @Test
    void whereTheFeedStillHasItEverySegmentIsPublishedOnceAndInOrder() throws IOException {
        int steps = new Run(fresh("dry"), NEVER).publish(0, false).steps;
        for (int kill = 1; kill <= steps; kill++) {
            Path folder = fresh("kept-" + kill);
            Run killed = new Run(folder, kill).publish(0, false);
            Run next = new Run(folder, NEVER).publish(CHUNKS, true);

            check("killed at step " + kill, folder, List.of(killed, next));
            for (int rendition = 0; rendition < RENDITIONS; rendition++) {
                int its = rendition;
                List<Sha256> expected = Stream.iterate(0, number -> number < 2 * CHUNKS, number -> number + 1)
                        .map(number -> ChunkPublisherTest.chunk(number * 100L + its, LENGTH)
                                .sha256())
                        .toList();
                assertThat(chain(List.of(killed, next), rendition))
                        .as("killed at step %d, rendition %d", kill, rendition)
                        .extracting(record -> record.body().sha256())
                        .containsExactlyElementsOf(expected);
            }
        }
    }

    private static void check(String when, Path folder, List<Run> runs) throws IOException {
        Run last = runs.get(runs.size() - 1);
        Map<ChunkRecord, Sha256> atLast = last.told();
        Set<ChunkRecord> all = new HashSet<>();
        for (Run run : runs) {
            all.addAll(run.mesh.records);
            assertThat(atLast.keySet()).as("%s: offered by the last run", when).containsAll(run.mesh.records);
        }
        atLast.forEach((record, sha256) -> assertThat(sha256)
                .as("%s: bytes of %s", when, record)
                .isEqualTo(record.body().sha256()));
        Map<ChunkId, ChunkRecord> byNumber = new HashMap<>();
        all.forEach(record -> assertThat(Optional.ofNullable(byNumber.put(record.chunk(), record)))
                .as("%s: another record of %s", when, record.chunk())
                .isEmpty());
        for (int rendition = 0; rendition < RENDITIONS; rendition++) {
            List<ChunkRecord> chain = chain(runs, rendition);
            assertThat(chain.get(0).body().previous()).as("%s: the first", when).isEmpty();
            for (int i = 1; i < chain.size(); i++) {
                assertThat(chain.get(i).seq())
                        .as("%s: no hole", when)
                        .isEqualTo(chain.get(i - 1).seq() + 1);
                assertThat(chain.get(i).body().previous())
                        .as("%s: one chain", when)
                        .contains(chain.get(i - 1).hash());
            }
        }
        List<ChunkRecord> byPiece = all.stream()
                .sorted(Comparator.comparingLong(ChunkRecord::firstPiece))
                .toList();
        for (int i = 1; i < byPiece.size(); i++) {
            assertThat(byPiece.get(i).firstPiece())
                    .as("%s: no piece number twice", when)
                    .isGreaterThanOrEqualTo(byPiece.get(i - 1).endPiece());
        }
        try (Stream<Path> files = Files.list(folder.resolve("outbox"))) {
            List<String> names = all.stream()
                    .map(record -> record.hash().hex() + ChunkFile.SUFFIX)
                    .toList();
            assertThat(files.map(file -> file.getFileName().toString()))
                    .as("%s: nothing else in the outbox", when)
                    .isSubsetOf(names);
        }
    }

    private static List<ChunkRecord> chain(List<Run> runs, int rendition) {
        return runs.stream()
                .flatMap(run -> run.mesh.records.stream())
                .filter(record -> record.rendition() == rendition)
                .distinct()
                .sorted(Comparator.comparingLong(ChunkRecord::seq))
                .toList();
    }

    private Path fresh(String name) throws IOException {
        return Files.createDirectory(temporary.resolve(name));
    }
}
