package live.tributary.gateway.notify;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.http.HttpClient;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.MeshNodeConfig;
import live.tributary.mesh.net.MeshParts;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.net.Transport;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.notify.NotifyProof;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A gateway without a DHT and without a neighbour, on a real port, told by whoever connects. */
@Timeout(120)
class NotifyServiceTest {
    private static final SigningKey GATEWAY = SigningKey.fromSeed(new byte[SigningKey.SEED_LENGTH]);

    private final SampleStream sample = new SampleStream(3, Instant.now().minusSeconds(60));
    private final SampleStream other = new SampleStream(4, Instant.now().minusSeconds(60));
    private final HttpClient client = HttpClient.newHttpClient();
    private final ListedStreams listed = new ListedStreams();
    private final Meters meters = new Meters();
    private final EventLoopGroup loops = Transport.NIO.newGroup("test-gateway", 2);
    private final ChunkStore store = ChunkStore.inMemory(1);
    private final TcpMeshNode mesh = new TcpMeshNode(
            MeshNodeConfig.builder(GATEWAY).privateAddresses(true).build(),
            MeshParts.of(
                    Transport.NIO,
                    loops,
                    store,
                    Rendezvous.none(),
                    new UploadBudget(1_000_000_000, System::nanoTime),
                    meters));
    private final List<AutoCloseable> parts = new ArrayList<>();
    private int port;

    @AfterEach
    void stop() throws Exception {
        mesh.close();
        for (AutoCloseable part : parts) {
            part.close();
        }
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        store.close();
    }

    private void start(boolean open, Set<StreamKey> denied, NotifyLimits limits, StreamKey... streams)
            throws IOException {
        NotifyService service = new NotifyService(
                new NotifyService.Policy(open, denied::contains, limits, Duration.ofHours(1)),
                GATEWAY,
                mesh,
                listed,
                query -> query.remote().getAddress(),
                meters,
                InstantSource.system(),
                new SecureRandom());
        parts.add(service);
        BoundPort bound = BoundPort.bind(
                Transport.NIO,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(
                        List.of(mesh),
                        new HttpServer(List.of(), List.of(service), HttpLimits.DEFAULT, Pace.UNLIMITED),
                        Optional.empty()),
                Optional.empty());
        parts.add(bound);
        port = bound.port();
        mesh.listeningOn(port);
        for (StreamKey stream : streams) {
            listed.add(mesh.carry(stream, NodeRole.LISTENER));
        }
    }

    private void listing() throws IOException {
        start(false, Set.of(), NotifyLimits.DEFAULT, sample.streamKey());
    }

    private RawOrigin origin() {
        return new RawOrigin(client, port);
    }

    @Test
    void whatIsPushedIsAllThatAGatewayWithoutADhtNeeds() throws Exception {
        listing();
        RawOrigin origin = origin();
        assertThat(origin.proves(sample.signingKey()).places()).isEmpty();
        List<ChunkRecord> records = push(origin, sample, 3);
        origin.tells(LiveMessage.Stored.sign(records.get(1).chunk(), sample.signingKey()));

        StreamView view = listed.find(sample.streamKey().text()).orElseThrow();
        eventually("records", () -> view.newest(0, 10).equals(records));
        eventually("bucket", () -> view.storedInBucket(records.get(1).chunk()));
        assertThat(view.live()).isTrue();
        assertThat(view.about().orElseThrow().body().name()).isEqualTo("sample");
        assertThat(view.storedInBucket(records.get(0).chunk())).isFalse();
        assertThat(meters.scrape())
                .contains("tributary_notify_links 1.0", "tributary_notify_news_total{result=\"taken\"}");
    }

    @Test
    void whoComesAgainIsToldWhatIsHere() throws Exception {
        listing();
        RawOrigin first = origin();
        first.proves(sample.signingKey());
        List<ChunkRecord> records = push(first, sample, 2);
        StreamView view = listed.find(sample.streamKey().text()).orElseThrow();
        eventually("records", () -> view.newest(0, 10).size() == 2);
        first.closes();

        ChunkRecord newest = records.get(1);
        assertThat(origin().proves(sample.signingKey()).places())
                .containsExactly(new NotifyMessage.Place(newest.chunk(), newest.hash()));
    }

