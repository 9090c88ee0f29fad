package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.program.Disk;
import live.tributary.origin.ingest.FeedState;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StreamOriginTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);
    private static final Rendition BARE = new Rendition(0, Rendition.Kind.VARIANT, "");

    private final FixedClock clock = new FixedClock();
    private final FakeMesh mesh = new FakeMesh(KEY.streamKey());
    private final List<Endpoint> endpoints = new ArrayList<>();
    private long missed;
    private StreamOrigin origin;
    private volatile Disk disk = channel -> channel.force(true);

    @TempDir
    private Path folder;

    @BeforeEach
    void makeOrigin() throws IOException {
        Path state = folder.resolve("publish.state");
        origin = new StreamOrigin(
                new StreamOrigin.Config(KEY, state, AboutText.named("Test"), term -> Optional.empty()),
                mesh,
                new StreamOrigin.Surroundings(
                        clock,
                        clock::nanoTime,
                        () -> endpoints,
                        lost -> missed += lost,
                        record -> false,
                        (record, bytes) -> {}),
                channel -> disk.force(channel));
    }

    @Test
    void tellsAboutAndHeadBeforeTheFirstRecord() {
        begin();

        assertThat(mesh.all).hasExactlyElementsOfTypes(About.class, SignedHead.class, ChunkRecord.class);
        Head head = mesh.heads.get(0).head();
        assertThat(mesh.heads.get(0).verifies()).isTrue();
        assertThat(head.status()).isEqualTo(Head.Status.LIVE);
        assertThat(head.about()).isEqualTo(mesh.abouts.get(0).hash());
        assertThat(head.term()).isEqualTo(mesh.records.get(0).term());
        assertThat(head.expires()).isEqualTo(clock.instant().plus(Duration.ofMinutes(10)));
    }

    @Test
    void itsOwnOutputIsNeverPublishedAgainByWhateverWayItComesBack() {
        begin();
        ChunkRecord own = mesh.records.get(0);
        IngestedChunk before = ChunkPublisherTest.chunk(0, 10);

        origin.chunk(0, named(before, own.seq() + ".ts"));
        assertThat(mesh.records).containsExactly(own);
        assertThat(origin.alarm()).asString().contains(own.seq() + ".ts is a chunk that was published already");

        origin.chunk(0, named(before, own.seq() + 1 + ".ts")); // An encoder may write the same bytes again.
        origin.chunk(0, named(ChunkPublisherTest.chunk(2, 10), own.seq() + ".ts")); // Or number its files as we do.
        assertThat(mesh.records).hasSize(3);
        assertThat(origin.alarm()).isEmpty();
    }

    private static IngestedChunk named(IngestedChunk chunk, String name) {
        return new IngestedChunk(
                chunk.bytes(),
                chunk.sha256(),
                chunk.container(),
                chunk.initLength(),
                chunk.duration(),
                chunk.afterBreak(),
                chunk.position(),
                chunk.time(),
                name);
    }

    @Test
    void saysNothingOfAFeedThatWasNeverLive() {
        origin.described(List.of(BARE), Duration.ofSeconds(4));
        origin.tick();
        origin.close();

        assertThat(mesh.heads).isEmpty();
    }

    @Test
    void renewsTheHeadBeforeItExpires() {
        begin();
        for (int second = 0; second < 3600; second++) {
            clock.move(Duration.ofSeconds(1));
            origin.tick();
            assertThat(mesh.head().orElseThrow().head().expired(clock.instant().plusSeconds(300)))
                    .isFalse();
        }
        assertThat(mesh.heads).hasSize(16);
        assertThat(mesh.heads)
                .isSortedAccordingTo(
                        (a, b) -> Long.compare(a.head().seq(), b.head().seq()));
    }

    @Test
    void newEntryPointsWaitForTheMinute() throws IOException {
        begin();
        endpoints.add(new Endpoint(InetAddress.getByAddress(new byte[] {10, 0, 0, 1}), 7003));
        clock.move(Duration.ofSeconds(59));
        origin.tick();
        assertThat(mesh.heads).hasSize(1);

        clock.move(Duration.ofSeconds(1));
        origin.tick();
        assertThat(mesh.head().orElseThrow().head().entryPoints()).isEqualTo(endpoints);
    }

    @Test
    void namesAtMostFourEntryPointsOfAFamily() throws IOException {
        for (byte i = 0; i < 6; i++) {
            endpoints.add(new Endpoint(InetAddress.getByAddress(new byte[] {10, 0, 0, i}), 7003));
        }
        begin();

        assertThat(mesh.heads.get(0).head().entryPoints()).hasSize(4);
    }

    @Test
    void theEndIsToldAtOnceAndANewBeginningToo() {
        begin();
        origin.state(0, FeedState.ENDING);
        origin.tick();
        assertThat(mesh.heads).hasSize(1);
        origin.state(0, FeedState.OFFLINE);
        origin.tick();
        assertThat(mesh.head().orElseThrow().head().status()).isEqualTo(Head.Status.ENDED);
        clock.move(Duration.ofHours(1));
        origin.tick();
        assertThat(mesh.heads).hasSize(2);

        origin.chunk(0, ChunkPublisherTest.chunk(1, 10));
        assertThat(mesh.head().orElseThrow().head().status()).isEqualTo(Head.Status.LIVE);
        assertThat(mesh.all.get(mesh.all.size() - 1)).isInstanceOf(ChunkRecord.class);
    }

    @Test
    void silenceAndWhatCannotBeReadAreAlarms() {
        begin();
        origin.state(0, FeedState.LIVE);
        clock.move(Duration.ofSeconds(14));
        assertThat(origin.alarm()).isEmpty();
        assertThat(origin.silenceSeconds()).isEqualTo(14);

        origin.state(0, FeedState.STALLED);
        origin.trouble("feed", "cannot be read: permission denied");
        assertThat(origin.alarm().orElseThrow())
                .isEqualTo("feed: cannot be read: permission denied; rendition 0: no new segment for 14 s; "
                        + "is the encoder running?");

        origin.trouble("feed", "");
        origin.state(0, FeedState.OFFLINE);
        assertThat(origin.alarm()).isEmpty();
        assertThat(origin.silenceSeconds()).as("off air").isZero();
    }

    @Test
    void anOrderlyStopWhileTheFeedGoesOnEndsNothingForPlayersIfAnotherRunFollowsSoon() {
        begin();
        origin.close();
        origin.chunk(0, ChunkPublisherTest.chunk(1, 10));
        origin.tick();

        Head last = mesh.head().orElseThrow().head();
        assertThat(last.status()).isEqualTo(Head.Status.LIVE);
        assertThat(last.expires()).isEqualTo(clock.instant().plusSeconds(90));
        assertThat(last.seq()).isGreaterThan(mesh.heads.get(0).head().seq());
        assertThat(mesh.records).hasSize(1);
    }

    @Test
    void anOrderlyStopBehindTheFeedsEndLeavesTheStreamEnded() {
        begin();
        origin.state(0, FeedState.OFFLINE);
        origin.close();

        assertThat(mesh.head().orElseThrow().head().status()).isEqualTo(Head.Status.ENDED);
    }

    @Test
    void aNewTitleIsANewAboutAndAHeadThatNamesIt() {
        begin();
        origin.describe(new AboutText("Test", "A title", "", List.of("tag"), Optional.empty(), Optional.empty()));
        origin.tick();

        assertThat(mesh.abouts).hasSize(2);
        assertThat(mesh.abouts.get(1).verifies()).isTrue();
        assertThat(mesh.abouts.get(1).body().title()).isEqualTo("A title");
        assertThat(mesh.head().orElseThrow().head().about())
                .isEqualTo(mesh.abouts.get(1).hash());
    }

    @Test
    void carriesAsManyRenditionsAsAnAboutHolds() {
        List<Rendition> many = new ArrayList<>();
        for (int number = 0; number < 20; number++) {
            many.add(new Rendition(number, Rendition.Kind.VARIANT, "BANDWIDTH=1,X=\"" + "x".repeat(900) + "\""));
        }
        origin.described(many, Duration.ofSeconds(4));
        int carried = mesh.abouts.get(0).body().renditions().size();
        origin.chunk(carried - 1, ChunkPublisherTest.chunk(0, 10));
        origin.chunk(carried, ChunkPublisherTest.chunk(0, 10));

        assertThat(carried).isBetween(7, 9);
        assertThat(mesh.records).hasSize(1);
    }

    @Test
    void lostSegmentsAreCounted() {
        origin.missed(0, 3);

        assertThat(missed).isEqualTo(3);
    }

    @Test
    void aFullDiskIsAnAlarmAndPublishesNothing() throws IOException {
        begin();
        disk = channel -> {
            throw new IOException("No space left on device");
        };
        origin.chunk(0, ChunkPublisherTest.chunk(1, 10));
        origin.chunk(0, ChunkPublisherTest.chunk(2, 10));
        clock.move(HeadKeeper.RENEWAL);
        origin.tick();

        assertThat(mesh.records).hasSize(1);
        assertThat(mesh.heads).hasSize(1);
        assertThat(missed).isEqualTo(2);
        assertThat(origin.alarm().orElseThrow()).contains("state on disk", "No space left on device");

        disk = channel -> channel.force(true);
        origin.chunk(0, ChunkPublisherTest.chunk(3, 10));
        origin.tick();
        assertThat(origin.alarm()).isEmpty();
        assertThat(mesh.records).hasSize(2);
        ChunkRecord after = mesh.records.get(1);
        assertThat(after.seq()).isEqualTo(mesh.records.get(0).seq() + 1);
        assertThat(after.firstPiece()).isEqualTo(mesh.records.get(0).endPiece());
        assertThat(after.body().discontinuities())
                .as("what was lost is a break")
                .isEqualTo(1);
        assertThat(new StateFile(folder.resolve("publish.state"))
                        .read(KEY.streamKey())
                        .orElseThrow()
                        .renditions()
                        .get(0)
                        .hash())
                .isEqualTo(after.hash());
        assertThat(mesh.heads).hasSize(2);
    }

    @Test
    void aDiskThatTakesNoChunksIsToldAndTheStreamGoesOn() {
        begin();
        disk = channel -> {
            if (channel.size() > 20_000) {
                throw new IOException("No space left on device");
            }
        };
        origin.chunk(0, ChunkPublisherTest.chunk(1, 30_000));
        assertThat(mesh.records).hasSize(2);
        assertThat(origin.alarm().orElseThrow()).contains("outbox on disk", "No space left on device");

        disk = channel -> channel.force(true);
        origin.chunk(0, ChunkPublisherTest.chunk(2, 30_000));
        assertThat(origin.alarm()).isEmpty();
        assertThat(missed).isZero();
    }

    @Test
    void nobodyWhoAsksWaitsForASlowDisk() throws Exception {
        begin();
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch works = new CountDownLatch(1);
        disk = channel -> {
            stuck.countDown();
            awaitUninterruptibly(works);
        };
        clock.move(HeadKeeper.RENEWAL);
        CompletableFuture<Void> chunk =
                CompletableFuture.runAsync(() -> origin.chunk(0, ChunkPublisherTest.chunk(1, 10)));
        assertThat(stuck.await(20, TimeUnit.SECONDS)).isTrue();
        CompletableFuture<Void> head = CompletableFuture.runAsync(origin::tick);
        try {
            String said = CompletableFuture.supplyAsync(() -> {
                        origin.state(0, FeedState.STALLED);
                        origin.trouble("feed", "is slow");
                        return origin.feedText() + origin.silenceSeconds() + origin.alarm() + origin.term();
                    })
                    .get(20, TimeUnit.SECONDS);
            assertThat(said).contains("rendition 0 stalled", "is slow");
            assertThat(chunk).isNotDone();
        } finally {
            works.countDown();
        }
        chunk.get(20, TimeUnit.SECONDS);
        head.get(20, TimeUnit.SECONDS);
        assertThat(mesh.records).hasSize(2);
        assertThat(mesh.heads).hasSize(2);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            if (!latch.await(60, TimeUnit.SECONDS)) {
                throw new AssertionError("nobody let the disk go on");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void begin() {
        origin.described(List.of(BARE), Duration.ofSeconds(4));
        origin.chunk(0, ChunkPublisherTest.chunk(0, 10));
    }
}
