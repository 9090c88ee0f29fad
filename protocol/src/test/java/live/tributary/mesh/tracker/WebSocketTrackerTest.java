package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.Eventually;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.hls.WebSwarmIds;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.tracker.WebTrackerRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The WebSocket tracker as browsers meet it; each fault that the usual server has is a test here. */
@Timeout(120)
class WebSocketTrackerTest {
    private static final String UNKNOWN = "u".repeat(20);

    private final SampleStream sample = new SampleStream(1, Instant.EPOCH.plusSeconds(1000));
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final Meters meters = new Meters();
    private final AtomicLong clock = new AtomicLong();
    private final List<FakeStream> streams = new ArrayList<>(List.of(stream));
    private final WebTracker tracker =
            new WebTracker(TrackerLimits.DEFAULT, () -> streams, new SplittableRandom(1), clock.get());
    private final WebSocketTracker service = WebSocketTracker.everywhere(tracker, meters, clock::get);
    private final EventLoopGroup loops = Transport.best().newGroup("test-net", 2);
    private final List<BrowserClient> browsers = new ArrayList<>();
    private String swarm = "";
    private BoundPort port;

    @BeforeEach
    void bind() throws Exception {
        stream.say(head(1, sample.term()));
        stream.say(about());
        swarm = text(WebSwarmIds.mediaPlaylist(stream.key(), sample.term(), 0));
        port = BoundPort.bind(
                Transport.best(),
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(
                        List.of(),
                        new HttpServer(List.of(), List.of(service), HttpLimits.DEFAULT, Pace.UNLIMITED),
                        Optional.empty()),
                Optional.empty());
    }

    @AfterEach
    void stop() {
        browsers.forEach(BrowserClient::close);
        port.close();
        loops.shutdownGracefully();
    }

    @Test
    void bringsTwoPlayersTogetherOnAnyPath() throws Exception {
        BrowserClient first = browser("/");
        BrowserClient second = browser("/any/path?x=1");
        assertThat(first.send(announce(swarm, 1, "\"event\":\"started\""))
                        .next()
                        .toString())
                .isEqualTo("{\"complete\":0,\"incomplete\":1,\"action\":\"announce\",\"info_hash\":\"" + swarm
                        + "\",\"interval\":120}");

        second.send(announce(swarm, 2, offers(5)));
        assertThat(second.next().path("incomplete").asInt()).isEqualTo(2);
        JsonNode offer = first.next();
        assertThat(offer.path("offer").path("sdp").asText()).isEqualTo("v=0");
        assertThat(offer.path("peer_id").asText()).isEqualTo(id(2));

        first.send(answer(swarm, 1, 2, offer.path("offer_id").asText()));
        JsonNode answer = second.next();
        assertThat(answer.path("answer").path("type").asText()).isEqualTo("answer");
        assertThat(answer.path("offer_id")).isEqualTo(offer.path("offer_id"));
        assertThat(answer.path("peer_id").asText()).isEqualTo(id(1));
        assertThat(meters.sum(Meter.OFFERS, "passed")).isEqualTo(1);
        assertThat(meters.sum(Meter.ANNOUNCES, "ws")).isEqualTo(3);
    }

    @Test
    void tracksTheStreamsTorrentsAndLevelsAndNothingElse() throws Exception {
        Torrent torrent = stream.hold(sample.next(1000));
        BrowserClient browser = browser("/");
        JsonNode known = browser.send(announce(escaped(torrent.infoHash()), 1, "\"left\":0"))
                .next();
        assertThat(known.path("complete").asInt()).isEqualTo(1);
        assertThat(known.path("info_hash").asText()).isEqualTo(text(torrent.infoHash()));
        for (InfoHash level : WebSwarmIds.masterPlaylist(
                stream.key(), sample.term(), about().body().renditions())) {
            assertThat(browser.send(announce(text(level), 1, "\"left\":1"))
                            .next()
                            .has("failure reason"))
                    .isFalse();
        }
        assertFailure(browser.send(announce(UNKNOWN, 1, "\"left\":1")).next(), "announce", UNKNOWN);
    }

