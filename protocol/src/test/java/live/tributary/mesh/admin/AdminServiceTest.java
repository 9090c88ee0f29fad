package live.tributary.mesh.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.program.ProgramKind;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class AdminServiceTest {
    private static final Instant BEGAN = Instant.ofEpochSecond(1_700_000_000);

    private final RelayKey self = SigningKey.fromSeed(new byte[32]).relayKey();
    private final Meters meters = new Meters();
    private final KnownStream stream = new KnownStream();
    private final NodeStatus status =
            new NodeStatus(ProgramKind.RELAY, self, meters, () -> List.of(stream), () -> BEGAN.plusSeconds(9));
    private final AdminService service = new AdminService(meters, status);

    @AfterEach
    void close() {
        service.close();
    }

    @Test
    void putsAnswersTogetherOnAThreadOfItsOwnAndLetsOnlySoManyWait() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicReference<String> thread = new AtomicReference<>("");
        status.note("slow", () -> {
            thread.set(Thread.currentThread().getName());
            begun.countDown();
            return awaited(goOn) ? "done" : "interrupted";
        });
        List<CompletionStage<HttpAnswer>> asked = new ArrayList<>();
        asked.add(service.answer(query("/status")).orElseThrow());
        assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
        for (int i = 0; i < AdminService.MAX_WAITING; i++) {
            asked.add(service.answer(query("/metrics")).orElseThrow());
        }
        assertThat(asked).noneMatch(answer -> answer.toCompletableFuture().isDone());
        HttpAnswer oneMore = service.answer(query("/metrics"))
                .orElseThrow()
                .toCompletableFuture()
                .join();
        assertThat(oneMore.status()).isEqualTo(503);
        service.close();
        goOn.countDown();
        assertThat(asked).allMatch(answer -> answer.toCompletableFuture().join().status() == 200);
        assertThat(thread.get()).startsWith("admin");
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Test
    void tellsWhoHoldsWhat() throws Exception {
        meters.tally(Meter.RECEIVED, PeerKind.RELAY, Via.WIRE).add(12);
        JsonNode status = new ObjectMapper().readTree(get("/status"));
        assertThat(status.path("role").asText()).isEqualTo("relay");
        assertThat(status.path("id").asText()).isEqualTo(self.text());
        assertThat(status.path("links").asInt()).isEqualTo(1);
        assertThat(status.path("receivedBytes").path("relay").asInt()).isEqualTo(12);
        JsonNode shown = status.path("streams").path(0);
        assertThat(shown.path("key").asText()).isEqualTo(stream.key().text());
        assertThat(shown.path("relays").path(0).path("endpoints").path(0).asText())
                .isEqualTo("127.0.0.1:7001");
        JsonNode chunks = shown.path("renditions").path(0).path("chunks");
        assertThat(chunks).hasSize(2);
        assertThat(chunks.path(0).path("held").asBoolean()).isTrue();
        assertThat(Instant.ofEpochMilli(chunks.path(0).path("publishedMillis").asLong()))
                .isEqualTo(stream.newest(0, 1).get(0).body().published());
        assertThat(chunks.path(1).path("held").asBoolean()).isFalse();
        assertThat(chunks.path(1).path("holders").path(0).asText())
                .isEqualTo(stream.relays().get(0).key().text());
    }

    /** Of the two chunks the newer one is at a relay alone. */
    @Test
    void gatewayIsAsFarBehindAsItsRelaysAre() {
        Meters others = new Meters();
        new NodeStatus(ProgramKind.GATEWAY, self, others, () -> List.of(stream), () -> BEGAN.plusSeconds(9));
        assertThat(behindLive(meters)).isEqualTo(9);
        assertThat(behindLive(others)).isEqualTo(5);
    }

    private static double behindLive(Meters meters) {
        return meters.scrape()
                .lines()
                .filter(line -> line.startsWith("tributary_behind_live_seconds "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void showsMetricsAndAPage() {
        assertThat(get("/metrics")).contains("tributary_links 1.0", "tributary_build_info{role=\"relay\"");
        assertThat(get("/")).startsWith("<!doctype html>").contains("fetch('status')");
    }

    @Test
    void leavesOtherPathsToOthers() {
        assertThat(service.answer(query("/metrics/x"))).isEmpty();
    }

    @Test
    void tellsNothingToThePagesOfOtherSites() {
        HttpQuery plain = query("/status");
        HttpQuery fromAPage = new HttpQuery(
                "GET",
                "/status",
                "",
                new DefaultHttpHeaders().set("origin", "https://example.org"),
                plain.remote(),
                false,
                Unpooled.EMPTY_BUFFER);
        HttpAnswer answer =
                service.answer(fromAPage).orElseThrow().toCompletableFuture().join();
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.body().toString(StandardCharsets.UTF_8)).doesNotContain(self.text());
    }

    private String get(String path) {
        HttpAnswer answer =
                service.answer(query(path)).orElseThrow().toCompletableFuture().join();
        assertThat(answer.status()).isEqualTo(200);
        return answer.body().toString(StandardCharsets.UTF_8);
    }

    private static HttpQuery query(String path) {
        InetSocketAddress remote = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
        return new HttpQuery("GET", path, "", EmptyHttpHeaders.INSTANCE, remote, false, Unpooled.EMPTY_BUFFER);
    }

    /** A stream of two chunks: both at a relay, the first here. */
    private static final class KnownStream implements StreamView {
        private final SampleStream sample = new SampleStream(1, BEGAN);
        private final List<ChunkRecord> records = new ArrayList<>();
        private final RelayView relay = new RelayView(
                new SampleStream(2, BEGAN).signingKey().relayKey(),
                NodeRole.RELAY,
                List.of(new Endpoint(InetAddress.getLoopbackAddress(), 7001)),
                Optional.empty(),
                true);

        KnownStream() {
            records.add(sample.next(1000).record());
            records.add(sample.next(1000).record());
        }

        @Override
        public StreamKey key() {
            return sample.streamKey();
        }

        @Override
        public Optional<SignedHead> head() {
            return Optional.empty();
        }

        @Override
        public Optional<About> about() {
            return Optional.empty();
        }

        @Override
        public boolean live() {
            return true;
        }

        @Override
        public Set<Integer> renditions() {
            return Set.of(0);
        }

        @Override
        public List<ChunkRecord> newest(int rendition, int max) {
            return records;
        }

        @Override
        public Optional<ChunkRecord> record(ChunkId chunk) {
            return Optional.empty();
        }

        @Override
        public boolean holds(ChunkRecord record) {
            return record.equals(records.get(0));
        }

        @Override
        public List<RelayView> holders(ChunkRecord record) {
            return List.of(relay);
        }

        @Override
        public List<RelayView> relays() {
            return List.of(relay);
        }

        @Override
        public boolean storedInBucket(ChunkId chunk) {
            return false;
        }

        @Override
        public Optional<Torrent> torrent(InfoHash infoHash) {
            return Optional.empty();
        }

        @Override
        public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
            return Optional.empty();
        }

        @Override
        public List<Window> windows(int rendition) {
            return List.of();
        }

        @Override
        public void addListener(StreamListener listener) {}

        @Override
        public void removeListener(StreamListener listener) {}
    }
}