    @Test
    void aStreamThatNobodyListedIsRefused() throws Exception {
        listing();
        RawOrigin origin = origin();
        origin.says(new NotifyMessage.Open(other.streamKey(), new byte[NotifyMessage.NONCE_LENGTH]));

        assertThat(origin.isRefused()).isEqualTo("this stream is not listed here");
    }

    @Test
    void anOpenGatewayListsAStreamWithItsFirstLiveHead() throws Exception {
        start(true, Set.of(), NotifyLimits.DEFAULT);
        RawOrigin origin = origin();
        origin.proves(other.signingKey());
        origin.tells(new LiveMessage.RecordNews(other.next(1000).record()));
        eventually("counted", () -> news("not-live") == 1);
        assertThat(listed.all()).isEmpty();

        push(origin, other, 1);
        eventually(
                "listed",
                () -> listed.find(other.streamKey().text())
                        .filter(view -> view.newest(0, 9).size() == 1)
                        .isPresent());
    }

    @Test
    void aDeniedStreamIsListedNowhere() throws Exception {
        start(true, Set.of(other.streamKey()), NotifyLimits.DEFAULT);
        RawOrigin origin = origin();
        origin.says(new NotifyMessage.Open(other.streamKey(), new byte[NotifyMessage.NONCE_LENGTH]));

        assertThat(origin.isRefused()).contains("not listed");
    }

    @Test
    void anOpenGatewayTakesNoMoreStreamsThanItsCap() throws Exception {
        start(true, Set.of(), NotifyLimits.DEFAULT.withOpenStreams(1));
        RawOrigin first = origin();
        first.proves(sample.signingKey());
        push(first, sample, 1);
        eventually("listed", () -> listed.all().size() == 1);

        RawOrigin second = origin();
        second.says(new NotifyMessage.Open(other.streamKey(), new byte[NotifyMessage.NONCE_LENGTH]));
        assertThat(second.isRefused()).isEqualTo("no room for more streams");
    }

    @Test
    void anotherKeyThanTheStreamsProvesNothing() throws Exception {
        listing();
        RawOrigin origin = origin();
        NotifyProof proof = origin.opens(sample.streamKey());
        origin.says(new NotifyMessage.Proof(proof.signByOrigin(other.signingKey())));

        assertThat(origin.isRefused()).isEqualTo("bad signature");
        assertThat(news("bad-signature")).isOne();
    }

    @Test
    void aProofThatWasOverheardIsWorthNothing() throws Exception {
        listing();
        RawOrigin honest = origin();
        byte[] overheard = honest.opens(sample.streamKey()).signByOrigin(sample.signingKey());
        honest.says(new NotifyMessage.Proof(overheard));
        assertThat(honest.hears()).isInstanceOf(NotifyMessage.Have.class);

        RawOrigin replaying = origin();
        replaying.opens(sample.streamKey());
        replaying.says(new NotifyMessage.Proof(overheard));
        assertThat(replaying.isRefused()).isEqualTo("bad signature");
    }

    @Test
    void noNewsCountsBeforeTheProof() throws Exception {
        listing();
        RawOrigin origin = origin();
        origin.opens(sample.streamKey());
        origin.tells(new LiveMessage.HeadNews(head(sample, Instant.now().plusSeconds(300))));

        assertThat(origin.isRefused()).isEqualTo("malformed");
        assertThat(listed.all().get(0).head()).isEmpty();
    }

    @Test
    void aRecordWithAFlippedBitEndsTheConnection() throws Exception {
        listing();
        RawOrigin origin = origin();
        origin.proves(sample.signingKey());
        List<ChunkRecord> records = push(origin, sample, 1);
        byte[] forged = sample.next(1000).record().encoded();
        forged[forged.length - 20] ^= 1; // Within the term, behind the signature: another number.
        origin.tells(new LiveMessage.RecordNews(ChunkRecord.decode(forged)));

        assertThat(origin.isRefused()).isEqualTo("bad signature");
        eventually("the good one alone", () -> listed.all().get(0).newest(0, 9).equals(records));
    }