    @Test
    void keepsThePlayersOfTheTermBefore() throws Exception {
        BrowserClient browser = browser("/");
        browser.send(announce(swarm, 1, "\"left\":1")).next();
        stream.say(head(2, sample.term() + 5000));
        clock.addAndGet(TimeUnit.SECONDS.toNanos(2));

        String next = text(WebSwarmIds.mediaPlaylist(stream.key(), sample.term() + 5000, 0));
        assertThat(browser.send(announce(next, 1, "\"left\":1"))
                        .next()
                        .path("incomplete")
                        .asInt())
                .isEqualTo(1);
        assertThat(browser.send(announce(swarm, 1, "\"left\":1"))
                        .next()
                        .path("incomplete")
                        .asInt())
                .isEqualTo(1);
    }

    /** Fault 1: an offer of null took the whole server down. */
    @Test
    void survivesAnOfferOfNull() throws Exception {
        browser("/").send(announce(swarm, 1, "\"left\":1")).next();
        BrowserClient hostile = browser("/");

        assertFailure(hostile.send(announce(swarm, 2, "\"offers\":[null]")).next(), "announce", swarm);
        assertThat(hostile.send(announce(swarm, 2, offers(1)))
                        .next()
                        .path("incomplete")
                        .asInt())
                .isEqualTo(2);
    }

    /** Fault 2: of a connection with a peer id for each swarm only the first left. */
    @Test
    void forgetsAllSwarmsOfAConnectionThatCloses() throws Exception {
        String torrent = escaped(stream.hold(sample.next(1000)).infoHash());
        BrowserClient leaving = browser("/");
        leaving.send(announce(swarm, 1, "\"left\":1")).next();
        leaving.send(announce(torrent, 2, "\"left\":1")).next();
        leaving.close();

        BrowserClient staying = browser("/");
        eventuallyAlone(staying, swarm);
        eventuallyAlone(staying, torrent);
    }

    /** Fault 3: anybody could stop or replace another by his peer id. */
    @Test
    void letsNobodyStopAnother() throws Exception {
        BrowserClient victim = browser("/");
        victim.send(announce(swarm, 1, "\"left\":1")).next();
        BrowserClient thief = browser("/");

        assertFailure(thief.send(announce(swarm, 1, "\"event\":\"stopped\"")).next(), "announce", swarm);
        assertFailure(thief.send(announce(swarm, 1, offers(1))).next(), "announce", swarm);
        thief.send(announce(swarm, 3, offers(1))).next();

        assertThat(victim.next().path("peer_id").asText()).isEqualTo(id(3));
        assertThat(meters.sum(Meter.ANNOUNCES, "ws", "refused")).isEqualTo(2);
    }

    /** Fault 4: answers to no offer were passed on. */
    @Test
    void passesNoAnswerThatNobodyAwaits() throws Exception {
        BrowserClient one = browser("/");
        one.send(announce(swarm, 1, "\"left\":1")).next();
        BrowserClient other = browser("/");
        other.send(announce(swarm, 2, "\"left\":1")).next();

        one.send(answer(swarm, 1, 2, "o".repeat(20)));
        assertThat(one.gotNothing()).isTrue();
        assertThat(other.gotNothing()).isTrue();
        assertThat(meters.sum(Meter.OFFERS, "unasked")).isEqualTo(1);
        assertFailure(one.send(answer(swarm, 2, 1, "o".repeat(20))).next(), "announce", swarm);
    }

