package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import live.tributary.mesh.program.Disk;
import live.tributary.mesh.store.ChunkFile;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.origin.ingest.ResumePoint;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChunkPublisherTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);

    private final FixedClock clock = new FixedClock();
    private final FakeMesh mesh = new FakeMesh(KEY.streamKey());

    @TempDir
    private Path folder;

    @Test
    void chainsTheRecordsOfARenditionAndCountsPiecesForAll() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, chunk(0, 100_000));
        publisher.publish(1, chunk(0, 10));
        publisher.publish(0, chunk(1, 65_536));

        ChunkRecord first = mesh.records.get(0);
        ChunkRecord other = mesh.records.get(1);
        ChunkRecord second = mesh.records.get(2);
        assertThat(first.verifies()).isTrue();
        assertThat(first.seq()).isEqualTo(clock.instant().getEpochSecond());
        assertThat(first.body().previous()).isEmpty();
        assertThat(second.seq()).isEqualTo(first.seq() + 1);
        assertThat(second.body().previous()).contains(first.hash());
        assertThat(other.body().previous()).isEmpty();
        assertThat(List.of(first.firstPiece(), other.firstPiece(), second.firstPiece(), second.endPiece()))
                .containsExactly(0L, 2L, 3L, 4L);
        assertThat(second.term()).isEqualTo(clock.millis());
    }

    @Test
    void hashesEachPieceAndTheLastWithItsPadding() throws IOException {
        publisher().publish(0, chunk(0, 100_000));

        ChunkRecord record = mesh.records.get(0);
        byte[] bytes = mesh.bytes.get(0);
        byte[] padded = java.util.Arrays.copyOfRange(bytes, 65_536, 131_072);
        assertThat(record.pieceCount()).isEqualTo(2);
        assertThat(record.body().pieces().hash(1))
                .isEqualTo(Digests.sha1().digest(java.util.Arrays.copyOfRange(bytes, 65_536, 100_000)));
        assertThat(record.body().paddedLast().bytes()).isEqualTo(Digests.sha1().digest(padded));
        assertThat(record.body().sha256()).isEqualTo(Sha256.ofContent(bytes));
        assertThat(ChunkTorrent.of(record).name()).isEqualTo(record.seq() + ".ts");
    }

    @Test
    void mediaTimeRunsOnByTheDurationsHoweverLateTheChunksCome() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, chunk(0, 10));
        clock.move(Duration.ofSeconds(9));
        publisher.publish(0, chunk(1, 10));

        assertThat(start(0)).isEqualTo(Instant.parse("2026-11-22T05:59:58Z"));
        assertThat(start(1)).isEqualTo(Instant.parse("2026-11-22T06:00:00Z"));
        assertThat(mesh.records.get(1).body().discontinuities()).isZero();
    }

    @Test
    void mediaTimeIsSetByTheClockBehindABreakButNeverBack() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, chunk(0, 10));
        clock.move(Duration.ofSeconds(60));
        publisher.publish(0, broken(chunk(1, 10)));
        clock.move(Duration.ofHours(-5));
        publisher.publish(0, broken(chunk(2, 10)));

        assertThat(start(1)).isEqualTo(Instant.parse("2026-11-22T06:00:58Z"));
        assertThat(start(2)).isEqualTo(Instant.parse("2026-11-22T06:01:00Z"));
        assertThat(mesh.records)
                .extracting(record -> record.body().discontinuities())
                .containsExactly(0L, 1L, 2L);
    }

    @Test
    void aBreakWithoutATimeToSpeakOfIsNoneInMediaTime() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, chunk(0, 10));
        clock.move(Duration.ofSeconds(3));
        publisher.publish(0, broken(chunk(1, 10)));

        assertThat(start(1)).isEqualTo(start(0).plusSeconds(2));
    }

    @Test
    void renditionsOfOnePositionStartTogether() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, chunk(5, 10));
        clock.move(Duration.ofMillis(700));
        publisher.publish(1, chunk(5, 10));

        assertThat(start(1)).isEqualTo(start(0));
    }

    @Test
    void theFeedsOwnClockCountsWhereItIsNearOurs() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, timed(chunk(0, 10), Instant.parse("2026-11-22T05:59:30Z")));
        publisher.publish(1, timed(chunk(1, 10), Instant.parse("2099-01-01T00:00:00Z")));

        assertThat(start(0)).isEqualTo(Instant.parse("2026-11-22T05:59:30Z"));
        assertThat(start(1)).isEqualTo(Instant.parse("2026-11-22T05:59:58Z"));
    }

    @Test
    void aNewRunContinuesTheChainInAHigherTermBehindABreak() throws IOException {
        publisher().publish(0, chunk(0, 100_000));
        clock.move(Duration.ofHours(-1));
        ChunkPublisher again = publisher();
        again.publish(0, chunk(1, 10));

        ChunkRecord before = mesh.records.get(0);
        ChunkRecord after = mesh.records.get(1);
        assertThat(again.remembers()).isTrue();
        assertThat(again.lastSegments())
                .containsEntry(0, new ResumePoint("1.ts", after.body().published()));
        assertThat(after.term()).isEqualTo(before.term() + 1);
        assertThat(after.seq()).isEqualTo(before.seq() + 1);
        assertThat(after.body().previous()).contains(before.hash());
        assertThat(after.firstPiece()).isEqualTo(2);
        assertThat(after.body().discontinuities()).isEqualTo(1);
        assertThat(after.body().start()).isEqualTo(before.body().start().plusSeconds(2));
    }

    @Test
    void theLastChunkOfTheRunBeforeIsOfferedOnceMoreAndWhatFollowsIsNoBreak() throws IOException {
        publisher().publish(0, chunk(0, 100_000));
        ChunkPublisher again = publisher();
        boolean repeated = again.repeats(0, chunk(0, 100_000));
        again.publish(0, chunk(1, 10));

        assertThat(repeated).isTrue();
        assertThat(mesh.again).containsExactly(mesh.records.get(0));
        ChunkRecord after = mesh.records.get(1);
        assertThat(after.body().previous()).contains(mesh.records.get(0).hash());
        assertThat(after.body().discontinuities()).isZero();
        assertThat(again.repeats(0, chunk(1, 10))).as("only a run's first").isFalse();
    }

    @Test
    void anotherFileUnderTheLastNameIsAnotherChunk() throws IOException {
        publisher().publish(0, chunk(0, 100));

        assertThat(publisher().repeats(0, chunk(0, 101))).isFalse();
    }

    @Test
    void aRunThatBeginsMuchLaterBeginsAtTheLiveEdge() throws IOException {
        publisher().publish(0, chunk(0, 10));
        clock.move(Duration.ofMinutes(11));

        assertThat(publisher().lastSegments()).isEmpty();
    }

    @Test
    void whatTheMeshSeesIsOnDiskBefore() throws IOException {
        ChunkPublisher publisher = publisher();
        List<PublishState> onDisk = new ArrayList<>();
        mesh.beforeRecord(() -> onDisk.add(state()));
        publisher.publish(0, chunk(0, 100_000));

        ChunkRecord record = mesh.records.get(0);
        assertThat(onDisk.get(0).term()).isEqualTo(record.term());
        assertThat(onDisk.get(0).nextPiece()).isEqualTo(record.endPiece());
        assertThat(onDisk.get(0).renditions().get(0).hash()).isEqualTo(record.hash());
    }

    @Test
    void aDamagedStateIsSetAsideAndTheStreamGoesOnWithNewNumbers() throws IOException {
        publisher().publish(0, chunk(0, 10));
        byte[] damaged = Files.readAllBytes(stateFile());
        damaged[damaged.length / 2] ^= 1;
        Files.write(stateFile(), damaged);
        clock.move(Duration.ofSeconds(100));
        ChunkPublisher again = publisher();
        again.publish(0, chunk(1, 10));

        assertThat(again.remembers()).isFalse();
        assertThat(mesh.records.get(1).seq()).isEqualTo(mesh.records.get(0).seq() + 100);
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .anyMatch(name -> name.startsWith("publish.state.aside-"));
        }
    }

    @Test
    void anotherStreamsStateIsNotContinued() throws IOException {
        publisher().publish(0, chunk(0, 10));
        SigningKey other = SigningKey.fromSeed(new byte[] {
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        });

        assertThat(new ChunkPublisher(other, new StateFile(stateFile()), outbox(), mesh, clock, (record, bytes) -> {})
                        .remembers())
                .isFalse();
    }

    @Test
    void goesOnBehindWhatTheMeshRemembersWhereTheDiskIsOlder() throws IOException {
        ChunkPublisher first = publisher();
        first.publish(0, chunk(0, 10));
        byte[] backup = Files.readAllBytes(stateFile());
        first.publish(0, chunk(1, 10));
        Files.write(stateFile(), backup);
        clock.move(Duration.ofHours(-1));
        ChunkPublisher again = publisher();
        again.adopt(mesh.newest(0, 1), Optional.empty());
        again.publish(0, chunk(2, 10));

        assertThat(mesh.records.get(2).seq()).isEqualTo(mesh.records.get(1).seq() + 1);
        assertThat(mesh.records.get(2).body().previous())
                .contains(mesh.records.get(1).hash());
        assertThat(mesh.records.get(2).firstPiece()).isEqualTo(2);
        assertThat(mesh.records.get(2).term()).isGreaterThan(mesh.records.get(1).term());
    }

    @Test
    void goesOnBehindAnotherOriginsHigherTermThoughItsNumbersAreLower() throws IOException {
        ChunkPublisher ours = publisher();
        ours.publish(0, chunk(0, 10));
        byte[] shared = Files.readAllBytes(stateFile());
        ours.publish(0, chunk(1, 10));
        ours.publish(0, chunk(2, 10));
        Path elsewhere = Files.write(folder.resolve("elsewhere.state"), shared);
        clock.move(Duration.ofMinutes(1));
        ChunkPublisher other =
                new ChunkPublisher(KEY, new StateFile(elsewhere), outbox(), mesh, clock, (record, bytes) -> {});
        ChunkRecord theirs = other.publish(0, chunk(3, 10));

        ChunkPublisher again = publisher();
        again.adopt(List.of(theirs), Optional.empty());
        ChunkRecord next = again.publish(0, chunk(4, 10));
        assertThat(next.seq()).isEqualTo(theirs.seq() + 1);
        assertThat(next.body().previous()).contains(theirs.hash());
        assertThat(next.term()).isGreaterThan(theirs.term());
        assertThat(next.firstPiece())
                .as("no piece number of either is used again")
                .isEqualTo(3);
    }

    @Test
    void aHeadThatIsRememberedElsewhereGivesTermAndHeadNumberToo() throws IOException {
        ChunkPublisher first = publisher();
        long headSeq = first.nextHeadSeq();
        long term = first.term();
        Files.delete(stateFile());
        clock.move(Duration.ofDays(-1));
        ChunkPublisher again = publisher();
        again.adopt(
                List.of(),
                Optional.of(new Head(
                        headSeq,
                        clock.instant(),
                        Head.Status.LIVE,
                        term,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Sha256.ofContent(new byte[0]))));

        assertThat(again.term()).isGreaterThan(term);
        assertThat(again.nextHeadSeq()).isGreaterThan(headSeq);
    }

    @Test
    void headNumbersGrowAcrossRunsAndWhateverTheClockDoes() throws IOException {
        long one = publisher().nextHeadSeq();
        clock.move(Duration.ofDays(-1));
        ChunkPublisher again = publisher();

        assertThat(again.nextHeadSeq()).isEqualTo(one + 1);
        assertThat(again.nextHeadSeq()).isEqualTo(one + 2);
    }

    @Test
    void aChunkWhoseStateCannotBeWrittenIsNotPublished() throws IOException {
        ChunkPublisher publisher = publisher();
        publisher.publish(0, chunk(0, 10));
        Path blocker = Files.createDirectory(folder.resolve("publish.state.new"));
        assertThatThrownBy(() -> publisher.publish(0, chunk(1, 10))).isInstanceOf(IOException.class);
        Files.delete(blocker);
        publisher.publish(0, chunk(2, 10));

        assertThat(mesh.records).hasSize(2);
        assertThat(mesh.records.get(1).seq()).isEqualTo(mesh.records.get(0).seq() + 1);
        assertThat(mesh.records.get(1).body().discontinuities()).isEqualTo(1);
    }

    private ChunkPublisher publisher() throws IOException {
        return publisher(outbox());
    }

    private ChunkPublisher publisher(Outbox outbox) throws IOException {
        return new ChunkPublisher(KEY, new StateFile(stateFile()), outbox, mesh, clock, (record, bytes) -> {});
    }

    private Outbox outbox() {
        return outbox(Disk.REAL);
    }

    private Outbox outbox(Disk disk) {
        return new Outbox(folder.resolve("outbox"), disk, record -> false);
    }

    private Path stateFile() {
        return folder.resolve("publish.state");
    }

    private PublishState state() {
        try {
            return new StateFile(stateFile()).read(KEY.streamKey()).orElseThrow();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Instant start(int index) {
        return Instant.ofEpochMilli(mesh.records.get(index).body().start().toMillis());
    }

    @Test
    void theMeshWaitsForTheDiskToHaveItsNumberAndNotItsBytes() throws IOException {
        Files.createDirectory(folder.resolve("outbox"));
        List<Integer> told = new ArrayList<>();
        Disk ofBytes = channel -> told.add(mesh.records.size());
        ChunkPublisher publisher = publisher(outbox(ofBytes));
        List<Path> files = new ArrayList<>();
        mesh.beforeRecord(() -> files.addAll(outboxFiles()));

        ChunkRecord record = publisher.publish(0, chunk(0, 70_000));

        assertThat(told).as("forced behind the announcement: bytes and name").containsExactly(1, 1);
        assertThat(files)
                .as("in the file before it: a kill takes nothing")
                .containsExactly(ChunkFile.path(folder.resolve("outbox"), record.hash()));
    }

    @Test
    void bytesThatCannotBeForcedAreATroubleUntilOthersCan() throws IOException {
        AtomicBoolean full = new AtomicBoolean(true);
        Disk disk = channel -> {
            if (full.get()) {
                throw new IOException("No space left on device");
            }
        };
        ChunkPublisher publisher = publisher(outbox(disk));

        publisher.publish(0, chunk(0, 10));
        assertThat(mesh.records).hasSize(1);
        assertThat(publisher.outboxTrouble()).contains("No space left on device");

        full.set(false);
        publisher.publish(0, chunk(1, 10));
        assertThat(publisher.outboxTrouble()).isEmpty();
    }

    private List<Path> outboxFiles() {
        try (Stream<Path> files = Files.list(folder.resolve("outbox"))) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void onASlowDiskRenditionsAreToldInTheOrderOfTheirPieces() throws Exception {
        Semaphore allowed = new Semaphore(1);
        Semaphore begun = new Semaphore(0);
        Disk slow = new Disk() {
            @Override
            public void force(FileChannel channel) throws IOException {
                begun.release();
                allowed.acquireUninterruptibly();
                channel.force(true);
            }

            @Override
            public void forceNames(Path directory) {}
        };
        ChunkPublisher publisher =
                new ChunkPublisher(KEY, new StateFile(stateFile(), slow), outbox(), mesh, clock, (record, bytes) -> {});
        List<CompletableFuture<ChunkRecord>> published = new ArrayList<>();
        begun.acquire();
        for (int rendition = 0; rendition < 3; rendition++) {
            int its = rendition;
            published.add(CompletableFuture.supplyAsync(
                    () -> {
                        try {
                            return publisher.publish(its, chunk(0, 70_000));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    },
                    work -> new Thread(work).start()));
        }
        assertThat(begun.tryAcquire(20, TimeUnit.SECONDS))
                .as("one is on its way to the disk")
                .isTrue();
        assertThat(mesh.records).isEmpty();

        allowed.release(3); // A write for each at most, since bytes wait for nobody.
        for (CompletableFuture<ChunkRecord> chunk : published) {
            chunk.get(20, TimeUnit.SECONDS);
        }
        assertThat(mesh.records).extracting(ChunkRecord::firstPiece).containsExactly(0L, 2L, 4L);
        assertThat(mesh.records)
                .extracting(record -> record.body().start())
                .containsOnly(mesh.records.get(0).body().start());
    }

    static IngestedChunk chunk(long sequence, int length) {
        byte[] bytes = new byte[length];
        new Random(sequence).nextBytes(bytes);
        return new IngestedChunk(
                bytes,
                Sha256.ofContent(bytes),
                Container.TS,
                0,
                Duration.ofSeconds(2),
                false,
                new IngestedChunk.Position(0, sequence),
                Optional.empty(),
                sequence + ".ts");
    }

    private static IngestedChunk broken(IngestedChunk chunk) {
        return new IngestedChunk(
                chunk.bytes(),
                chunk.sha256(),
                chunk.container(),
                chunk.initLength(),
                chunk.duration(),
                true,
                chunk.position(),
                chunk.time(),
                chunk.name());
    }

    private static IngestedChunk timed(IngestedChunk chunk, Instant time) {
        return new IngestedChunk(
                chunk.bytes(),
                chunk.sha256(),
                chunk.container(),
                chunk.initLength(),
                chunk.duration(),
                chunk.afterBreak(),
                chunk.position(),
                Optional.of(time),
                chunk.name());
    }
}
