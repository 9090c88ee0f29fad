package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import bt.metainfo.TorrentId;
import bt.net.InetPeer;
import bt.runtime.BtRuntime;
import bt.runtime.Config;
import bt.tracker.ITrackerService;
import bt.tracker.TrackerResponse;
import bt.tracker.http.HttpTrackerModule;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpTallies;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.AnnounceResponse;
import live.tributary.protocol.tracker.HttpTrackerFormat;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.ScrapeRequest;
import live.tributary.protocol.tracker.ScrapeResponse;
import live.tributary.protocol.tracker.UdpTrackerRequest;
import live.tributary.protocol.tracker.UdpTrackerResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The tracker as clients meet it: datagrams and requests byte for byte, and bt-core's clients. */
@Timeout(60)
class TrackerTransportsTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private static final int SILENCE_MILLIS = 300;

    private final SampleStream sample = new SampleStream(1, Instant.EPOCH);
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final Meters meters = new Meters();
    private final AtomicLong clock = new AtomicLong();
    private final Tracker tracker = new Tracker(
            TrackerLimits.DEFAULT,
            true,
            () -> List.of(new Endpoint(LOOPBACK, 7001)),
            relay -> false,
            (infoHash, peer, seeding) -> {},
            new SplittableRandom(1),
            0);
    private final HttpTracker http = new HttpTracker(tracker, meters, clock::get);
    private final EventLoopGroup loops = Transport.best().newGroup("test-net", 1);
    private Torrent torrent;
    private BoundPort port;
    private InetSocketAddress udp;

    @BeforeEach
    void bind() throws Exception {
        tracker.carry(stream);
        torrent = stream.hold(sample.next(100_000));
        // On all addresses, as relays do: IPv4 comes to an IPv6 socket, and with epoll many datagrams by one call.
        port = BoundPort.bind(
                Transport.best(),
                loops,
                BoundPort.Config.of(List.of(), 0),
                new PortServices(List.of(), httpServer(), Optional.empty()),
                Optional.of(() -> new UdpTracker(tracker, meters, new SplittableRandom(2), clock::get)));
        udp = new InetSocketAddress(LOOPBACK, port.port());
    }

    private HttpServer httpServer() {
        return new HttpServer(
                List.of(http),
                List.of(),
                HttpLimits.DEFAULT,
                Pace.UNLIMITED,
                new HttpTallies(meters),
                Optional.of(http));
    }

    @AfterEach
    void stop() {
        port.close();
        loops.shutdownGracefully();
    }

    @Test
    void answersStremiosAnnounceOverUdp() throws Exception {
        try (DatagramSocket socket = socket()) {
            long id = connect(socket);
            ByteBuf announce = Unpooled.buffer()
                    .writeLong(id)
                    .writeInt(1)
                    .writeInt(77)
                    .writeBytes(torrent.infoHash().bytes())
                    .writeBytes(HexFormat.of()
                            .parseHex("3031323334353637383930313233343536373839" + "0000000000000000"
                                    + "ffffffffffffffff" + "0000000000000000" + "00000002" + "00000000" + "00000000"
                                    + "00000032" + "1ae1"));
            assertThat(announce.readableBytes()).isEqualTo(98);

            String answer = hex(exchange(socket, announce));

            // announce, transaction, 120 s, one leecher (itself), one seeder: this relay, 127.0.0.1:7001
            assertThat(answer)
                    .isEqualTo("00000001" + "0000004d" + "00000078" + "00000001" + "00000001" + "7f000001" + "1b59");
        }
    }

    @Test
    void answersStremiosAnnounceOverHttp() throws Exception {
        HttpAnswer answer = get(
                "/announce",
                "numwant=50&uploaded=0&downloaded=0&event=started&compact=1&info_hash="
                        + percent(torrent.infoHash().bytes()) + "&peer_id=01234567890123456789&port=6881");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(text(answer))
                .isEqualTo("d8:completei1e10:incompletei1e8:intervali120e5:peers6:\u007f\0\0\u0001\u001b\u0059e");
    }

    @Test
    void keepsSilentWithoutAConnectionIdThatHolds() throws Exception {
        try (DatagramSocket socket = socket()) {
            long id = connect(socket);
            for (long wrong : new long[] {0x8000000000000000L, id ^ 1, 5}) {
                assertThat(send(socket, encode(new UdpTrackerRequest.Announce(wrong, 1, announce(torrent)))))
                        .isEmpty();
                assertThat(send(
                                socket,
                                Unpooled.buffer().writeLong(wrong).writeInt(9).writeInt(9)))
                        .isEmpty();
            }
            clock.addAndGet(TimeUnit.SECONDS.toNanos(121));
            assertThat(send(socket, encode(new UdpTrackerRequest.Announce(id, 1, announce(torrent)))))
                    .isEmpty();
        }
        assertThat(count("udp", "unverified")).isEqualTo(7);
    }

    @Test
    void tellsWhatIsWrongToTheHolderOfAConnectionId() throws Exception {
        try (DatagramSocket socket = socket()) {
            long id = connect(socket);
            AnnounceRequest unknown = new AnnounceRequest(
                    InfoHash.fromHex("ab".repeat(20)),
                    PeerId.STREMIO,
                    0,
                    OptionalLong.empty(),
                    0,
                    AnnounceEvent.NONE,
                    OptionalInt.empty(),
                    1);

            assertThat(answer(socket, new UdpTrackerRequest.Announce(id, 5, unknown)))
                    .isEqualTo(new UdpTrackerResponse.Failed(5, "unregistered torrent"));
            assertThat(hex(exchange(
                            socket, Unpooled.buffer().writeLong(id).writeInt(9).writeInt(6))))
                    .startsWith("0000000300000006");
        }
    }

    @Test
    void answersAScrapeOverUdpAndHttp() throws Exception {
        ScrapeRequest scrape = new ScrapeRequest(List.of(torrent.infoHash(), InfoHash.fromHex("ab".repeat(20))));
        try (DatagramSocket socket = socket()) {
            UdpTrackerResponse answer = answer(socket, new UdpTrackerRequest.Scrape(connect(socket), 3, scrape));

            assertThat(((UdpTrackerResponse.Scraped) answer).response().swarms().values())
                    .containsExactly(new ScrapeResponse.Counts(1, 0, 0), ScrapeResponse.Counts.NONE);
        }
        assertThat(text(get("/scrape", HttpTrackerFormat.query(scrape))))
                .startsWith("d5:filesd20:")
                .endsWith("d8:completei1e10:downloadedi0e10:incompletei0eeee");
    }

    /** BEP 7: IPv6 peers are strings of eighteen bytes, under a key of their own. */
    @Test
    void givesIpv6PeersUnderAKeyOfTheirOwn() throws Exception {
        String query = HttpTrackerFormat.query(new HttpTrackerFormat.Announce(announce(torrent), true));
        get("/announce", query, new InetSocketAddress(InetAddress.getByName("2a00::1"), 1));

        String answer = text(get("/announce", query, new InetSocketAddress(InetAddress.getByName("2a00::2"), 1)));

        String peer = "*\0" + "\0".repeat(13) + "\u0001" + "\u0013\u0088";
        assertThat(answer)
                .isEqualTo(
                        "d8:completei1e10:incompletei2e8:intervali120e5:peers6:\u007f\0\0\u0001\u001b\u00596:peers618:"
                                + peer + "e");
    }

    /** BEP 3's list of dictionaries for who asks for it, BEP 23's strings for all others. */
    @Test
    void givesPeersInTheFormThatIsAskedFor() throws Exception {
        String query = HttpTrackerFormat.query(new HttpTrackerFormat.Announce(announce(torrent), true));
        String start = "d8:completei1e10:incompletei1e8:intervali120e5:peers";
        String compact = start + "6:\u007f\0\0\u0001\u001b\u0059e";

        assertThat(text(get("/announce", query))).isEqualTo(compact);
        assertThat(text(get("/announce", query.replace("&compact=1", "")))).isEqualTo(compact);
        assertThat(text(get("/announce", query.replace("&compact=1", "&compact=0"))))
                .isEqualTo(start + "ld2:ip9:127.0.0.14:porti7001eeee");
    }

    /** BEP 48: as many torrents as are asked for and known, in the order of their bytes; nobody gets all without asking. */
    @Test
    void scrapesTheTorrentsThatAreAskedFor() throws Exception {
        Torrent other = stream.hold(sample.next(100_000));
        get("/announce", HttpTrackerFormat.query(new HttpTrackerFormat.Announce(announce(other), true)));
        List<InfoHash> sorted =
                Stream.of(torrent, other).map(Torrent::infoHash).sorted().toList();
        List<InfoHash> asked = List.of(sorted.get(1), InfoHash.fromHex("ab".repeat(20)), sorted.get(0));

        String answer = text(get("/scrape", HttpTrackerFormat.query(new ScrapeRequest(asked))));

        StringBuilder expected = new StringBuilder("d5:filesd");
        for (InfoHash infoHash : sorted) {
            int leechers = infoHash.equals(other.infoHash()) ? 1 : 0;
            expected.append("20:")
                    .append(new String(infoHash.bytes(), StandardCharsets.ISO_8859_1))
                    .append("d8:completei1e10:downloadedi0e10:incompletei")
                    .append(leechers)
                    .append("ee");
        }
        assertThat(answer).isEqualTo(expected + "ee");
        assertThat(text(get("/scrape", "x=1"))).startsWith("d14:failure reason");
    }

    @Test
    void announcesOverAConnectionThatStaysAreThoseOfTheService() throws Exception {
        String query = HttpTrackerFormat.query(new HttpTrackerFormat.Announce(announce(torrent), true));
        String expected = text(get("/announce", query));
        try (Socket socket = new Socket(LOOPBACK, port.port())) {
            socket.setSoTimeout(20_000);
            for (String more :
                    List.of("", "X-Other: 1\r\n", "")) { // The second is not plain, and the third comes after it.
                socket.getOutputStream()
                        .write(("GET /announce?" + query + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n")
                                .getBytes(StandardCharsets.ISO_8859_1));
                String head = "";
                while (!head.endsWith("\r\n\r\n")) {
                    head += (char) socket.getInputStream().read();
                }
                assertThat(head).startsWith("HTTP/1.1 200 OK\r\n").contains("content-length: " + expected.length());
                assertThat(new String(
                                socket.getInputStream().readNBytes(expected.length()), StandardCharsets.ISO_8859_1))
                        .isEqualTo(expected);
            }
        }
        assertThat(count("http", "answered")).isEqualTo(4);
    }

    @Test
    void whoComesThroughAProxyOnThisMachineHasItsOwnAllowance() throws Exception {
        HttpHeaders one = new DefaultHttpHeaders().set("x-forwarded-for", "192.0.2.7");
        for (int asked = 0; asked < TrackerLimits.DEFAULT.burst(); asked++) {
            assertThat(status(one)).isEqualTo(200);
        }
        assertThat(status(one)).isEqualTo(429);
        assertThat(status(new DefaultHttpHeaders().set("x-forwarded-for", "192.0.2.7, 192.0.2.8")))
                .isEqualTo(200);
    }

    private int status(HttpHeaders headers) throws Exception {
        return http.answer(query("/scrape", "", headers))
                .orElseThrow()
                .toCompletableFuture()
                .get()
                .status();
    }

    @Test
    void answersBadHttpWithTheProtocolsFailure() throws Exception {
        assertThat(text(get("/announce", ""))).startsWith("d14:failure reason");
        assertThat(text(get("/scrape", ""))).startsWith("d14:failure reason");
        assertThat(text(get(
                        "/announce",
                        HttpTrackerFormat.query(new HttpTrackerFormat.Announce(
                                new AnnounceRequest(
                                        InfoHash.fromHex("ab".repeat(20)),
                                        PeerId.STREMIO,
                                        0,
                                        OptionalLong.empty(),
                                        0,
                                        AnnounceEvent.NONE,
                                        OptionalInt.empty(),
                                        1),
                                true)))))
                .isEqualTo("d14:failure reason20:unregistered torrente");
        assertThat(http.answer(query("/elsewhere", "", new DefaultHttpHeaders())))
                .isEmpty();
    }

    @Test
    void namesTheHostThatTheClientWrote() throws Exception {
        String query = HttpTrackerFormat.query(new HttpTrackerFormat.Announce(announce(torrent), true));
        for (String host : List.of("192.168.3.4:7001", "[fd00::7]:7001")) {
            HttpHeaders headers = new DefaultHttpHeaders().set("host", host);
            HttpAnswer answer = http.answer(query("/announce", query, headers))
                    .orElseThrow()
                    .toCompletableFuture()
                    .get();

            assertThat(peers(answer))
                    .extracting(Endpoint::text)
                    .allMatch(text -> text.replace(":0:0:0:0:0:0:", "::").equals(host));
        }
        for (String host :
                List.of("", ":", "[", "]:", "[::1", "relay.example:7001", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:0")) {
            HttpHeaders headers = new DefaultHttpHeaders().set("host", host);
            HttpAnswer answer = http.answer(query("/announce", query, headers))
                    .orElseThrow()
                    .toCompletableFuture()
                    .get();

            assertThat(peers(answer)).containsExactly(new Endpoint(LOOPBACK, 7001));
        }
    }

    @Test
    void leavesToOthersWhatIsNotATrackersDatagram() throws Exception {
        try (DatagramSocket socket = socket()) {
            assertThat(send(socket, Unpooled.copiedBuffer("d1:ad2:id20:", StandardCharsets.US_ASCII)))
                    .isEmpty();
            assertThat(send(socket, Unpooled.buffer().writeByte(0x41).writeZero(19)))
                    .isEmpty();
            assertThat(send(socket, Unpooled.EMPTY_BUFFER)).isEmpty();
            assertThat(connect(socket)).isNegative();
        }
    }

    @Test
    void limitsWhatOneAddressMayAskButNotThisMachineItself() throws Exception {
        InetSocketAddress stranger = new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 50_000);
        for (int asked = 0; asked < TrackerLimits.DEFAULT.burst(); asked++) {
            assertThat(get("/scrape", "", stranger).status()).isEqualTo(200);
        }

        HttpAnswer limited = get("/scrape", "", stranger);
        assertThat(limited.status()).isEqualTo(429);
        assertThat(limited.headers()).containsKey("retry-after");
        EmbeddedChannel channel =
                new EmbeddedChannel(new UdpTracker(tracker, meters, new SplittableRandom(2), clock::get));
        channel.writeInbound(
                new io.netty.channel.socket.DatagramPacket(encode(new UdpTrackerRequest.Connect(1)), udp, stranger));
        assertThat((Object) channel.readOutbound()).isNull();
        assertThat(count("udp", "limited")).isEqualTo(1);
        assertThat(get("/scrape", "").status()).isEqualTo(200);
    }

    @Test
    void btCoresClientsFindThisRelay() throws Exception {
        Config config = new Config();
        config.setAcceptorAddress(LOOPBACK);
        config.setAcceptorPort(0);
        BtRuntime runtime = BtRuntime.builder(config)
                .module(new HttpTrackerModule())
                .disableStandardExtensions()
                .disableAutomaticShutdown()
                .build();
        ITrackerService trackers = runtime.service(ITrackerService.class);
        TorrentId id = TorrentId.fromBytes(torrent.infoHash().bytes());
        for (String url : List.of(
                "udp://127.0.0.1:" + port.port() + "/announce", "http://127.0.0.1:" + port.port() + "/announce")) {
            TrackerResponse response = trackers.getTracker(url).request(id).start();

            assertThat(response.getError()).isEmpty();
            assertThat(response.isSuccess()).as(response.getErrorMessage()).isTrue();
            List<Integer> ports = new ArrayList<>();
            response.getPeers().forEach(peer -> ports.add(((InetPeer) peer).getPort()));
            assertThat(ports).contains(7001);
            assertThat(trackers.getTracker(url).request(id).stop().isSuccess()).isTrue();
        }
        runtime.shutdown();
    }

    private long count(String transport, String result) {
        return meters.tally(Meter.ANNOUNCES, transport, result).sum();
    }

    private static AnnounceRequest announce(Torrent torrent) {
        return new AnnounceRequest(
                torrent.infoHash(),
                PeerId.of(new byte[PeerId.LENGTH]),
                0,
                OptionalLong.of(5),
                0,
                AnnounceEvent.STARTED,
                OptionalInt.empty(),
                5000);
    }

    private static List<Endpoint> peers(HttpAnswer answer) throws Exception {
        byte[] body = new byte[answer.body().readableBytes()];
        answer.body().readBytes(body);
        Optional<AnnounceResponse> response = HttpTrackerFormat.readAnswer(body).response();
        return response.orElseThrow().peers();
    }

    private HttpAnswer get(String path, String rawQuery) throws Exception {
        return get(path, rawQuery, new InetSocketAddress(LOOPBACK, 50_000));
    }

    private HttpAnswer get(String path, String rawQuery, InetSocketAddress from) throws Exception {
        HttpQuery query = query(path, rawQuery, new DefaultHttpHeaders());
        return http.answer(new HttpQuery(
                        query.method(), path, rawQuery, query.headers(), from, false, Unpooled.EMPTY_BUFFER))
                .orElseThrow()
                .toCompletableFuture()
                .get();
    }

    private static HttpQuery query(String path, String rawQuery, HttpHeaders headers) {
        return new HttpQuery(
                "GET", path, rawQuery, headers, new InetSocketAddress(LOOPBACK, 50_000), false, Unpooled.EMPTY_BUFFER);
    }

    private static String text(HttpAnswer answer) {
        return answer.body().toString(StandardCharsets.ISO_8859_1);
    }

    private static String percent(byte[] bytes) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : bytes) {
            encoded.append(String.format("%%%02x", b & 0xff));
        }
        return encoded.toString();
    }

    private static DatagramSocket socket() throws Exception {
        return new DatagramSocket(0, LOOPBACK);
    }

    private long connect(DatagramSocket socket) throws Exception {
        return ((UdpTrackerResponse.Connected) answer(socket, new UdpTrackerRequest.Connect(42))).connectionId();
    }

    private UdpTrackerResponse answer(DatagramSocket socket, UdpTrackerRequest request) throws Exception {
        return UdpTrackerResponse.read(Unpooled.wrappedBuffer(exchange(socket, encode(request))), request, LOOPBACK);
    }

    private static ByteBuf encode(UdpTrackerRequest request) {
        ByteBuf out = Unpooled.buffer();
        UdpTrackerRequest.write(request, out);
        return out;
    }

    private byte[] exchange(DatagramSocket socket, ByteBuf request) throws Exception {
        return send(socket, request, 5000).orElseThrow();
    }

    private Optional<byte[]> send(DatagramSocket socket, ByteBuf request) throws Exception {
        return send(socket, request, SILENCE_MILLIS);
    }

    private Optional<byte[]> send(DatagramSocket socket, ByteBuf request, int patience) throws Exception {
        byte[] bytes = new byte[request.readableBytes()];
        request.readBytes(bytes);
        socket.send(new DatagramPacket(bytes, bytes.length, udp));
        socket.setSoTimeout(patience);
        DatagramPacket answer = new DatagramPacket(new byte[4096], 4096);
        try {
            socket.receive(answer);
            return Optional.of(Arrays.copyOf(answer.getData(), answer.getLength()));
        } catch (SocketTimeoutException e) {
            return Optional.empty();
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