    /** Fault 5: a scrape without an infohash listed every swarm. */
    @Test
    void answersAScrapeOfNothingWithNothing() throws Exception {
        BrowserClient browser = browser("/");
        browser.send(announce(swarm, 1, "\"left\":0,\"event\":\"completed\"")).next();

        assertThat(browser.send("{\"action\":\"scrape\"}").next().toString())
                .isEqualTo("{\"action\":\"scrape\",\"files\":{},\"flags\":{\"min_request_interval\":120}}");
        assertThat(browser.send("{\"action\":\"scrape\",\"info_hash\":[\"" + swarm + "\",\"" + UNKNOWN + "\"]}")
                        .next()
                        .path("files")
                        .toString())
                .isEqualTo("{\"" + swarm + "\":{\"complete\":1,\"incomplete\":0,\"downloaded\":1}}");
    }

    /** Fault 6: failures came without an action, and clients stayed away for minutes. */
    @Test
    void namesActionAndInfoHashInEveryFailure() throws Exception {
        BrowserClient browser = browser("/");
        assertFailure(browser.send("nonsense").next(), "announce", "");
        assertFailure(
                browser.send("{\"action\":\"dance\",\"info_hash\":\"" + swarm + "\"}")
                        .next(),
                "announce",
                swarm);
        assertFailure(browser.send(announce(swarm, 1, "\"event\":\"resumed\"")).next(), "announce", swarm);
        assertFailure(
                browser.send("{\"action\":\"scrape\",\"info_hash\":\"short\"}").next(), "scrape", "");
        assertThat(meters.sum(Meter.ANNOUNCES, "ws", "malformed")).isEqualTo(4);
    }

    /** Fault 7: descriptions of any length were passed on. */
    @Test
    void takesMessagesOf64KibInFramesOf32Kib() throws Exception {
        byte[] frame = new byte[WebTrackerRequest.MAX_FRAME];
        Arrays.fill(frame, (byte) ' ');
        byte[] announce = announce(swarm, 1, "\"left\":1").getBytes(StandardCharsets.UTF_8);
        byte[] last = frame.clone();
        System.arraycopy(announce, 0, last, 0, announce.length);

        assertThat(answers(last)).contains("\"incomplete\":1").doesNotContain("failure");
        assertThat(answers(frame, last)).contains("\"incomplete\":1").doesNotContain("failure");
        assertThat(answers(Arrays.copyOf(last, last.length + 1))).doesNotContain("incomplete");
        assertThat(answers(frame, frame, last)).doesNotContain("incomplete");
        Eventually.holds("both are counted", () -> meters.sum(Meter.ANNOUNCES, "ws", "malformed") == 2);
    }

    /** What comes back, until the server closes, to one message in these frames and a close. */
    private String answers(byte[]... frames) throws IOException {
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        byte[] hello = ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < frames.length; i++) {
            int kind = (i == 0 ? 1 : 0) | (i == frames.length - 1 ? 0x80 : 0); // RFC 6455, 5.2; the mask is zero.
            sent.writeBytes(new byte[] {
                (byte) kind, (byte) 0xfe, (byte) (frames[i].length >> 8), (byte) frames[i].length, 0, 0, 0, 0
            });
            sent.writeBytes(frames[i]);
        }
        sent.writeBytes(new byte[] {(byte) 0x88, (byte) 0x80, 0, 0, 0, 0});
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port.port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(hello);
            int first = socket.getInputStream().read(); // A client waits for the handshake's end.
            assertThat(first).isEqualTo('H');
            socket.getOutputStream().write(sent.toByteArray());
            ByteArrayOutputStream got = new ByteArrayOutputStream();
            try {
                socket.getInputStream().transferTo(got);
            } catch (SocketException e) {
                assertThat(e).hasMessageContaining("reset"); // It closed without reading the rest.
            }
            return got.toString(StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void closesOnWhoSendsNothingButNonsense() throws Exception {
        BrowserClient browser = browser("/");
        for (int i = 0; i < WebSocketPeer.MAX_MALFORMED; i++) {
            browser.send("{");
        }
        assertThat(browser.isClosed()).isTrue();
    }

    @Test
    void takesNoMoreSwarmsThanAConnectionMayBeIn() throws Exception {
        BrowserClient browser = browser("/");
        for (int i = 0; i <= WebSocketPeer.MAX_SWARMS; i++) {
            String torrent = escaped(stream.hold(sample.next(10)).infoHash());
            JsonNode answer = browser.send(announce(torrent, 1, "\"left\":1")).next();
            assertThat(answer.has("failure reason")).isEqualTo(i == WebSocketPeer.MAX_SWARMS);
        }
        assertThat(browser.send(announce(swarm, 1, "\"event\":\"stopped\""))
                        .next()
                        .has("failure reason"))
                .isTrue();
    }

    @Test
    void asksAQuietBrowserForASignOfLifeAndGivesUp() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline().addLast(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));

