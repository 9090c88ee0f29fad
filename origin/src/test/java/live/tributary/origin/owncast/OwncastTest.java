package live.tributary.origin.owncast;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.origin.publish.AboutText;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Sha256;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OwncastTest {
    private final BlockingQueue<AboutText> heard = new LinkedBlockingQueue<>();
    private final AtomicInteger looks = new AtomicInteger();
    private volatile String title = "First";
    private volatile String config = "{\"name\":\"A name\",\"summary\":\"What it is\",\"tags\":[\"a\",7,\"\"]}";
    private Optional<URI> viewers = Optional.empty();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String body = exchange.getRequestURI().getPath().equals("/api/status")
                    ? "{\"online\":true,\"streamTitle\":\"" + title + "\"}"
                    : config;
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void takesItsWordsFromOwncastAndAsksAgainWhenCalled() throws Exception {
        try (Owncast owncast = owncast()) {
            owncast.start();
            assertThat(heard.poll(20, TimeUnit.SECONDS))
                    .isEqualTo(new AboutText(
                            "A name", "First", "What it is", List.of("a"), Optional.empty(), Optional.empty()));
            title = "Second";
            assertThat(call(owncast, "/owncast/secret")).contains(200);
            assertThat(heard.poll(10, TimeUnit.SECONDS))
                    .extracting(AboutText::title)
                    .isEqualTo("Second");
            assertThat(looks).hasValue(1);
        }
    }

    @Test
    void theLogoIsThePosterWhereViewersCanSeeIt() throws Exception {
        viewers = Optional.of(URI.create("https://me.example/"));
        try (Owncast owncast = owncast()) {
            owncast.start();
            assertThat(heard.poll(20, TimeUnit.SECONDS).poster())
                    .contains(new About.Poster(
                            URI.create("https://me.example/logo"),
                            Sha256.ofContent(config.getBytes(StandardCharsets.UTF_8))));
        }
    }

    @Test
    void wordsThatNobodyCanUseAreNotTheEndOfAsking() throws Exception {
        AtomicInteger given = new AtomicInteger();
        Consumer<AboutText> picky = words -> {
            if (given.getAndIncrement() == 0) {
                throw new IllegalArgumentException("not these");
            }
            heard.add(words);
        };
        try (Owncast owncast = new Owncast(base(), viewers, "secret", "Mine", picky, looks::incrementAndGet)) {
            owncast.start();
            for (int calls = 0; heard.isEmpty() && calls < 100; calls++) {
                call(owncast, "/owncast/secret");
                Optional.ofNullable(heard.poll(200, TimeUnit.MILLISECONDS)).ifPresent(heard::add);
            }
            assertThat(heard).isNotEmpty();
        }
    }

    @Test
    void aCallWithoutTheTokenMovesNothing() {
        try (Owncast owncast = owncast()) {
            assertThat(call(owncast, "/owncast/guess")).contains(404);
            assertThat(call(owncast, "/other")).isEmpty();
            assertThat(looks).hasValue(0);
        }
    }

    @Test
    void anAnswerOfTheLargestSizeIsReadAndOneByteMoreIsNot() throws Exception {
        String start = "{\"name\":\"Large\",\"x\":\"";
        config = start + "x".repeat(Owncast.MAX_ANSWER - start.length() - 2) + "\"}";
        try (Owncast owncast = owncast()) {
            owncast.start();
            assertThat(heard.poll(20, TimeUnit.SECONDS))
                    .extracting(AboutText::name)
                    .isEqualTo("Large");
        }
        config = config + " ";
        try (Owncast owncast = owncast()) {
            owncast.start();
            assertThat(heard.poll(1, TimeUnit.SECONDS)).isNull();
        }
    }

    @Test
    void longWordsAreCutBetweenCharacters() throws Exception {
        String faces = "\ud83d\ude00".repeat(100);
        AboutText text = OwncastWords.read(
                "Mine",
                ("{\"summary\":\"" + faces + "\"}").getBytes(StandardCharsets.UTF_8),
                ("{\"streamTitle\":\"" + faces + "\"}").getBytes(StandardCharsets.UTF_8));

        assertThat(text.name()).isEqualTo("Mine");
        assertThat(text.title()).isEqualTo("\ud83d\ude00".repeat(60));
        assertThat(text.description()).isEqualTo(faces);
    }

    private URI base() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    private Owncast owncast() {
        return new Owncast(base(), viewers, "secret", "Mine", heard::add, looks::incrementAndGet);
    }

    private static Optional<Integer> call(Owncast owncast, String path) {
        return owncast.answer(new HttpQuery(
                        "POST",
                        path,
                        "",
                        new DefaultHttpHeaders(),
                        new InetSocketAddress("127.0.0.1", 1),
                        false,
                        Unpooled.EMPTY_BUFFER))
                .map(stage -> stage.toCompletableFuture().join().status());
    }
}
