package live.tributary.origin.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.origin.publish.FakeMesh;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OriginServiceTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);
    private static final String STREAM = KEY.streamKey().text();
    private static final byte[] BYTES = new byte[100];

    private final FakeMesh mesh = new FakeMesh(KEY.streamKey());
    private OriginService service;

    @BeforeEach
    void publish() {
        mesh.publish(About.sign(
                new About.Body(
                        KEY.streamKey(),
                        "Test",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=1")),
                        Duration.ofSeconds(2),
                        Optional.empty()),
                KEY));
        mesh.publish(record(7), Unpooled.wrappedBuffer(BYTES));
        mesh.publish(record(8), Unpooled.wrappedBuffer(BYTES));
        service = new OriginService(mesh, new HeldChunks());
    }

    @Test
    void listsMagnetsBeforeChunksWithAbsoluteUrls() {
        ChunkRecord first = mesh.records.get(0);
        String magnet = "###magnet:?xt=urn:btih:" + ChunkTorrent.of(first).infoHash()
                + "&dn=7.ts&tr=http%3A%2F%2Forigin.example%3A7003%2Fannounce\n";

        assertThat(text("/live/" + STREAM + "/0/magnets.m3u8"))
                .contains(magnet + "#EXTINF:2.000,\nhttp://origin.example:7003/live/" + STREAM + "/0/7.ts\n");
    }

    @Test
    void servesPlaylistsAndChunks() {
        assertThat(text("/live/" + STREAM + "/master.m3u8")).contains("BANDWIDTH=1\n0/live.m3u8\n");
        assertThat(text("/live/" + STREAM + "/0/live.m3u8")).contains("#EXTINF:2.000,\n7.ts\n#EXTINF:2.000,\n8.ts\n");
        HttpAnswer chunk = ask("/live/" + STREAM + "/0/8.ts", "h").orElseThrow();
        assertThat(chunk.headers()).containsEntry("content-type", "video/mp2t").containsEntry("accept-ranges", "bytes");
        assertThat(chunk.body().readableBytes()).isEqualTo(BYTES.length);
    }

    @Test
    void servesAPageThatPlaysItself() {
        assertThat(text("/")).contains("data-stream=\"" + STREAM + "\"");
        assertThat(text("/watch.js")).contains("master.m3u8");
        assertThat(text("/hls.min.js").length()).isGreaterThan(100_000);
    }

    @Test
    void whoSaysNoHostGetsPathsFromTheRoot() {
        String list = answer("/live/" + STREAM + "/0/magnets.m3u8", new DefaultHttpHeaders(false))
                .orElseThrow()
                .body()
                .toString(StandardCharsets.UTF_8);
        assertThat(list)
                .contains("&dn=7.ts\n#EXTINF:2.000,\n/live/" + STREAM + "/0/7.ts\n")
                .doesNotContain("http");
    }

    @Test
    void hasAnIcon() {
        assertThat(text("/")).contains("href=\"/logo.svg\"");
        for (String path : List.of("/logo.svg", "/favicon.ico")) {
            HttpAnswer icon = ask(path, "h").orElseThrow();
            assertThat(icon.headers()).containsEntry("content-type", "image/svg+xml");
            assertThat(icon.body().toString(StandardCharsets.UTF_8)).startsWith("<svg");
        }
    }

    @Test
    void doesNotRepeatAHostThatIsNone() {
        HttpAnswer refused =
                ask("/live/" + STREAM + "/0/magnets.m3u8", "evil\"><x").orElseThrow();
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.body().toString(StandardCharsets.UTF_8)).doesNotContain("evil");
        assertThat(ask("/live/" + STREAM + "/0/magnets.m3u8", "[::1]:7003")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0/9.ts",
                "0/8.mp4",
                "0/008.ts",
                "1/live.m3u8",
                "64/live.m3u8",
                "0/../0/8.ts",
                "0/99999999999999999999.ts",
                ""
            })
    void knowsNothingElse(String path) {
        assertThat(ask("/live/" + STREAM + "/" + path, "h")).isEmpty();
    }

    private String text(String path) {
        return ask(path, "origin.example:7003").orElseThrow().body().toString(StandardCharsets.UTF_8);
    }

    private Optional<HttpAnswer> ask(String path, String host) {
        return answer(path, new DefaultHttpHeaders(false).set("host", host));
    }

    private Optional<HttpAnswer> answer(String path, HttpHeaders headers) {
        return service.answer(new HttpQuery(
                        "GET", path, "", headers, new InetSocketAddress("127.0.0.1", 1), false, Unpooled.EMPTY_BUFFER))
                .map(stage -> stage.toCompletableFuture().join());
    }

    private static ChunkRecord record(long seq) {
        InfoHash hash = InfoHash.of(new byte[InfoHash.LENGTH]);
        return ChunkRecord.sign(
                new ChunkRecord.Body(
                        KEY.streamKey(),
                        1,
                        new ChunkId(0, seq),
                        Optional.empty(),
                        Instant.EPOCH,
                        Duration.ofSeconds(seq * 2),
                        Duration.ofSeconds(2),
                        0,
                        Container.TS,
                        0,
                        BYTES.length,
                        Sha256.ofContent(BYTES),
                        seq,
                        new PieceHashes(hash.bytes()),
                        hash),
                KEY);
    }

    private static final class HeldChunks implements ChunkBytes {
        @Override
        public Optional<ByteBuf> read(ChunkRecord record, int offset, int length) {
            return Optional.of(Unpooled.wrappedBuffer(BYTES, offset, length));
        }

        @Override
        public boolean holds(ChunkRecord record) {
            return true;
        }
    }
}