        later(channel, WebSocketPeer.QUIET - 1);
        assertThat((Object) channel.readOutbound()).isNull();
        later(channel, 1);
        assertThat((Object) channel.readOutbound()).isInstanceOf(PingWebSocketFrame.class);
        later(channel, WebSocketPeer.GONE - WebSocketPeer.QUIET);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void asksForProofWhereAnotherComesWithTheSamePeerId() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        WebSocketPeer peer = new WebSocketPeer(service, InetAddress.getLoopbackAddress());
        channel.pipeline().addLast(peer);

        peer.prove();
        channel.runPendingTasks();
        assertThat((Object) channel.readOutbound()).isInstanceOf(PingWebSocketFrame.class);
        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.pipeline().fireChannelReadComplete();
        later(channel, WebSocketPeer.PROOF);
        assertThat(channel.isActive()).isTrue();

        peer.prove();
        channel.runPendingTasks();
        later(channel, WebSocketPeer.PROOF);
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void readsNothingMoreFromWhoDoesNotRead() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.pipeline().addLast(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.runPendingTasks();
        assertThat(channel.config().isAutoRead()).isFalse();

        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.runPendingTasks();
        assertThat(channel.config().isAutoRead()).isTrue();
        channel.writeInbound(new TextWebSocketFrame("{}"));
        channel.runPendingTasks();
        assertThat((Object) channel.readOutbound()).isInstanceOf(ByteBuf.class);
        channel.finishAndReleaseAll();
    }

