package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.http.HttpTallies;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.http.PlainGet;
import live.tributary.mesh.http.PlainGetService;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.wire.Handshake;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BoundPortTest {
    @TempDir
    Path directory;

    private static final InfoHash KNOWN = InfoHash.ofInfo(new byte[] {1});
    private static final byte[] PEER_ID = "-TB0001-abcdefghijkl".getBytes(StandardCharsets.US_ASCII);

    private final HttpService http = query -> query.rawPath().equals("/hello")
            ? Optional.of(CompletableFuture.completedStage(HttpAnswer.text(200, "hello")))
            : Optional.empty();
    private final WebSocketService webSocket = query -> query.rawPath().equals("/ws")
            ? Optional.of(new SimpleChannelInboundHandler<TextWebSocketFrame>() {
                @Override
                protected void channelRead0(ChannelHandlerContext ctx, TextWebSocketFrame frame) {
                    ctx.writeAndFlush(new TextWebSocketFrame("heard " + frame.text()));
                }
            })
            : Optional.empty();
    private final WireService wire = (context, theirs) -> {
        if (!theirs.infoHash().equals(KNOWN)) {
            return false;
        }
        context.pipeline().addLast(new SimpleChannelInboundHandler<io.netty.buffer.ByteBuf>() {
            @Override
            protected void channelRead0(ChannelHandlerContext ctx, io.netty.buffer.ByteBuf bytes) {
                ctx.writeAndFlush(bytes.retain()); // An echo of what follows the handshake.
            }
        });
        return true;
    };
    private final PortServices services = new PortServices(
            List.of((context, theirs) -> false, wire),
            new HttpServer(List.of(http), List.of(webSocket), HttpLimits.DEFAULT, Pace.UNLIMITED),
            Optional.empty());
    private Optional<EventLoopGroup> group = Optional.empty();
    private Optional<BoundPort> port = Optional.empty();

    @AfterEach
    void close() {
        port.ifPresent(BoundPort::close);
        group.ifPresent(
                loops -> loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly());
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void tcpAndUdpShareOneNumberAndBothFamilies(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(), 0);
        assertThat(bound.udp().get(0).getPort()).isEqualTo(bound.port());
        for (String host : List.of("127.0.0.1", "::1")) {
            InetAddress address = InetAddress.getByName(host);
            try (Socket socket = new Socket(address, bound.port())) {
                assertThat(socket.isConnected()).isTrue();
            }
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.setSoTimeout(5_000);
                socket.send(
                        new java.net.DatagramPacket(new byte[] {7}, 1, new InetSocketAddress(address, bound.port())));
                var answer = new java.net.DatagramPacket(new byte[64], 64);
                socket.receive(answer);
                assertThat(new String(answer.getData(), 0, answer.getLength(), StandardCharsets.US_ASCII))
                        .isEqualTo(address.getHostAddress());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void speaksHttpAndKeepsTheConnection(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(InetAddress.getLoopbackAddress()), 0);
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 2; i++) {
            var answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + bound.port() + "/hello"))
                            .version(HttpClient.Version.HTTP_1_1)
                            .build(),
                    BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo("hello\n");
        }
        assertThat(bound.connections()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void givesTheHandshakeToTheServiceThatKnowsIt(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(InetAddress.getLoopbackAddress()), 0);
        try (Socket socket = connect(bound)) {
            for (byte b : handshake(KNOWN, "after")) {
                socket.getOutputStream().write(b);
                socket.getOutputStream().flush();
            }
            assertThat(new String(socket.getInputStream().readNBytes(5), StandardCharsets.US_ASCII))
                    .isEqualTo("after");
        }
        try (Socket socket = connect(bound)) {
            socket.getOutputStream().write(handshake(InfoHash.ofInfo(new byte[] {2}), ""));
            assertThat(closed(socket.getInputStream())).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void closesOnStrangeFirstBytes(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(InetAddress.getLoopbackAddress()), 0);
        for (String strange : List.of("\u0013BitTorrent protocoL", "\u0016\u0003\u0001aaa", "GETS / HTTP/1.1", "x")) {
            try (Socket socket = connect(bound)) {
                socket.getOutputStream().write(strange.getBytes(StandardCharsets.ISO_8859_1));
                assertThat(closed(socket.getInputStream())).isTrue();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void becomesAWebSocketWhereAServiceTakesIt(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(InetAddress.getLoopbackAddress()), 0);
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        WebSocket socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + bound.port() + "/ws"), new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
                        heard.add(data.toString());
                        return WebSocket.Listener.super.onText(webSocket, data, last);
                    }
                })
                .get(10, TimeUnit.SECONDS);
        socket.sendText("hel", false)
                .thenCompose(sent -> sent.sendText("lo", true))
                .get(10, TimeUnit.SECONDS);
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("heard hello");
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(10, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void sendsDatagramsFromItsOwnPortAndTakesNoneFromThisMachineForTheInternets(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(), 0);
        for (String host : List.of("127.0.0.1", "::1")) {
            InetAddress address = InetAddress.getByName(host);
            try (DatagramSocket socket = new DatagramSocket(0, address)) {
                socket.setSoTimeout(5_000);
                bound.send(
                        new Endpoint(address, socket.getLocalPort()),
                        Unpooled.buffer().writeByte(9));
                var came = new java.net.DatagramPacket(new byte[64], 64);
                socket.receive(came);
                assertThat(came.getLength()).isEqualTo(1);
                assertThat(came.getPort()).isEqualTo(bound.port());
                socket.send(new java.net.DatagramPacket(new byte[] {7}, 1, address, bound.port()));
                socket.receive(came); // The port's own answer: so it has come in.
            }
        }
        assertThat(bound.datagramFromOutside(true)).isFalse();
        assertThat(bound.datagramFromOutside(false)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void saysWhichPortIsTaken(Transport transport) throws Exception {
        BoundPort bound = bind(transport, List.of(InetAddress.getLoopbackAddress()), 0);
        BoundPort.Config same = BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), bound.port());
        assertThatThrownBy(() -> BoundPort.bind(transport, group.orElseThrow(), same, services, Optional.empty()))
                .isInstanceOf(BindException.class) // Which the launcher tells in one line.
                .hasMessageContaining("TCP port " + bound.port());
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void closesConnectionsFromRefusedAddresses(Transport transport) throws Exception {
        EventLoopGroup loops = transport.newGroup("test-net", 1);
        group = Optional.of(loops);
        BoundPort.Config refusing = BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0)
                .refusing(InetAddress::isLoopbackAddress);
        BoundPort bound = BoundPort.bind(transport, loops, refusing, services, Optional.empty());
        port = Optional.of(bound);
        assertThat(bound.udp()).isEmpty();
        try (Socket socket = connect(bound)) {
            assertThat(closed(socket.getInputStream())).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void speaksHttpWithinTls(Transport transport) throws Exception {
        EventLoopGroup loops = transport.newGroup("test-net", 1);
        group = Optional.of(loops);
        SelfSigned identity = SelfSigned.create(directory);
        PortServices secure = new PortServices(
                services.wire(), services.http(), Optional.of(ServerTls.of(identity.certificate(), identity.key())));
        BoundPort bound = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                secure,
                Optional.empty());
        port = Optional.of(bound);
        HttpClient client =
                HttpClient.newBuilder().sslContext(identity.clientContext()).build();
        var answer = client.send(
                HttpRequest.newBuilder(URI.create("https://localhost:" + bound.port() + "/hello"))
                        .build(),
                BodyHandlers.ofString());
        assertThat(answer.body()).isEqualTo("hello\n");
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
    }

    @Test
    void answersPlainGetsWithinTls() throws Exception {
        List<Boolean> tls = new ArrayList<>();
        PlainGetService plain = new PlainGetService() {
            @Override
            public String path() {
                return "/asked";
            }

            @Override
            public Map<String, String> headers() {
                return Map.of();
            }

            @Override
            public Optional<byte[]> answer(PlainGet request) {
                tls.add(request.tls());
                return Optional.of(request.rawQuery().getBytes(StandardCharsets.US_ASCII));
            }
        };
        EventLoopGroup loops = Transport.best().newGroup("test-net", 1);
        group = Optional.of(loops);
        SelfSigned identity = SelfSigned.create(directory);
        HttpServer server = new HttpServer(
                List.of(http),
                List.of(),
                HttpLimits.DEFAULT,
                Pace.UNLIMITED,
                new HttpTallies(new Meters()),
                Optional.of(plain));
        BoundPort bound = BoundPort.bind(
                Transport.best(),
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(), server, Optional.of(ServerTls.of(identity.certificate(), identity.key()))),
                Optional.empty());
        port = Optional.of(bound);
        try (Socket socket = identity.clientContext()
                .getSocketFactory()
                .createSocket(InetAddress.getLoopbackAddress(), bound.port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write(("GET /asked?one HTTP/1.1\r\n\r\nGET /asked?two HTTP/1.1\r\n\r\n"
                                    + "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .containsSubsequence("\r\n\r\none", "\r\n\r\ntwo", "\r\n\r\nhello\n");
        }
        assertThat(tls).containsExactly(true, true);
    }

    @Test
    void saysWhichCertificateCannotBeRead() {
        assertThatThrownBy(() -> ServerTls.of(directory.resolve("none.pem"), directory.resolve("none.key")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("none.pem");
    }

    @Test
    void refusesTheKeyOfAnotherCertificate() throws Exception {
        SelfSigned one = SelfSigned.create(Files.createDirectory(directory.resolve("one")));
        SelfSigned other = SelfSigned.create(Files.createDirectory(directory.resolve("other")));
        assertThatThrownBy(() -> ServerTls.of(one.certificate(), other.key()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the key is another certificate's");
    }

    @Test
    void readsNoMoreThanAMebibyteOfACertificate() throws Exception {
        Path endless = Files.write(directory.resolve("endless.pem"), new byte[1024 * 1024 + 1]);
        assertThatThrownBy(() -> ServerTls.of(endless, endless))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("longer than 1 MiB");
    }

    private BoundPort bind(Transport transport, List<InetAddress> addresses, int number) throws IOException {
        EventLoopGroup loops = transport.newGroup("test-net", 1);
        group = Optional.of(loops);
        BoundPort bound = BoundPort.bind(
                transport, loops, BoundPort.Config.of(addresses, number), services, Optional.of(SourceEcho::new));
        port = Optional.of(bound);
        return bound;
    }

    /** Answers each datagram with the address that it came from. */
    private static final class SourceEcho extends SimpleChannelInboundHandler<DatagramPacket> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, DatagramPacket packet) {
            byte[] host = packet.sender()
                    .getAddress()
                    .getHostAddress()
                    .replaceAll("%.*", "")
                    .getBytes(StandardCharsets.US_ASCII);
            ctx.writeAndFlush(new DatagramPacket(ctx.alloc().buffer().writeBytes(host), packet.sender()));
        }
    }

    private static Socket connect(BoundPort bound) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), bound.port());
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static byte[] handshake(InfoHash infoHash, String after) {
        var bytes = io.netty.buffer.Unpooled.buffer();
        new Handshake(infoHash, PEER_ID, true, true).write(bytes);
        bytes.writeCharSequence(after, StandardCharsets.US_ASCII);
        return io.netty.buffer.ByteBufUtil.getBytes(bytes);
    }

    private static boolean closed(InputStream in) throws IOException {
        try {
            return in.read() < 0;
        } catch (java.net.SocketException reset) {
            return true;
        }
    }
}
