package live.tributary.mesh.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpServerTest {
    private static final String BODY = "0123456789";
    private static final String CORS = "access-control-allow-origin: *\r\n";

    private final ByteBuf shared = Unpooled.directBuffer().writeBytes(ascii(BODY));
    private final List<CompletableFuture<HttpAnswer>> slow = new ArrayList<>();
    private final Meters meters = new Meters();
    private Pace pace = Pace.UNLIMITED;
    private final List<Integer> spent = new ArrayList<>();
    private final EmbeddedChannel channel = new Loopback();

    private final HttpService service = query -> switch (query.rawPath()) {
        case "/bytes" ->
            Optional.of(CompletableFuture.completedStage(new HttpAnswer(
                    200, Map.of("accept-ranges", "bytes", "etag", "\"e\""), shared.retainedSlice(0, BODY.length()))));
        case "/plain" ->
            Optional.of(
                    CompletableFuture.completedStage(HttpAnswer.of("text/plain", "no-cache", ascii(query.rawQuery()))));
        case "/away" -> Optional.of(CompletableFuture.completedStage(HttpAnswer.redirect("http://other/")));
        case "/big" ->
            Optional.of(CompletableFuture.completedStage(HttpAnswer.of("video/mp2t", "no-cache", new byte[1_000_000])));
        case "/big-and-old" ->
            Optional.of(CompletableFuture.completedStage(new HttpAnswer(
                    200, Map.of(), Unpooled.wrappedBuffer(new byte[1_000_000]), Optional.empty(), true)));
        case "/slow" -> {
            CompletableFuture<HttpAnswer> answer = new CompletableFuture<>();
            slow.add(answer);
            yield Optional.of(answer);
        }
        case "/bug" -> throw new IllegalStateException("secret");
        case "/late-bug" -> Optional.of(CompletableFuture.failedStage(new IllegalStateException("secret")));
        default -> Optional.empty();
    };

    /** Says what it was sent. */
    private static final class Echo implements HttpService {
        @Override
        public boolean takesPosts() {
            return true;
        }

        @Override
        public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
            return query.rawPath().equals("/echo")
                    ? Optional.of(CompletableFuture.completedStage(HttpAnswer.text(
                            200, query.method() + " " + query.body().toString(StandardCharsets.US_ASCII))))
                    : Optional.empty();
        }
    }

    HttpServerTest() {
        channel.freezeTime();
        new HttpServer(
                        List.of(service, new Echo()),
                        List.of(),
                        HttpLimits.DEFAULT,
                        new Delegate(),
                        new HttpTallies(meters),
                        Optional.empty())
                .install(channel.pipeline(), false);
    }

    @AfterEach
    void everySliceWasReleased() {
        channel.finishAndReleaseAll();
        assertThat(shared.refCnt()).isEqualTo(1);
        shared.release();
    }

    @Test
    void answersARequestThatComesByteByByte() {
        for (byte b : ascii("GET /bytes HTTP/1.1\r\nhost: a\r\n\r\n")) {
            assertThat(channel.outboundMessages()).isEmpty();
            channel.writeInbound(Unpooled.wrappedBuffer(new byte[] {b}));
        }
        assertThat(answer())
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("content-length: 10\r\n", CORS)
                .endsWith(BODY);
    }

    @Test
    void headIsGetWithoutTheBody() {
        assertThat(ask("HEAD /bytes HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("content-length: 10\r\n", CORS)
                .endsWith("\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/bytes", "/plain?x", "/away", "/missing", "/big"})
    void headHasTheHeadersOfGet(String target) {
        String get = ask("GET " + target + " HTTP/1.1\r\n\r\n");
        assertThat(ask("HEAD " + target + " HTTP/1.1\r\n\r\n"))
                .isEqualTo(get.substring(0, get.indexOf("\r\n\r\n") + 4));
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=2-4, 206, bytes 2-4/10, 234",
        "bytes=7-, 206, bytes 7-9/10, 789",
        "bytes=-3, 206, bytes 7-9/10, 789",
        "bytes=8-99, 206, bytes 8-9/10, 89",
        "bytes=-99, 206, bytes 0-9/10, 0123456789",
        "bytes=10-, 416, bytes */10, ''",
        "bytes=-0, 416, bytes */10, ''"
    })
    void aRangeCutsTheBody(String range, int status, String contentRange, String part) {
        assertThat(ask("GET /bytes HTTP/1.1\r\nrange: " + range + "\r\n\r\n"))
                .startsWith("HTTP/1.1 " + status)
                .contains("content-range: " + contentRange + "\r\n", "content-length: " + part.length() + "\r\n", CORS)
                .endsWith("\r\n\r\n" + part);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=0-1,3-4", "bytes=4-2", "bytes=-", "lines=1-2", "bytes=a-b"})
    void aRangeThatIsNotOneGetsTheWholeBody(String range) {
        assertThat(ask("GET /bytes HTTP/1.1\r\nrange: " + range + "\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .endsWith(BODY);
    }

    @Test
    void ifRangeOfAnotherEntityGetsTheWholeBody() {
        assertThat(ask("GET /bytes HTTP/1.1\r\nrange: bytes=0-1\r\nif-range: \"x\"\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    void anEntityThatTheClientHasIsNotSentAgain() {
        assertThat(ask("GET /bytes HTTP/1.1\r\nif-none-match: \"x\", \"e\"\r\n\r\n"))
                .startsWith("HTTP/1.1 304")
                .contains(CORS)
                .endsWith("\r\n\r\n");
    }

    @Test
    void preflightAllowsRanges() {
        assertThat(ask("OPTIONS /anything HTTP/1.1\r\naccess-control-request-private-network: true\r\n\r\n"))
                .startsWith("HTTP/1.1 204")
                .contains(CORS, "access-control-allow-methods: GET, HEAD, POST, OPTIONS\r\n", "range\r\n")
                .contains("access-control-allow-private-network: true\r\n");
    }

    @ParameterizedTest
    @CsvSource({
        "GET /missing HTTP/1.1, 404",
        "DELETE /bytes HTTP/1.1, 405",
        "POST /bytes HTTP/1.1, 405",
        "GET nonsense HTTP/1.1, 400",
        "GET /bytes NOTHTTP, 400",
        "GET /bug HTTP/1.1, 500",
        "GET /late-bug HTTP/1.1, 500",
        "GET /away HTTP/1.1, 302"
    })
    void whateverTheAnswerItCarriesCors(String line, int status) {
        assertThat(ask(line + "\r\n\r\n"))
                .startsWith("HTTP/1.1 " + status)
                .contains(CORS)
                .doesNotContain("secret")
                .doesNotContain("Exception");
    }

    @Test
    void refusesARequestLineOneCharacterTooLong() {
        int limit = HttpLimits.DEFAULT.requestLine();
        String longest = "GET /plain?" + "x".repeat(limit - "GET /plain? HTTP/1.1".length()) + " HTTP/1.1";
        assertThat(ask(longest + "\r\n\r\n")).startsWith("HTTP/1.1 200");
        assertThat(ask(longest.replace("?", "?x") + "\r\n\r\n"))
                .startsWith("HTTP/1.1 414")
                .contains(CORS);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void refusesHeadersThatAreTooLong() {
        int limit = HttpLimits.DEFAULT.headers();
        assertThat(ask("GET /plain HTTP/1.1\r\na: " + "x".repeat(limit - 3) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        assertThat(ask("GET /plain HTTP/1.1\r\na: " + "x".repeat(limit - 2) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 431")
                .contains(CORS);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void takesABodyUpToTheLimitAndNotOneByteMore() {
        int limit = HttpLimits.DEFAULT.body();
        String body = "x".repeat(limit);
        assertThat(ask("POST /echo HTTP/1.1\r\ncontent-length: " + limit + "\r\n\r\n" + body))
                .startsWith("HTTP/1.1 200")
                .contains("POST " + body);
        assertThat(ask("POST /echo HTTP/1.1\r\ncontent-length: " + (limit + 1) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 413")
                .contains(CORS);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void aChunkedBodyIsBoundedToo() {
        String chunk = "1000\r\n" + "x".repeat(0x1000) + "\r\n";
        assertThat(ask("POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + chunk.repeat(16) + "0\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        assertThat(ask("POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + chunk.repeat(16) + "1\r\nx\r\n"))
                .startsWith("HTTP/1.1 413");
    }

    @Test
    void pipelinedAnswersKeepTheirOrder() {
        assertThat(ask("GET /slow HTTP/1.1\r\n\r\nGET /plain?second HTTP/1.1\r\n\r\n"))
                .isEmpty();
        slow.get(0).complete(HttpAnswer.text(200, "first"));
        assertThat(answer()).containsSubsequence("first", "second");
    }

    @Test
    void answersToRequestsThatCameTogetherLeaveTogether() {
        AtomicInteger flushes = new AtomicInteger();
        channel.pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
            @Override
            public void flush(ChannelHandlerContext ctx) {
                flushes.incrementAndGet();
                ctx.flush();
            }
        });
        assertThat(ask("GET /plain?first HTTP/1.1\r\n\r\nGET /plain?second HTTP/1.1\r\n\r\n"))
                .containsSubsequence("HTTP/1.1 200", "HTTP/1.1 200");
        assertThat(flushes).hasValue(1);
    }

    @Test
    void oneRequestTooManyInThePipelineCloses() {
        ask("GET /slow HTTP/1.1\r\n\r\n".repeat(HttpLimits.DEFAULT.pipelined() + 1));
        assertThat(channel.isActive()).isTrue();
        ask("GET /slow HTTP/1.1\r\n\r\n");
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void anAnswerThatComesAfterTheClientLeftIsReleased() {
        ask("GET /slow HTTP/1.1\r\n\r\n");
        channel.close();
        slow.get(0).complete(new HttpAnswer(200, Map.of(), shared.retainedSlice(0, 5)));
        channel.runPendingTasks();
        assertThat(shared.refCnt()).isEqualTo(1);
    }

    @Test
    void everyAnswerAndEveryClientThatIsClosedOnIsCounted() {
        ask("GET /plain HTTP/1.1\r\n\r\n");
        ask("GET /missing HTTP/1.1\r\n\r\n");
        assertThat(meters.sum(Meter.HTTP_ANSWERS, 200)).isEqualTo(1);
        assertThat(meters.sum(Meter.HTTP_ANSWERS, 404)).isEqualTo(1);
        channel.advanceTimeBy(60, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(meters.sum(Meter.HTTP_ANSWERS, "cut")).isZero(); // It was idle, not slow.
    }

    @Test
    void http10AndConnectionCloseEndTheConnection() {
        assertThat(ask("GET /plain HTTP/1.0\r\n\r\n")).contains("connection: close\r\n");
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void closesWhereTheHeaderDribblesIn() {
        channel.writeInbound(buffer("GET /pl"));
        channel.advanceTimeBy(HttpLimits.DEFAULT.firstRequest().toSeconds() - 1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        channel.writeInbound(buffer("ain"));
        assertThat(channel.isActive()).isTrue();
        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isActive()).isFalse();
        assertThat(meters.sum(Meter.HTTP_ANSWERS, "cut")).isEqualTo(1);
    }

    @Test
    void anIdleConnectionIsClosedAfterAMinute() {
        ask("GET /plain HTTP/1.1\r\n\r\n");
        channel.advanceTimeBy(59, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isActive()).isTrue();
        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void aBodyWaitsForTheUploadAllowance() {
        List<Integer> asked = new ArrayList<>();
        boolean[] open = {false};
        pace = (bytes, older) -> {
            asked.add(bytes);
            return open[0] ? 0 : TimeUnit.MILLISECONDS.toNanos(10);
        };
        assertThat(ask("GET /big HTTP/1.1\r\n\r\n"))
                .contains("content-length: 1000000")
                .endsWith("\r\n\r\n");
        open[0] = true;
        channel.advanceTimeBy(10, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(answer()).hasSize(1_000_000);
        assertThat(asked).containsExactly(262_144, 262_144, 262_144, 262_144, 213_568);
    }

    @Test
    void theAllowanceIsAskedOnceATurnHoweverOftenTheSocketHasRoom() {
        AtomicInteger asked = new AtomicInteger();
        pace = (bytes, older) -> {
            asked.incrementAndGet();
            return TimeUnit.MILLISECONDS.toNanos(10);
        };
        ask("GET /big HTTP/1.1\r\n\r\n");
        for (int i = 0; i < 5; i++) {
            channel.pipeline().fireChannelWritabilityChanged();
        }
        assertThat(asked).hasValue(1);
        channel.advanceTimeBy(10, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(asked).hasValue(2);
    }

    @Test
    void aPlaylistDoesNotWaitForTheUploadAllowanceButIsCounted() {
        pace = (bytes, older) -> TimeUnit.HOURS.toNanos(1);
        String answer = ask("GET /plain?short HTTP/1.1\r\n\r\n");
        assertThat(answer).endsWith("short");
        assertThat(spent).containsExactly(5);
    }

    @Test
    void aBodyIsAskedForAsWhatItIs() {
        List<Boolean> asked = new ArrayList<>();
        pace = (bytes, older) -> {
            asked.add(older);
            return 0;
        };
        ask("GET /big HTTP/1.1\r\n\r\n");
        ask("GET /big-and-old HTTP/1.1\r\n\r\n");
        assertThat(asked).startsWith(false).endsWith(true).hasSize(8);
    }

    /** Whatever pace a test sets. */
    private final class Delegate implements Pace {
        @Override
        public long take(int bytes, boolean older) {
            return pace.take(bytes, older);
        }

        @Override
        public void spend(int bytes) {
            spent.add(bytes);
        }
    }

    private String ask(String request) {
        channel.writeInbound(buffer(request));
        return answer();
    }

    private String answer() {
        StringBuilder text = new StringBuilder();
        channel.runPendingTasks();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            text.append(out.toString(StandardCharsets.ISO_8859_1));
            out.release();
        }
        return text.toString();
    }

    private static ByteBuf buffer(String text) {
        return Unpooled.wrappedBuffer(ascii(text));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** A channel without a socket whose other end seems to be this machine. */
    private static final class Loopback extends EmbeddedChannel {
        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress("127.0.0.1", 40_000);
        }
    }
}