    @Test
    void givesWhatComesCloselyTogetherTogether() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline().addLast(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));

        ask(channel);
        assertThat(messages(channel)).isEqualTo(1); // It was quiet.
        ask(channel);
        ask(channel);
        later(channel, DeliveryRound.LENGTH - 1);
        assertThat(channel.outboundMessages()).isEmpty();
        later(channel, 1);
        assertThat(channel.outboundMessages()).hasSize(1);
        assertThat(messages(channel)).isEqualTo(2);

        later(channel, DeliveryRound.LENGTH);
        ask(channel);
        assertThat(messages(channel)).isEqualTo(1);
        channel.finishAndReleaseAll();
    }

    @Test
    void whatWaitsLeavesBeforeTheConnectionIsClosed() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline().addLast(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));
        ask(channel);
        assertThat(messages(channel)).isEqualTo(1);

        ask(channel);
        channel.pipeline().fireUserEventTriggered(WebSocketService.CLOSING);
        assertThat(messages(channel)).isEqualTo(1);
        channel.finishAndReleaseAll();
    }

    @Test
    void whoClosesIsForgottenBeforeTheConnectionIsClosed() {
        EmbeddedChannel leaving = new EmbeddedChannel(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));
        leaving.writeInbound(new TextWebSocketFrame(announce(swarm, 1, "\"left\":1")));
        leaving.pipeline().fireUserEventTriggered(WebSocketService.CLOSING);

        EmbeddedChannel again = new EmbeddedChannel(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));
        again.writeInbound(new TextWebSocketFrame(announce(swarm, 1, "\"left\":1")));
        again.runPendingTasks();
        ByteBuf answer = again.readOutbound();
        assertThat(answer.toString(StandardCharsets.ISO_8859_1)).contains("\"incomplete\":1");
        answer.release();
        leaving.finishAndReleaseAll();
        again.finishAndReleaseAll();
    }

    @Test
    void whoAsksWithoutEndIsAnsweredBetweenTheRounds() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime();
        channel.pipeline().addLast(new WebSocketPeer(service, InetAddress.getLoopbackAddress()));
        String scrape = "{\"action\":\"scrape\",\"info_hash\":\"" + swarm + "\"}";
        int asked = 0;
        while (channel.outboundMessages().size() < 2) {
            channel.writeInbound(new TextWebSocketFrame(scrape));
            asked++;
            assertThat(asked).isLessThan(2 * Outbox.ENOUGH / scrape.length());
        }
        channel.finishAndReleaseAll();
    }

    private static void ask(EmbeddedChannel channel) {
        channel.writeInbound(new TextWebSocketFrame("{\"action\":\"scrape\"}"));
        channel.runPendingTasks();
    }

    /** How many messages left. */
    private static int messages(EmbeddedChannel channel) {
        int messages = 0;
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            String text = out.toString(StandardCharsets.ISO_8859_1);
            messages += text.split("\"action\"", -1).length - 1;
            out.release();
        }
        return messages;
    }

    private static void later(EmbeddedChannel channel, long nanos) {
        channel.advanceTimeBy(nanos, TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private void eventuallyAlone(BrowserClient browser, String swarm) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        int others;
        do {
            others = browser.send(announce(swarm, 9, "\"left\":1"))
                    .next()
                    .path("incomplete")
                    .asInt();
        } while (others != 1 && System.nanoTime() < until);
        assertThat(others).isEqualTo(1);
    }

    private static void assertFailure(JsonNode message, String action, String infoHash) {
        assertThat(message.path("failure reason").asText()).isNotEmpty();
        assertThat(message.path("action").asText()).isEqualTo(action);
        assertThat(message.path("info_hash").textValue()).isEqualTo(infoHash);
    }

    private BrowserClient browser(String path) {
        BrowserClient browser = new BrowserClient(URI.create("ws://127.0.0.1:" + port.port() + path));
        browsers.add(browser);
        return browser;
    }

    private static String announce(String infoHash, int id, String more) {
        return "{\"action\":\"announce\",\"info_hash\":\"" + infoHash + "\",\"peer_id\":\"" + id(id) + "\"," + more
                + "}";
    }

    private static String answer(String infoHash, int from, int to, String offerId) {
        return announce(
                infoHash,
                from,
                "\"to_peer_id\":\"" + id(to) + "\",\"offer_id\":\"" + offerId
                        + "\",\"answer\":{\"type\":\"answer\",\"sdp\":\"v=0\"}");
    }

    private static String offers(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "{\"offer_id\":\"" + String.format("%020d", i)
                        + "\",\"offer\":{\"type\":\"offer\",\"sdp\":\"v=0\"}}")
                .collect(Collectors.joining(",", "\"offers\":[", "]"));
    }

    private static String id(int number) {
        return String.format("-XX0001-%012d", number);
    }

    private static String text(InfoHash infoHash) {
        return new String(infoHash.bytes(), StandardCharsets.ISO_8859_1);
    }

    /** As a JSON string has it. */
    private static String escaped(InfoHash infoHash) {
        return text(infoHash)
                .chars()
                .mapToObj(
                        c -> c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : String.valueOf((char) c))
                .collect(Collectors.joining());
    }

    private SignedHead head(long seq, long term) {
        return SignedHead.sign(
                new Head(
                        seq,
                        Instant.EPOCH.plusSeconds(1300),
                        Head.Status.LIVE,
                        term,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        about().hash()),
                sample.signingKey());
    }

    private About about() {
        return About.sign(
                new About.Body(
                        sample.streamKey(),
                        "sample",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(
                                new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000"),
                                new Rendition(1, Rendition.Kind.AUDIO, "TYPE=AUDIO,NAME=\"a\",GROUP-ID=\"g\"")),
                        Duration.ofSeconds(4),
                        Optional.empty()),
                sample.signingKey());
    }
}
