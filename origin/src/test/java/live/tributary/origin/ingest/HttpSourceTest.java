package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpSourceTest {
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private HttpServer server;
    private HttpServer other;
    private URI feed;
    private HttpSource source;
    private volatile long time = 1_000_000_000_000L;

    @BeforeEach
    void start() throws IOException {
        server = server();
        other = server();
        feed = base(server).resolve("/hls/stream.m3u8");
        source = new HttpSource(feed, Set.of(), () -> time);
        server.createContext("/", exchange -> answer(exchange, 404, new byte[0]));
    }

    @AfterEach
    void stop() {
        server.stop(0);
        other.stop(0);
    }

    @Test
    void readsAPlaylistUnzipped() throws IOException {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write("#EXTM3U\n".getBytes(StandardCharsets.UTF_8));
        }
        server.createContext("/hls/stream.m3u8", exchange -> {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            answer(exchange, 200, zipped.toByteArray());
        });

        assertThat(source.playlist(feed).bytes()).asString().isEqualTo("#EXTM3U\n");
    }

    @Test
    void refusesAPlaylistThatUnzipsToOneByteTooMany() throws IOException {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(new byte[HlsReader.MAX_PLAYLIST + 1]);
        }
        server.createContext("/hls/stream.m3u8", exchange -> {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            answer(exchange, 200, zipped.toByteArray());
        });

        assertThatThrownBy(() -> source.playlist(feed)).hasMessageContaining("unpacks to more than");
    }

    @Test
    void refusesAnAnswerOfOneByteTooMany() throws IOException {
        server.createContext("/hls/a.ts", exchange -> answer(exchange, 200, new byte[1000]));
        URI location = feed.resolve("a.ts");

        assertThat(source.read(location, Optional.empty(), 1000)).hasSize(1000);
        assertThatThrownBy(() -> source.read(location, Optional.empty(), 999))
                .hasMessageContaining("more than 999 bytes");
    }

    @Test
    void asksOnlyForWhatChanged() throws IOException {
        server.createContext("/hls/stream.m3u8", exchange -> {
            exchange.getResponseHeaders().set("ETag", "\"1\"");
            boolean known = "\"1\"".equals(exchange.getRequestHeaders().getFirst("If-None-Match"));
            answer(exchange, known ? 304 : 200, known ? new byte[0] : "#EXTM3U\n".getBytes(StandardCharsets.UTF_8));
        });

        assertThat(source.playlist(feed).bytes())
                .isEqualTo(source.playlist(feed).bytes());
        assertThat(asked).containsExactly("GET /hls/stream.m3u8 200", "GET /hls/stream.m3u8 304");
    }

    @Test
    void remembersSoManyPlaylistsAndNoMore() throws IOException {
        server.createContext("/hls/", exchange -> {
            exchange.getResponseHeaders().set("ETag", "\"1\"");
            boolean known = "\"1\"".equals(exchange.getRequestHeaders().getFirst("If-None-Match"));
            answer(exchange, known ? 304 : 200, known ? new byte[0] : "#EXTM3U\n".getBytes(StandardCharsets.UTF_8));
        });
        for (int i = 0; i < HttpSource.MAX_KEPT; i++) {
            source.playlist(feed.resolve("list.m3u8?token=" + i));
        }
        source.playlist(feed.resolve("list.m3u8?token=0"));
        assertThat(asked.get(asked.size() - 1)).endsWith("304");

        source.playlist(feed.resolve("list.m3u8?token=another"));
        source.playlist(feed.resolve("list.m3u8?token=0"));
        assertThat(asked.get(asked.size() - 1)).endsWith("200");
    }

    @Test
    void followsTheFeedsOwnRedirectAndCountsItsTargetAsTheFeed() throws IOException, FormatException {
        server.createContext("/hls/stream.m3u8", exchange -> {
            exchange.getResponseHeaders()
                    .set("Location", base(other).resolve("/cdn/stream.m3u8").toString());
            answer(exchange, 302, new byte[0]);
        });
        other.createContext(
                "/cdn/stream.m3u8", exchange -> answer(exchange, 200, "#EXTM3U\n".getBytes(StandardCharsets.UTF_8)));

        FeedSource.Playlist playlist = source.playlist(feed);

        assertThat(playlist.location()).isEqualTo(base(other).resolve("/cdn/stream.m3u8"));
        assertThat(source.resolve(playlist.location(), "a b.ts"))
                .isEqualTo(base(other).resolve("/cdn/a%20b.ts"));
        assertThat(source.resolve(playlist.location(), "init-%v%41.mp4"))
                .isEqualTo(base(other).resolve("/cdn/init-%25v%41.mp4"));
    }

    @Test
    void aSegmentIsNotRedirectedToAnotherOrigin() {
        server.createContext("/hls/a.ts", exchange -> {
            exchange.getResponseHeaders().set("Location", base(other) + "a.ts");
            answer(exchange, 302, new byte[0]);
        });

        assertThatThrownBy(() -> source.read(feed.resolve("a.ts"), Optional.empty(), 10))
                .hasMessageContaining("redirects to " + base(other));
    }

    @Test
    void redirectsHaveAnEnd() {
        server.createContext("/hls/stream.m3u8", exchange -> {
            exchange.getResponseHeaders().set("Location", "/hls/stream.m3u8");
            answer(exchange, 301, new byte[0]);
        });

        assertThatThrownBy(() -> source.playlist(feed)).hasMessageContaining("more than 5 redirects");
        assertThat(asked).hasSize(6);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://169.254.169.254/latest",
                "http://127.0.0.1:1/a.ts",
                "file:///etc/passwd",
                "//other/a.ts",
                "ht tp:"
            })
    void asksNobodyElse(String uri) {
        assertThatThrownBy(() -> source.resolve(feed, uri)).isInstanceOf(FormatException.class);
    }

    @Test
    void asksTheHostsThatTheOperatorAllowed() throws FormatException {
        assertThat(new HttpSource(feed, Set.of("cdn.example")).resolve(feed, "http://cdn.example/a.ts"))
                .isEqualTo(URI.create("http://cdn.example/a.ts"));
    }

    @Test
    void aFeedByHttpsIsNeverReadInTheClear() {
        URI secure = URI.create("https://feed.example/a.m3u8");
        assertThatThrownBy(() ->
                        new HttpSource(secure, Set.of("feed.example")).resolve(secure, "http://feed.example/a.ts"))
                .isInstanceOf(FormatException.class);
    }

    @Test
    void readsRangesAndSizes() throws IOException {
        byte[] bytes = "0123456789".getBytes(StandardCharsets.UTF_8);
        server.createContext("/hls/a.ts", exchange -> {
            boolean range = "bytes=2-4".equals(exchange.getRequestHeaders().getFirst("Range"));
            answer(exchange, range ? 206 : 200, range ? Arrays.copyOfRange(bytes, 2, 5) : bytes);
        });
        URI location = feed.resolve("a.ts");

        assertThat(source.look(location).size()).hasValue(10);
        assertThat(source.read(location, Optional.of(new HlsSegment.ByteRange(2, 3)), 10))
                .asString()
                .isEqualTo("234");
    }

    @Test
    void cutsARangeOutOfAFileThatItsServerSendsWhole() throws IOException {
        server.createContext(
                "/hls/a.ts", exchange -> answer(exchange, 200, "0123456789".getBytes(StandardCharsets.UTF_8)));
        URI location = feed.resolve("a.ts");

        assertThat(source.read(location, Optional.of(new HlsSegment.ByteRange(7, 3)), 3))
                .asString()
                .isEqualTo("789");
        assertThatThrownBy(() -> source.read(location, Optional.of(new HlsSegment.ByteRange(7, 4)), 4))
                .hasMessageContaining("ends after 10 bytes (expected: 11)");
        assertThatThrownBy(() -> source.read(location, Optional.of(new HlsSegment.ByteRange(7, 3)), 2))
                .hasMessageContaining("3 bytes (expected: 2)");
    }

    @Test
    void refusesAWholeFileThatIsTooLargeToCutARangeOutOf() {
        server.createContext("/hls/a.ts", exchange -> answer(exchange, 200, new byte[HttpSource.MAX_FILE + 1]));

        assertThatThrownBy(() -> source.read(feed.resolve("a.ts"), Optional.of(new HlsSegment.ByteRange(0, 3)), 3))
                .hasMessageContaining("more than");
    }

    @Test
    void aServerNeedNotAnswerHeadNorTellASize() throws IOException {
        for (int status : List.of(403, 405, 501)) {
            server.createContext("/hls/" + status + ".ts", exchange -> {
                boolean head = exchange.getRequestMethod().equals("HEAD");
                answer(exchange, head ? status : 200, new byte[188]);
            });
            URI location = feed.resolve(status + ".ts");
            assertThat(source.look(location).size()).isEmpty();
            assertThat(source.read(location, Optional.empty(), 188)).hasSize(188);
        }
        server.createContext("/hls/0.ts", exchange -> {
            boolean head = exchange.getRequestMethod().equals("HEAD");
            answer(exchange, 200, new byte[head ? 0 : 188]);
        });
        assertThat(source.look(feed.resolve("0.ts")).size()).isEmpty();
    }

    @Test
    void aHeadThatFailedIsAskedOnceMore() throws IOException {
        AtomicInteger heads = new AtomicInteger();
        List<Integer> statuses = List.of(429, 503, 200);
        server.createContext(
                "/hls/a.ts", exchange -> answer(exchange, statuses.get(heads.getAndIncrement()), new byte[188]));
        URI location = feed.resolve("a.ts");

        assertThatThrownBy(() -> source.look(location)).hasMessageContaining("HEAD: 429 (expected: 200)");
        assertThatThrownBy(() -> source.look(location)).hasMessageContaining("HEAD: 503 (expected: 200)");
        assertThat(source.look(location).size()).hasValue(188);
    }

    @Test
    void aServerThatAnswersNoHeadIsAskedForNoneForALongWhile() throws IOException {
        AtomicInteger heads = new AtomicInteger();
        server.createContext("/hls/hangs-up.ts", exchange -> {
            heads.incrementAndGet();
            exchange.close();
        });
        URI location = feed.resolve("hangs-up.ts");
        for (int i = 1; i < HttpSource.HEADS_TRIED; i++) {
            assertThatThrownBy(() -> source.look(location)).isInstanceOf(IOException.class);
        }
        assertThat(source.look(location).size()).isEmpty();
        int tried = heads.get();
        time += HttpSource.NEVER_A_HEAD.toNanos() - 1;
        assertThat(source.look(location).size()).isEmpty();
        assertThat(heads).hasValue(tried);

        time++;
        assertThat(source.look(location).size()).as("tried again, once").isEmpty();
        assertThat(heads).hasValueGreaterThan(tried);
    }

    @Test
    void aServerThatAnsweredHeadsIsAskedAgainSoon() throws IOException {
        AtomicInteger status = new AtomicInteger(200);
        server.createContext("/hls/a.ts", exchange -> answer(exchange, status.get(), new byte[188]));
        URI location = feed.resolve("a.ts");
        assertThat(source.look(location).size()).hasValue(188);

        status.set(503);
        for (int i = 1; i < HttpSource.HEADS_TRIED; i++) {
            assertThatThrownBy(() -> source.look(location)).isInstanceOf(IOException.class);
        }
        assertThat(source.look(location).size()).isEmpty();
        status.set(200);
        assertThat(source.look(location).size()).as("not asked yet").isEmpty();
        time += HttpSource.WITHOUT_HEAD.toNanos();
        assertThat(source.look(location).size()).hasValue(188);
    }

    @Test
    void unpacksWhatAServerPackedUnasked() throws IOException {
        ByteArrayOutputStream deflated = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(deflated)) {
            out.write(new byte[188]);
        }
        server.createContext("/hls/a.ts", exchange -> {
            exchange.getResponseHeaders().set("Content-Encoding", "deflate");
            answer(exchange, 200, deflated.toByteArray());
        });
        server.createContext("/hls/b.ts", exchange -> {
            exchange.getResponseHeaders().set("Content-Encoding", "br");
            answer(exchange, 200, deflated.toByteArray());
        });

        assertThat(source.read(feed.resolve("a.ts"), Optional.empty(), 188)).hasSize(188);
        assertThatThrownBy(() -> source.read(feed.resolve("a.ts"), Optional.empty(), 187))
                .hasMessageContaining("unpacks to more than 187 bytes");
        assertThatThrownBy(() -> source.read(feed.resolve("b.ts"), Optional.empty(), 188))
                .hasMessageContaining("content-encoding: br");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "http://h/a/live.m3u8|b c.ts|http://h/a/b%20c.ts",
                "http://h/a/live.m3u8|b[1]{2}|http://h/a/b%5B1%5D%7B2%7D",
                "http://h/a/live.m3u8|/x/b%20%v.ts?t=1&u=[2]|http://h/x/b%20%25v.ts?t=1&u=%5B2%5D",
                "http://h/a/live.m3u8|\u00fcber/1.ts|http://h/a/%C3%BCber/1.ts",
                "http://h/a/live.m3u8?token=1|?seg=2|http://h/a/live.m3u8?seg=2",
                "http://h/a/live.m3u8?token=1|//h/b.ts|http://h/b.ts",
                "http://h/a/live.m3u8|../b.ts|http://h/b.ts",
                "http://h|b.ts|http://h/b.ts",
                "http://h?live=1|b.ts|http://h/b.ts",
                "http://[::1]:80/a/live.m3u8|http://[::1]:80/b[1].ts|http://[::1]:80/b%5B1%5D.ts",
            })
    void namesAreReadAsBrowsersReadThem(URI playlist, String name, URI expected) throws FormatException {
        assertThat(new HttpSource(playlist, Set.of()).resolve(playlist, name)).isEqualTo(expected);
    }

    @Test
    void tellsWhatIsMissingFromWhatIsBroken() {
        server.createContext("/hls/broken.ts", exchange -> answer(exchange, 500, new byte[0]));

        assertThatThrownBy(() -> source.playlist(feed)).isInstanceOf(FeedSource.MissingException.class);
        assertThatThrownBy(() -> source.read(feed.resolve("broken.ts"), Optional.empty(), 10))
                .isNotInstanceOf(FeedSource.MissingException.class)
                .hasMessageContaining("500 (expected: 200)");
    }

    private void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + status);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (head) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
        }
        exchange.sendResponseHeaders(status, head || body.length == 0 ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private static HttpServer server() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.start();
        return server;
    }

    private static URI base(HttpServer server) {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }
}
