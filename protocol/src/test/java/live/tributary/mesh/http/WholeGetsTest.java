package live.tributary.mesh.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WholeGetsTest {
    private static final String START = "GET /live/x/0/live.m3u8?a=%20 HTTP/1.1\r\nHost: gw.example:7000\r\n";

    private final WholeGets whole = new WholeGets(HttpLimits.DEFAULT);

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
    }

    private Optional<String> read(String text) {
        ByteBuf in = bytes(text);
        Optional<FullHttpRequest> request = Optional.ofNullable(whole.read(in));
        assertThat(in.readerIndex()).isEqualTo(request.isPresent() ? text.length() : 0);
        return request.map(WholeGetsTest::shown);
    }

    private static String shown(HttpRequest request) {
        List<String> headers = new ArrayList<>();
        for (Map.Entry<String, String> header : request.headers()) {
            headers.add(header.getKey().toLowerCase(java.util.Locale.ROOT) + ": " + header.getValue());
        }
        return request.method() + " " + request.uri() + " " + request.protocolVersion() + " " + headers;
    }

    /** Empty where the codec finds no whole request, or a broken one. */
    private static Optional<String> readByTheCodec(String text) {
        EmbeddedChannel channel = new EmbeddedChannel(new HttpRequestDecoder());
        channel.writeInbound(bytes(text));
        HttpObject first = channel.readInbound();
        Optional<String> shown =
                first instanceof HttpRequest request && request.decoderResult().isSuccess()
                        ? Optional.of(shown(request))
                        : Optional.empty();
        ReferenceCountUtil.release(first);
        channel.finishAndReleaseAll();
        return shown;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                START + "\r\n",
                START + "Accept-Encoding: gzip, deflate, br\r\nX-Forwarded-For: 30.0.0.1, 10.0.0.1\r\n\r\n",
                START + "CONNECTION: close\r\nx-own!#:  a b  \r\nX-Empty:\r\ncookie: a=\"b\"\r\nCookie: c\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n"
            })
    void readsWhatTheCodecReads(String request) {
        assertThat(read(request)).isPresent().isEqualTo(readByTheCodec(request));
    }

    @Test
    void readsNothingOtherwiseThanTheCodec() {
        Random random = new Random(1);
        String request = START + "Accept: */*\r\nX-Forwarded-For: 30.0.0.1\r\nRange: bytes=0-\r\n\r\n";
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            StringBuilder changed = new StringBuilder(request);
            for (int change = random.nextInt(3); change >= 0; change--) {
                char c = (char)
                        (random.nextInt(4) == 0 ? "\r\n: \t,/\0".charAt(random.nextInt(8)) : random.nextInt(256));
                changed.setCharAt(random.nextInt(changed.length()), c);
            }
            Optional<String> ours =
                    Optional.ofNullable(whole.read(bytes(changed.toString()))).map(WholeGetsTest::shown);
            if (ours.isPresent()) {
                read++;
                assertThat(ours).isEqualTo(readByTheCodec(changed.toString()));
            }
        }
        assertThat(read).isGreaterThan(1_000);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                "HEAD / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.0\r\n\r\n",
                "GET http://gw.example/ HTTP/1.1\r\n\r\n",
                "GET /a b HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\n\n",
                START + "Content-Length: 1\r\n\r\nx",
                START + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                START + "Expect: 100-continue\r\n\r\n",
                START + "Upgrade: websocket\r\n\r\n",
                START + "Host: other\r\n\r\n",
                START + "Folded: a\r\n b\r\n\r\n",
                START + "Spaced : a\r\n\r\n",
                START + "Tab: a\tb\r\n\r\n",
                START + "Bare: a\nb\r\n\r\n",
                START + ": nameless\r\n\r\n",
                START + "Foreign: \u00e9\r\n\r\n"
            })
    void leavesToTheCodecWhatIsNotPlain(String request) {
        assertThat(read(request)).isEmpty();
    }

    @Test
    void leavesToTheCodecWhatIsNotWhole() {
        String request = START + "Accept: */*\r\n\r\n";
        for (int length = 0; length < request.length(); length++) {
            assertThat(read(request.substring(0, length))).isEmpty();
        }
    }

    private static String padded(String start, int length) {
        return start + "X: " + "x".repeat(length - start.length() - 7) + "\r\n\r\n";
    }

    @Test
    void readsSoMuchAndNoByteMore() {
        assertThat(read(padded(START, WholeGets.MAX_LENGTH))).isPresent();
        assertThat(read(padded(START, WholeGets.MAX_LENGTH + 1))).isEmpty();
    }

    @Test
    void keepsTheServersLimits() {
        HttpLimits d = HttpLimits.DEFAULT;
        String line = "GET /" + "x".repeat(30) + " HTTP/1.1";
        HttpLimits tight = new HttpLimits(
                line.length(), 40, d.body(), d.pipelined(), d.firstRequest(), d.idle(), d.stalled(), d.answer());
        WholeGets limited = new WholeGets(tight);

        assertThat(limited.read(bytes(line + "\r\n" + padded("", 42)))).isNotNull();
        assertThat(limited.read(bytes(line + "\r\n" + padded("", 43)))).isNull();
        assertThat(limited.read(bytes("GET /x" + line.substring(5) + "\r\n\r\n")))
                .isNull();
    }

    /** A server behind both, and what it was asked. */
    private static EmbeddedChannel server(List<String> asked) {
        EmbeddedChannel channel = new EmbeddedChannel() {
            @Override
            protected SocketAddress remoteAddress0() {
                return new InetSocketAddress("127.0.0.1", 50_000);
            }
        };
        HttpServer.of(query -> {
                    asked.add(query.method() + query.rawPath());
                    return Optional.of(CompletableFuture.completedStage(HttpAnswer.text(200, "fine")));
                })
                .install(channel.pipeline(), false);
        return channel;
    }

    private static String get(String path) {
        return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }

    @Test
    void requestsThatComeTogetherAreAllAnswered() {
        List<String> asked = new ArrayList<>();
        EmbeddedChannel channel = server(asked);

        channel.writeInbound(bytes(get("/1") + get("/2") + get("/3")));
        assertThat(channel.pipeline().get(WholeGets.class)).isNotNull();
        channel.writeInbound(bytes(get("/4") + "POST /5 HTTP/1.1\r\nContent-Length: 0\r\n\r\n" + get("/6")));
        assertThat(channel.pipeline().get(WholeGets.class)).isNull();
        channel.writeInbound(bytes(get("/7").substring(0, 9)));
        channel.writeInbound(bytes(get("/7").substring(9)));

        assertThat(asked).containsExactly("GET/1", "GET/2", "GET/3", "GET/4", "GET/6", "GET/7");
        channel.finishAndReleaseAll();
    }

    @Test
    void requestInTwoPartsIsTheCodecs() {
        List<String> asked = new ArrayList<>();
        EmbeddedChannel channel = server(asked);
        ByteBuf half = bytes(get("/1").substring(0, 9));

        channel.writeInbound(half);
        channel.writeInbound(bytes(get("/1").substring(9) + get("/2")));

        assertThat(asked).containsExactly("GET/1", "GET/2");
        channel.finishAndReleaseAll();
        assertThat(half.refCnt()).isZero();
    }
}
