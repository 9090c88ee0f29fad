package live.tributary.relay.edge;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.FutureTask;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.SampleStream.Chunk;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class EdgeServiceTest {
    private static final Instant BEGAN = Instant.ofEpochSecond(1_800_000_000);

    private final SampleStream sample = new SampleStream(3, BEGAN);
    private final ChunkStore store = ChunkStore.inMemory(10_000_000);
    private final StoredStream stream = new StoredStream(sample.streamKey(), store);
    private final Arrivals arrivals = new Arrivals();
    private final ManualTimer timer = new ManualTimer();
    private Instant now = BEGAN;
    private long sent;
    private long nanos;
    private final Admission admission = new Admission(8_000_000, () -> sent, () -> nanos);
    private final EdgeService edge = new EdgeService(
            key -> key.equals(sample.streamKey()) ? Optional.of(stream) : Optional.empty(),
            new ChunkAnswers(store, arrivals, timer, (from, record) -> from.holders(record), () -> now),
            admission,
            () -> now);

    @AfterEach
    void close() {
        store.close();
        timer.shutdownNow();
    }

    @Test
    void theLivePlaylistListsTheNewestChunksByRelativeNames() {
        for (int i = 0; i < EdgeService.LIVE_CHUNKS + 3; i++) {
            hold(sample.next(1000));
        }
        HttpAnswer answer = get("/0/live.m3u8");
        assertThat(answer.headers())
                .containsEntry("content-type", "application/vnd.apple.mpegurl")
                .containsEntry("cache-control", "no-cache");
        assertThat(text(answer))
                .contains("#EXT-X-MEDIA-SEQUENCE:3\n", "\n3.ts\n", "\n12.ts\n")
                .doesNotContain("\n2.ts\n", "ENDLIST");
        assertThat(text(get("/0/replay.m3u8"))).contains("#EXT-X-MEDIA-SEQUENCE:0\n", "\n0.ts\n", "\n12.ts\n");
    }

    @Test
    void aPlaylistNeverSpansAJump() {
        hold(sample.next(1000));
        sample.jump(5);
        hold(sample.next(1000));
        assertThat(text(get("/0/replay.m3u8"))).contains("MEDIA-SEQUENCE:6\n").doesNotContain("\n0.ts");
    }

    @Test
    void theReplayHasAGapWhereAChunkIsMissingAndBeginsAndEndsWithWhatIsHere() {
        stream.accept(sample.next(1000));
        hold(sample.next(1000));
        stream.accept(sample.next(1000));
        hold(sample.next(1000));
        stream.accept(sample.next(1000));
        assertThat(text(get("/0/replay.m3u8")))
                .contains("#EXT-X-VERSION:8\n", "MEDIA-SEQUENCE:1\n", ",\n1.ts\n", "\n#EXT-X-GAP\n2.ts\n", ",\n3.ts\n")
                .doesNotContain("\n0.ts", "\n4.ts");
    }

    @Test
    void theLivePlaylistHasAGapWhereNobodyHasAChunk() {
        hold(sample.next(1000));
        stream.accept(sample.next(1000));
        hold(sample.next(1000));
        assertThat(text(get("/0/live.m3u8"))).doesNotContain("GAP"); // It may come yet.
        now = BEGAN.plusSeconds(60);
        assertThat(text(get("/0/live.m3u8"))).contains("\n#EXT-X-GAP\n1.ts\n", ",\n2.ts\n");
    }

    @Test
    void aChunkIsLessUrgentOnceItIsOld() {
        hold(sample.next(1000));
        for (int age : new int[] {59, 60}) {
            now = BEGAN.plusSeconds(age);
            HttpAnswer answer = get("/0/0.ts");
            assertThat(answer.older()).isEqualTo(age == 60);
            answer.release();
        }
    }

    @Test
    void anOldChunkThatNobodyHoldsIsNotListedAtTheEnd() {
        hold(sample.next(1000));
        stream.accept(sample.next(1000));
        now = BEGAN.plusSeconds(10);
        assertThat(text(get("/0/live.m3u8"))).contains("\n1.ts");
        now = BEGAN.plusSeconds(60);
        assertThat(text(get("/0/live.m3u8"))).contains("\n0.ts").doesNotContain("\n1.ts");
        stream.holders.add(holder("192.0.2.1"));
        assertThat(text(get("/0/live.m3u8"))).contains("\n1.ts");
    }

    @Test
    void theReplayOfAnEndedStreamEnds() {
        hold(sample.next(1000));
        stream.say(head(Head.Status.ENDED, Optional.empty()));
        assertThat(text(get("/0/replay.m3u8"))).endsWith("#EXT-X-ENDLIST\n");
    }

    @Test
    void theMasterPlaylistHasTheStreamsOwnAttributes() {
        hold(sample.next(1000));
        assertThat(text(get("/master.m3u8"))).contains("0/live.m3u8");
        stream.say(about());
        assertThat(text(get("/master.m3u8")))
                .contains("#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS=\"avc1\"\n0/live.m3u8\n", "\n1/live.m3u8\n");
    }

    @Test
    void aChunkIsImmutableAndOfItsExactType() {
        Chunk ts = sample.next(100_000);
        hold(ts);
        HttpAnswer answer = get("/0/0.ts");
        assertThat(answer.headers())
                .containsEntry("content-type", "video/mp2t")
                .containsEntry("accept-ranges", "bytes")
                .containsKey("etag");
        assertThat(answer.headers().get("cache-control")).contains("immutable");
        assertThat(ByteBufUtil.getBytes(answer.body())).isEqualTo(ts.bytes());
        answer.body().release();

        sample.discontinuity();
        hold(sample.next(1000, Container.MP4, new byte[100]));
        answer = get("/0/1.mp4");
        assertThat(answer.headers()).containsEntry("content-type", "video/mp4");
        answer.body().release();
        assertThat(text(get("/0/live.m3u8")))
                .contains(
                        "#EXT-X-DISCONTINUITY-SEQUENCE:1\n",
                        "#EXT-X-MAP:URI=\"1.mp4\",BYTERANGE=\"100@0\"\n",
                        "#EXT-X-BYTERANGE:900@100\n1.mp4\n");
    }

    @Test
    void aChunkThatIsOnItsWayIsWaitedFor() {
        Chunk chunk = sample.next(1000);
        stream.accept(chunk);
        CompletableFuture<HttpAnswer> first = ask("/0/0.ts").orElseThrow().toCompletableFuture();
        CompletableFuture<HttpAnswer> second = ask("/0/0.ts").orElseThrow().toCompletableFuture();
        assertThat(first).isNotDone();
        hold(chunk);
        arrivals.chunkCompleted(chunk.record());
        for (CompletableFuture<HttpAnswer> answer : List.of(first, second)) {
            assertThat(answer.join().status()).isEqualTo(200);
            assertThat(answer.join().body().release()).isFalse();
        }
        assertThat(arrivals.awaited()).isZero();
    }

    @Test
    void whoWaitedLongEnoughIsSentToAHolder() {
        stream.accept(sample.next(1000));
        stream.holders.add(holder("2001:db8::1"));
        stream.holders.add(holder("192.0.2.1"));
        CompletableFuture<HttpAnswer> answer = ask("/0/0.ts").orElseThrow().toCompletableFuture();
        timer.advance(ChunkAnswers.PATIENCE);
        assertThat(answer.join().status()).isEqualTo(302);
        assertThat(answer.join().headers())
                .containsEntry(
                        "location",
                        "http://192.0.2.1:7001/live/" + sample.streamKey().text() + "/0/0.ts?sent-on");
        assertThat(arrivals.awaited()).isZero();
        now = BEGAN.plusSeconds(60);
        assertThat(ask("/0/0.ts", "sent-on")
                        .orElseThrow()
                        .toCompletableFuture()
                        .join()
                        .status())
                .isEqualTo(404);
    }

    @Test
    void withoutAHolderTheBucketHasIt() {
        Chunk chunk = sample.next(1000);
        ChunkRecord record = chunk.record();
        stream.accept(chunk);
        stream.say(head(Head.Status.LIVE, Optional.of(URI.create("https://bucket.example/s/1"))));
        now = BEGAN.plusSeconds(60);
        assertThat(get("/0/0.ts").status()).isEqualTo(404);
        stream.inBucket.add(record.chunk());
        String hash = record.body().sha256().hex().substring(0, 8);
        assertThat(get("/0/0.ts").headers())
                .containsEntry("location", "https://bucket.example/s/1/0/0-" + hash + ".ts");
    }

    @Test
    void aFullRelayKeepsItsViewersAndSendsNewOnesOn() {
        hold(sample.next(1000));
        stream.holders.add(withLoad(holder("192.0.2.1"), 900));
        stream.holders.add(withLoad(holder("192.0.2.2"), 100));
        String path = "/live/" + sample.streamKey().text() + "/0/live.m3u8";
        for (int i = 0; i <= 8; i++) {
            assertThat(get("/0/live.m3u8").status()).isEqualTo(200);
            nanos += 250_000_000;
            sent += 250_000; // 1 MB/s, all that is allowed.
        }
        assertThat(get("/0/live.m3u8").status()).isEqualTo(200);
        HttpAnswer answer = from("198.51.100.1", path, "");
        assertThat(answer.status()).isEqualTo(302);
        assertThat(answer.headers()).containsEntry("location", "http://192.0.2.2:7001" + path + "?sent-on");
        assertThat(from("198.51.100.1", path, "sent-on").status()).isEqualTo(503);
        nanos += 3_000_000_000L;
        assertThat(from("198.51.100.1", path, "").status()).isEqualTo(200);
    }

    @Test
    @Timeout(30)
    void aRelayThatStopsSendsItsViewersToAnotherAndWaitsForNobodyElse() throws Exception {
        hold(sample.next(1000));
        String path = "/live/" + sample.streamKey().text() + "/0/live.m3u8";
        assertThat(from("198.51.100.9", path, "").status()).isEqualTo(200);
        nanos += Duration.ofMinutes(1).toNanos(); // Gone since.
        assertThat(from("198.51.100.1", path, "").status()).isEqualTo(200);
        FutureTask<Boolean> leaving = new FutureTask<>(() -> {
            admission.leave(Duration.ofHours(1));
            return true;
        });
        new Thread(leaving, "leaving").start();
        while (!admission.isLeaving()) {
            Thread.onSpinWait();
        }

        assertThat(leaving.isDone()).isFalse();
        assertThat(from("198.51.100.2", path, "").status()).isEqualTo(503); // Nobody else is known.
        stream.holders.add(withLoad(holder("192.0.2.1"), 900));
        HttpAnswer answer = from("198.51.100.1", path, "");

        assertThat(answer.status()).isEqualTo(302);
        assertThat(answer.headers()).containsEntry("location", "http://192.0.2.1:7001" + path + "?sent-on");
        assertThat(leaving.get()).isTrue();
    }

    @Test
    void aRelayThatStopsWithoutViewersDoesNotWait() throws Exception {
        admission.leave(Duration.ofHours(1));
        assertThat(admission.isLeaving()).isTrue();
    }

    private HttpAnswer from(String address, String path, String query) {
        HttpQuery asked = new HttpQuery(
                "GET",
                path,
                query,
                new DefaultHttpHeaders(),
                new InetSocketAddress(address, 1),
                false,
                Unpooled.EMPTY_BUFFER);
        return edge.answer(asked).orElseThrow().toCompletableFuture().join();
    }

    private RelayView withLoad(RelayView relay, int perMille) {
        RelayDescriptor descriptor = RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        sample.signingKey().relayKey(),
                        NodeRole.RELAY,
                        relay.endpoints(),
                        Optional.empty(),
                        List.of(),
                        Optional.empty(),
                        1_000_000,
                        perMille,
                        "test",
                        Optional.empty(),
                        BEGAN.plusSeconds(300)),
                sample.signingKey());
        return new RelayView(relay.key(), relay.role(), relay.endpoints(), Optional.of(descriptor), true);
    }

    @Test
    void whatIsNotCarriedIsNotFound() {
        hold(sample.next(1000));
        String other = new SampleStream(4, BEGAN).streamKey().text();
        assertThat(edge.answer(query("/live/" + other + "/0/live.m3u8", ""))).isEmpty();
        for (String path : List.of(
                "/0/0.mp4",
                "/0/00.ts",
                "/0/1.ts",
                "/64/live.m3u8",
                "/1/live.m3u8",
                "/0/",
                "/0",
                "",
                "/0/-1.ts",
                "/0/" + "9".repeat(30) + ".ts",
                "/0/live.m3u8/x")) {
            assertThat(ask(path)).as(path).isEmpty();
        }
    }

    @Test
    void aTorrentNamesThisRelayAsItsTracker() throws Exception {
        Chunk chunk = sample.next(100_000);
        stream.accept(chunk);
        Endpoint self = new Endpoint(InetAddress.getByName("192.0.2.9"), 7001);
        TorrentService torrents = new TorrentService(() -> List.of(stream), () -> List.of(self));
        String infoHash = ChunkTorrent.of(chunk.record()).infoHash().hex();
        HttpAnswer answer = torrents.answer(query("/torrent/" + infoHash + ".torrent", ""))
                .orElseThrow()
                .toCompletableFuture()
                .join();
        assertThat(text(answer)).contains("http://192.0.2.9:7001/announce", "udp://192.0.2.9:7001/announce");
        assertThat(torrents.answer(query("/torrent/" + "0".repeat(40) + ".torrent", "")))
                .isEmpty();
        assertThat(torrents.answer(query("/torrent/x.torrent", ""))).isEmpty();
    }

    @Test
    void theHealthCountsRelaysAndNoOtherNodes() {
        RelayView relay = holder("192.0.2.1");
        stream.holders.add(relay);
        stream.holders.add(
                new RelayView(relay.key(), NodeRole.ORIGIN, relay.endpoints(), relay.descriptor(), relay.linked()));
        CardService cards = new CardService(
                () -> {
                    throw new IllegalStateException("nobody asked for the card");
                },
                () -> List.of(stream));
        HttpAnswer answer = cards.answer(query("/health", ""))
                .orElseThrow()
                .toCompletableFuture()
                .join();
        assertThat(text(answer)).contains("\"live\":true,\"relays\":1}");
    }

    private void hold(Chunk chunk) {
        stream.accept(chunk);
        store.put(chunk.record(), chunk.buffer());
    }

    private HttpAnswer get(String path) {
        return ask(path).orElseThrow().toCompletableFuture().join();
    }

    private Optional<CompletionStage<HttpAnswer>> ask(String path) {
        return ask(path, "");
    }

    private Optional<CompletionStage<HttpAnswer>> ask(String path, String query) {
        return edge.answer(query("/live/" + sample.streamKey().text() + path, query));
    }

    private static HttpQuery query(String path, String query) {
        return new HttpQuery(
                "GET",
                path,
                query,
                new DefaultHttpHeaders(),
                new InetSocketAddress("127.0.0.1", 1),
                false,
                Unpooled.EMPTY_BUFFER);
    }

    private static String text(HttpAnswer answer) {
        return answer.body().toString(StandardCharsets.ISO_8859_1);
    }

    private static RelayView holder(String address) {
        try {
            return new RelayView(
                    new SampleStream(9, BEGAN).signingKey().relayKey(),
                    NodeRole.RELAY,
                    List.of(new Endpoint(InetAddress.getByName(address), 7001)),
                    Optional.empty(),
                    true);
        } catch (java.net.UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private SignedHead head(Head.Status status, Optional<URI> fallback) {
        return SignedHead.sign(
                new Head(
                        1,
                        BEGAN.plusSeconds(300),
                        status,
                        1,
                        Optional.empty(),
                        fallback,
                        List.of(),
                        Sha256.ofContent(new byte[0])),
                sample.signingKey());
    }

    private About about() {
        return About.sign(
                new About.Body(
                        sample.streamKey(),
                        "name",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(
                                new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000,CODECS=\"avc1\""),
                                new Rendition(1, Rendition.Kind.VARIANT, "BANDWIDTH=100000")),
                        Duration.ofSeconds(4),
                        Optional.empty()),
                sample.signingKey());
    }
}