    @Test
    void whatIsOfAnotherStreamOrTooOldIsCountedAndLeft() throws Exception {
        listing();
        RawOrigin origin = origin();
        origin.proves(sample.signingKey());
        SampleStream old = new SampleStream(3, Instant.now().minus(Duration.ofHours(2)));
        push(origin, sample, 1);
        origin.tells(new LiveMessage.RecordNews(other.next(1000).record()));
        origin.tells(new LiveMessage.RecordNews(old.next(1000).record()));
        origin.tells(new LiveMessage.HeadNews(head(sample, Instant.now().minusSeconds(1))));
        origin.tells(new LiveMessage.HeadNews(head(sample, Instant.now().plusSeconds(3600))));

        eventually("counted", () -> news("wrong-stream") == 1 && news("not-live") == 3);
        eventually("the good one alone", () -> listed.all().get(0).newest(0, 9).size() == 1);
    }

    @Test
    void aMessageOf64KiBIsReadAndOneByteMoreEndsTheConnection() throws Exception {
        listing();
        RawOrigin origin = origin();
        origin.proves(sample.signingKey());
        origin.says(unknownKind(WebSocketService.MAX_MESSAGE));
        push(origin, sample, 1);
        eventually("still heard", () -> !listed.all().get(0).newest(0, 1).isEmpty());

        origin.saysTooMuch(unknownKind(WebSocketService.MAX_MESSAGE + 1));
        origin.closed.get(40, TimeUnit.SECONDS);
    }

    @Test
    void aNetworkHasItsShareOfConnections() throws Exception {
        NotifyLimits two = new NotifyLimits(
                1, 1, 9, 2, 4, 8192, 1 << 20, Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofMinutes(2));
        start(false, Set.of(), two, sample.streamKey());
        // Answered, so counted: who connects is told so before the gateway has looked at him.
        origin().opens(sample.streamKey());
        RawOrigin second = origin();
        second.opens(sample.streamKey());

        assertThat(origin().isRefused()).isEqualTo("too many connections");
        second.closes();
        eventually("room again", () -> {
            RawOrigin again = origin();
            try {
                again.opens(sample.streamKey());
                return true;
            } catch (AssertionError | InterruptedException e) {
                return false;
            }
        });
    }

    @Test
    void whoDoesNotProveHimselfInTimeIsLetGo() throws Exception {
        NotifyLimits hasty = new NotifyLimits(
                1, 1, 9, 9, 4, 8192, 1 << 20, Duration.ofMillis(50), Duration.ofSeconds(60), Duration.ofMinutes(2));
        start(false, Set.of(), hasty, sample.streamKey());

        origin().closed.get(40, TimeUnit.SECONDS);
    }

    @Test
    void aKeysLastWordIsTakenFromItsOrigin() throws Exception {
        listing();
        RawOrigin origin = origin();
        origin.proves(sample.signingKey());
        push(origin, sample, 1);
        KeyEnd end = KeyEnd.rotation(sample.signingKey(), other.streamKey(), Instant.now());
        origin.tells(new LiveMessage.KeyEndNews(end));

        eventually("heard", () -> listed.all().get(0).keyEnd().equals(Optional.of(end)));
    }

    private static byte[] unknownKind(int length) {
        int around = Bencode.encode(Map.of("_", "news", "x", "")).length - 2;
        String text = "x".repeat(length - around - String.valueOf(length).length() - 1);
        byte[] message = Bencode.encode(Map.of("_", "news", "x", text));
        assertThat(message).hasSize(length);
        return message;
    }

    private List<ChunkRecord> push(RawOrigin origin, SampleStream stream, int count) {
        origin.tells(new LiveMessage.HeadNews(head(stream, Instant.now().plusSeconds(300))));
        origin.tells(new LiveMessage.AboutNews(about(stream)));
        List<ChunkRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            records.add(stream.next(70_000).record());
            origin.tells(new LiveMessage.RecordNews(records.get(i)));
        }
        return records;
    }

    private static SignedHead head(SampleStream stream, Instant expires) {
        return SignedHead.sign(
                new Head(
                        1,
                        expires,
                        Head.Status.LIVE,
                        stream.term(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        about(stream).hash()),
                stream.signingKey());
    }

    private static About about(SampleStream stream) {
        return About.sign(
                new About.Body(
                        stream.streamKey(),
                        "sample",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "")),
                        Duration.ofSeconds(4),
                        Optional.empty()),
                stream.signingKey());
    }

    private long news(String result) {
        return meters.tally(Meter.NOTIFY_NEWS, result).sum();
    }

    private static void eventually(String fact, BooleanSupplier holds) {
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(fact).isLessThan(end);
            LockSupport.parkNanos(5_000_000);
        }
    }
}
