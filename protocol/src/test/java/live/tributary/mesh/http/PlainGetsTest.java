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
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlainGetsTest {
    private static final String PLAIN = "GET /asked?x=1 HTTP/1.1\r\nHost: relay:7001\r\n";
    private static final int MAX_LENGTH = PlainGetReader.MAX_LENGTH;

    private final Asked asked = new Asked();
    private final Meters meters = new Meters();
    private final EmbeddedChannel channel = open(Optional.of(asked), meters);

    /** Answers one path by both ways, and counts what came by which; one query is not for the plain way. */
    private static final class Asked implements HttpService, PlainGetService {
        int plainly;
        int usually;

        @Override
        public String path() {
            return "/asked";
        }

        @Override
        public Map<String, String> headers() {
            return Map.of("content-type", "text/plain", "cache-control", "no-store");
        }

        @Override
        public Optional<byte[]> answer(PlainGet request) {
            if (request.rawQuery().equals("refused")) {
                return Optional.empty();
            }
            plainly++;
            return Optional.of(body(request.rawQuery(), request.host()));
        }

        @Override
        public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
            if (!query.rawPath().equals(path())) {
                return Optional.empty();
            }
            usually++;
            int status = query.rawQuery().equals("refused") ? 429 : 200;
            byte[] body = body(query.rawQuery(), query.headers().get("host", ""));
            return Optional.of(
                    CompletableFuture.completedStage(new HttpAnswer(status, headers(), Unpooled.wrappedBuffer(body))));
        }

        private static byte[] body(String query, String host) {
            return (query + " at " + host).getBytes(StandardCharsets.ISO_8859_1);
        }
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n",
                "User-Agent: a client/1.0 (x)\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n",
                "ACCEPT: */*\r\nconnection:Keep-Alive \r\nPragma: no-cache\r\nCache-Control: no-cache\r\n\r\n",
                "Connection: close\r\n\r\n"
            })
    void answersAPlainGetAsTheServiceWould(String headers) {
        assertThat(ask(PLAIN + headers))
                .isEqualTo(byServicesAlone(PLAIN + headers))
                .endsWith("x=1 at relay:7001");
        assertThat(asked.plainly).isEqualTo(1);
        assertThat(asked.usually).isZero();
        assertThat(channel.isActive()).isEqualTo(!headers.contains("close"));
        assertThat(meters.sum(Meter.HTTP_ANSWERS, 200)).isEqualTo(1);
    }

    static List<String> notPlain() {
        return List.of(
                "GET /asked HTTP/1.1\r\n\r\n",
                "GET /asked?x HTTP/1.0\r\n\r\n",
                "GET /askedtoo?x HTTP/1.1\r\n\r\n",
                "GET /other?x HTTP/1.1\r\n\r\n",
                "HEAD /asked?x HTTP/1.1\r\n\r\n",
                "POST /asked?x HTTP/1.1\r\nContent-Length: 1\r\n\r\nb",
                "GET http://relay/asked?x HTTP/1.1\r\n\r\n",
                "GET /asked?a b HTTP/1.1\r\n\r\n",
                "GET /asked?\u00e9 HTTP/1.1\r\n\r\n",
                "GET /asked?x HTTP/1.1\n\n",
                PLAIN + "Content-Length: 1\r\n\r\nb",
                PLAIN + "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n",
                PLAIN + "Expect: 100-continue\r\n\r\n",
                PLAIN + "Range: bytes=0-1\r\n\r\n",
                PLAIN + "If-None-Match: *\r\n\r\n",
                PLAIN + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                PLAIN + "Connection: close\r\nConnection: keep-alive\r\n\r\n",
                PLAIN + "Host: another\r\n\r\n",
                PLAIN + "Accept: a\r\n b\r\n\r\n",
                PLAIN + "Accept : a\r\n\r\n",
                PLAIN + "no colon\r\n\r\n",
                PLAIN + ": no name\r\n\r\n",
                PLAIN + "Accept: \u0001\r\n\r\n",
                PLAIN + "Accept: a\rb\r\n\r\n");
    }

    @ParameterizedTest
    @MethodSource("notPlain")
    void leavesWhateverIsNotPlainToTheServices(String request) {
        assertThat(ask(request)).isEqualTo(byServicesAlone(request)).isNotEmpty();
        assertThat(asked.plainly).isZero();
        if (channel.isActive()) { // And for good.
            assertThat(ask(PLAIN + "\r\n")).endsWith("x=1 at relay:7001");
            assertThat(asked.plainly).isZero();
        }
    }

    @Test
    void readsRequestsUpToItsLimitAndNotOneByteMore() {
        String start = "GET /asked?";
        String end = " HTTP/1.1\r\n\r\n";
        String longest = start + "x".repeat(MAX_LENGTH - start.length() - end.length()) + end;
        assertThat(ask(longest)).contains("200 OK");
        assertThat(asked.plainly).isEqualTo(1);
        assertThat(ask(longest.replace("?", "?x"))).contains("200 OK");
        assertThat(asked.usually).isEqualTo(1);
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
        String three = (PLAIN + "\r\n").repeat(3);
        assertThat(ask(three)).isEqualTo(byServicesAlone(three));
        assertThat(asked.plainly).isEqualTo(3);
        assertThat(flushes).hasValue(1);
    }

    @Test
    void keepsTheOrderWhereOneOfThoseIsNotPlain() {
        String requests = PLAIN + "\r\nGET /asked HTTP/1.1\r\n\r\n" + PLAIN.replace("x=1", "x=2") + "\r\n";
        assertThat(ask(requests)).isEqualTo(byServicesAlone(requests)).containsSubsequence("x=1 at", "x=2 at");
        assertThat(asked.plainly).isEqualTo(1);
        assertThat(asked.usually).isEqualTo(2);
    }

    /** However bytes are cut, the answers are those of a server that knows no other way. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void answersTheSameHoweverTheBytesComeIn(long seed) {
        Random random = new Random(seed);
        for (int run = 0; run < 50; run++) {
            StringBuilder requests = new StringBuilder();
            for (int i = random.nextInt(6); i >= 0; i--) {
                boolean plain = random.nextInt(3) > 0;
                requests.append(
                        plain
                                ? PLAIN + "\r\n"
                                : notPlain().get(random.nextInt(notPlain().size())));
            }
            byte[] bytes = requests.toString().getBytes(StandardCharsets.ISO_8859_1);
            EmbeddedChannel either = open(Optional.of(asked), meters);
            StringBuilder answers = new StringBuilder();
            int from = 0;
            while (from < bytes.length && either.isActive()) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(200));
                either.writeInbound(Unpooled.copiedBuffer(bytes, from, to - from));
                answers.append(answers(either));
                from = to;
            }
            assertThat(answers.toString()).isEqualTo(byServicesAlone(requests.toString()));
            either.finishAndReleaseAll();
        }
    }

    @Test
    void whatItDoesNotAnswerTheServicesDo() {
        assertThat(ask("GET /asked?refused HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 429");
        assertThat(asked.plainly).isZero();
        assertThat(asked.usually).isEqualTo(1);
    }

    @Test
    void whoDoesNotReadIsLeftToTheServicesWhichWait() {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.writeInbound(buffer(PLAIN + "\r\n" + PLAIN + "\r\n"));
        channel.runPendingTasks();
        assertThat(asked.plainly).isZero();
        assertThat(channel.config().isAutoRead()).isFalse();

        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.runPendingTasks();
        assertThat(answers(channel)).isEqualTo(byServicesAlone(PLAIN + "\r\n" + PLAIN + "\r\n"));
        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void anIdleConnectionIsClosedAMinuteAfterItsLastAnswer() {
        for (int i = 0; i < 2; i++) {
            ask(PLAIN + "\r\n");
            later(HttpLimits.DEFAULT.idle().toSeconds() - 1);
            assertThat(channel.isActive()).isTrue();
        }
        later(1);
        assertThat(channel.isActive()).isFalse();
        assertThat(meters.sum(Meter.HTTP_ANSWERS, "cut")).isZero();
    }

    @Test
    void whoAsksNothingIsClosedOnAsEver() {
        later(HttpLimits.DEFAULT.firstRequest().toSeconds());
        assertThat(channel.isActive()).isFalse();
        assertThat(meters.sum(Meter.HTTP_ANSWERS, "cut")).isEqualTo(1);
    }

    private void later(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }

    private String ask(String request) {
        channel.writeInbound(buffer(request));
        return answers(channel);
    }

    /** What a server without the plain way answers. */
    private static String byServicesAlone(String requests) {
        EmbeddedChannel other = open(Optional.empty(), new Meters());
        other.writeInbound(buffer(requests));
        String answers = answers(other);
        other.finishAndReleaseAll();
        return answers;
    }

    @Test
    void whatLeavesIsCountedAgainstTheUploadAllowance() {
        List<Integer> spent = new ArrayList<>();
        Pace pace = new Pace() {
            @Override
            public long take(int bytes, boolean older) {
                return 0;
            }

            @Override
            public void spend(int bytes) {
                spent.add(bytes);
            }
        };
        EmbeddedChannel paced = open(Optional.of(asked), meters, pace);
        paced.writeInbound(buffer(PLAIN + "\r\n"));
        assertThat(answers(paced)).endsWith("x=1 at relay:7001");
        assertThat(asked.plainly).isEqualTo(1);
        assertThat(spent).containsExactly("x=1 at relay:7001".length());
        paced.finishAndReleaseAll();
    }

    private static EmbeddedChannel open(Optional<PlainGetService> plain, Meters meters) {
        return open(plain, meters, Pace.UNLIMITED);
    }

    private static EmbeddedChannel open(Optional<PlainGetService> plain, Meters meters, Pace pace) {
        HttpService service = plain.isPresent() ? (HttpService) plain.get() : new Asked();
        EmbeddedChannel channel = new Loopback();
        channel.freezeTime();
        new HttpServer(List.of(service), List.of(), HttpLimits.DEFAULT, pace, new HttpTallies(meters), plain)
                .install(channel.pipeline(), false);
        return channel;
    }

    private static String answers(EmbeddedChannel channel) {
        StringBuilder text = new StringBuilder();
        channel.runPendingTasks();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            text.append(out.toString(StandardCharsets.ISO_8859_1));
            out.release();
        }
        return text.toString();
    }

    private static ByteBuf buffer(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
    }

    /** A channel without a socket whose other end seems to be this machine. */
    private static final class Loopback extends EmbeddedChannel {
        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress("127.0.0.1", 40_000);
        }
    }
}
