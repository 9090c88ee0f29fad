package live.tributary.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import io.netty.channel.EventLoopGroup;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.FrontDoor;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gateway's answers as they stand on a socket: what a browser is shown of errors, and what HEAD says. */
@Timeout(60)
class GatewaySocketTest {
    private static final FakeStream STREAM = stream();
    private static final String ID = "tributary%3A" + STREAM.key().text();

    private static final int BURST = 500;

    private final Transport transport = Transport.best();
    private final EventLoopGroup loops = transport.newGroup("test", 1);

    @AfterEach
    void stop() {
        loops.shutdownGracefully();
    }

    private static FakeStream stream() {
        FakeStream stream = FakeStream.live(1, "Harbour Radio", 20);
        stream.holdAll(stream.relay(1, "20.0.0.1"), stream.relay(2, "20.0.1.1"));
        stream.closeWindow(0);
        return stream;
    }

    private static HttpService gateway() {
        return gateway(System::nanoTime);
    }

    private static HttpService gateway(Ticker ticker) {
        ListedStreams listed = new ListedStreams();
        listed.add(STREAM);
        return Gateway.of(
                new Gateway.Policy(
                        new AddonIdentity("live.tributary", "Tributary", "0.1.0"),
                        Optional.empty(),
                        List.of(),
                        false,
                        false),
                listed,
                Locator.NOWHERE,
                new RelayHealth(),
                new Meters(),
                () -> FakeStream.EPOCH.plusSeconds(80),
                ticker);
    }

    private BoundPort listening(HttpService service) throws IOException {
        return BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(), HttpServer.of(service), Optional.empty()),
                Optional.empty());
    }

    /** An answer as it was read. */
    private record Read(int status, Map<String, String> headers, byte[] body) {}

    /** Asks on a connection that is closed afterwards, unless {@code lasting}. */
    private static Read ask(int port, String method, String path, String... headers) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\nhost: gw.example\r\n");
            for (String header : headers) {
                request.append(header).append("\r\n");
            }
            socket.getOutputStream().write((request + "\r\n").getBytes(StandardCharsets.US_ASCII));
            return read(socket.getInputStream(), method);
        }
    }

    private static Read read(InputStream in, String method) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("closed in the middle of a head: " + head);
            }
            head.write(next);
        }
        List<String> lines = head.toString(StandardCharsets.ISO_8859_1).lines().toList();
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        lines.stream().skip(1).filter(line -> !line.isEmpty()).forEach(line -> {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
        });
        int length = method.equals("HEAD") ? 0 : Integer.parseInt(headers.getOrDefault("content-length", "0"));
        return new Read(Integer.parseInt(lines.get(0).split(" ")[1]), headers, in.readNBytes(length));
    }

    static Stream<String> paths() {
        String live = "/live/" + STREAM.key().text();
        return Stream.of(
                "/manifest.json",
                "/catalog/tv/live-streams.json",
                "/catalog/tv/live-streams/skip=x.json",
                "/meta/tv/" + ID + ".json",
                "/stream/tv/" + ID + ".json",
                "/stream/tv/nothing.json",
                "/%7B/manifest.json",
                "/",
                "/configure",
                "/web/style.css",
                "/web/hls.min.js",
                "/watch/" + STREAM.key().text(),
                live + "/master.m3u8",
                live + "/0/live.m3u8",
                live + "/9/live.m3u8",
                "/hybrid/" + STREAM.key().text() + "/0/live.m3u8",
                "/owncast/" + STREAM.key().text() + "/hls/0/stream.m3u8",
                "/steer/" + STREAM.key().text() + ".json",
                "/relays.json",
                "/health",
                "/nothing");
    }

    @ParameterizedTest
    @MethodSource("paths")
    void headEqualsGetAndEveryAnswerCarriesCors(String path) throws Exception {
        try (BoundPort port = listening(gateway())) {
            for (String more :
                    new String[] {"accept: */*", "accept-encoding: gzip", "connection: close", "connection: close"}) {
                Read get = ask(port.port(), "GET", path, more);
                Read head = ask(port.port(), "HEAD", path, more);

                assertThat(head.status()).isEqualTo(get.status());
                assertThat(head.headers()).isEqualTo(get.headers());
                assertThat(head.body()).isEmpty();
                assertThat(get.headers())
                        .containsEntry("access-control-allow-origin", "*")
                        .containsEntry("content-length", Integer.toString(get.body().length))
                        .containsKey("cache-control");
            }
        }
    }

    @Test
    void whatIsPreparedIsAnsweredByTheSameConnectionAgainAndAgain() throws Exception {
        try (BoundPort port = listening(gateway());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), port.port())) {
            String request = " /stream/tv/" + ID + ".json HTTP/1.1\r\nhost: gw.example\r\n\r\n";
            socket.getOutputStream()
                    .write(("GET" + request + "HEAD" + request + "GET" + request).getBytes(StandardCharsets.US_ASCII));

            Read first = read(socket.getInputStream(), "GET");
            Read head = read(socket.getInputStream(), "HEAD");
            Read last = read(socket.getInputStream(), "GET");

            assertThat(first.status()).isEqualTo(200);
            assertThat(last.body()).isEqualTo(first.body());
            assertThat(head.headers()).isEqualTo(first.headers());
        }
    }

    @Test
    void clientOfAnOldProtocolIsAnsweredAndClosedOn() throws Exception {
        try (BoundPort port = listening(gateway());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), port.port())) {
            socket.getOutputStream()
                    .write("GET /manifest.json HTTP/1.0\r\nhost: gw.example\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));

            Read answer = read(socket.getInputStream(), "GET");

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.headers()).containsEntry("connection", "close");
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void tooManyRequestsAreRefusedWithCorsAndATime() throws Exception {
        try (BoundPort port = listening(gateway(() -> 0)); // No time passes: the burst is all that there is.
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), port.port())) {
            byte[] request = "GET /health HTTP/1.1\r\nhost: gw.example\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < BURST; i++) {
                socket.getOutputStream().write(request);
                assertThat(read(socket.getInputStream(), "GET").status()).isEqualTo(200);
            }
            socket.getOutputStream().write(request);
            Read refused = read(socket.getInputStream(), "GET");

            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.headers())
                    .containsEntry("access-control-allow-origin", "*")
                    .containsEntry("retry-after", "5")
                    .containsEntry("cache-control", "no-store");
        }
    }

    @Test
    void serviceThatFailsIsA500WithCors() throws Exception {
        FrontDoor failing = new FrontDoor(
                new Visits(new ClientAddress(List.of()), Locator.NOWHERE, Optional.empty()),
                Optional.empty(),
                new Meters(),
                List.of(query -> {
                    throw new IllegalStateException("on purpose");
                }));
        try (BoundPort port = listening(failing)) {
            for (String method : List.of("GET", "HEAD")) {
                Read answer = ask(port.port(), method, "/manifest.json");

                assertThat(answer.status()).isEqualTo(500);
                assertThat(answer.headers())
                        .containsEntry("access-control-allow-origin", "*")
                        .containsEntry("cache-control", "no-store");
            }
        }
    }
}
