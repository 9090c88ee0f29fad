package live.tributary.mesh.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.mesh.SampleStream;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.HttpTrackerFormat;
import live.tributary.protocol.tracker.PeerId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Announced clients are dialled where their announce came from, and served. */
@Timeout(60)
class PeerDiallerTest {
    private static final int NOBODY_CAME_MILLIS = 1500;
    private static final int BITFIELD = 5;
    private static final int PATIENCE_SECONDS = 10;

    private ServerFixture node;
    private ServerSocket listening;

    @BeforeEach
    void start() throws Exception {
        node = new ServerFixture(ServerFixture.LIMITS, 100_000_000_000L, true);
        listening = new ServerSocket(0, 5, ServerFixture.LOOPBACK);
        listening.setSoTimeout(10_000);
    }

    @AfterEach
    void stop() throws Exception {
        listening.close();
        node.close();
    }

    @Test
    void dialsAClientThatAnnouncedAndServesIt() throws Exception {
        SampleStream.Chunk chunk = node.sample.next(300_000);
        Torrent torrent = node.stream.hold(chunk);

        announce(torrent, 5, PeerId.of(new byte[20]));

        try (RawClient client = new RawClient(listening.accept())) {
            assertThat(client.greeted().infoHash()).isEqualTo(torrent.infoHash());
            client.greet(torrent);
            client.interested();
            client.await(RawClient.UNCHOKE);
            assertThat(client.download(torrent, 8)).isEqualTo(300_000);
        }
    }

    @Test
    void leavesAClientThatAnswersForAnotherTorrent() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));
        Torrent other = node.stream.hold(node.sample.next(1000));

        announce(torrent, 5, PeerId.of(new byte[20]));

        try (RawClient client = new RawClient(listening.accept())) {
            client.greeted();
            client.greet(other);
            assertThat(client.isClosedByPeer()).isTrue();
        }
    }

    @Test
    void dialsNobodyWhoIsStillConnected() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));

        announce(torrent, 5, PeerId.of(new byte[20]));
        try (RawClient client = new RawClient(listening.accept())) {
            client.greeted();
            client.greet(torrent);
            announce(torrent, 5, PeerId.of(new byte[20]));

            nobodyComes();
        }
    }

    @Test
    void dialsWhoLeftAndAnnouncesTooSoonOnceThatIsDue() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));
        AtomicLong clock = new AtomicLong();
        PeerDialler dialler = node.dialler(clock::get);
        Endpoint peer = new Endpoint(ServerFixture.LOOPBACK, listening.getLocalPort());

        dialler.announced(torrent.infoHash(), peer, false);
        greetAndLeave(torrent);
        clock.addAndGet(PeerDialler.AGAIN.toNanos() - TimeUnit.MILLISECONDS.toNanos(100));
        dialler.announced(torrent.infoHash(), peer, false); // Due in a tenth of a second.
        dialler.announced(torrent.infoHash(), peer, false); // Will be dialled anyway.
        greetAndLeave(torrent);
        nobodyComes();
    }

    private void greetAndLeave(Torrent torrent) throws Exception {
        try (RawClient client = new RawClient(listening.accept())) {
            client.greeted();
            client.greet(torrent);
            client.await(BITFIELD); // Now it counts as one that was reached.
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (node.server.peers() > 0) { // Until the node has seen it leave, it would not dial it.
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.yield();
        }
    }

    @Test
    void dialsWhoHangsUpOnceMoreEncrypted() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));

        announce(torrent, 5, PeerId.of(new byte[20]));
        try (RawClient plain = new RawClient(listening.accept())) {
            plain.greeted();
        }
        try (Socket encrypted = listening.accept()) {
            byte[] first = encrypted.getInputStream().readNBytes(96);
            assertThat(first).hasSize(96);
            assertThat(new String(first, StandardCharsets.ISO_8859_1)).doesNotContain("BitTorrent");
        }
        nobodyComes();
    }

    @Test
    void dialsWhoFailedOnceAnHour() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));
        AtomicLong clock = new AtomicLong();
        PeerDialler dialler = node.dialler(clock::get);
        Endpoint peer = new Endpoint(ServerFixture.LOOPBACK, listening.getLocalPort());

        dialler.announced(torrent.infoHash(), peer, false);
        listening.accept().close();
        listening.accept().close();
        nobodyComes();
        clock.addAndGet(PeerDialler.AGAIN_AFTER_FAILURE.toNanos() - 1);
        dialler.announced(torrent.infoHash(), peer, false);
        nobodyComes();
        clock.addAndGet(1);
        dialler.announced(torrent.infoHash(), peer, false);
        listening.setSoTimeout(10_000);
        listening.accept().close();
    }

    @Test
    void dialsNeitherSeedersNorStremio() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));

        announce(torrent, 0, PeerId.of(new byte[20]));
        announce(torrent, 5, PeerId.STREMIO);

        nobodyComes();
    }

    @Test
    void dialsNobodyWhoCameByHimself() throws Exception {
        Torrent torrent = node.stream.hold(node.sample.next(1000));
        try (RawClient client = RawClient.dial(node.address(), 4096)) {
            client.greet(torrent);
            client.greeted();
            announce(torrent, 5, PeerId.of(new byte[20]));

            nobodyComes();
        }
    }

    private void nobodyComes() throws Exception {
        listening.setSoTimeout(NOBODY_CAME_MILLIS);
        assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(() -> listening.accept());
    }

    private void announce(Torrent torrent, long left, PeerId id) throws Exception {
        AnnounceRequest request = new AnnounceRequest(
                torrent.infoHash(),
                id,
                0,
                OptionalLong.of(left),
                0,
                AnnounceEvent.STARTED,
                OptionalInt.empty(),
                listening.getLocalPort());
        String query = HttpTrackerFormat.query(new HttpTrackerFormat.Announce(request, true));
        HttpResponse<byte[]> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create(node.httpTracker() + "?" + query))
                                .build(),
                        HttpResponse.BodyHandlers.ofByteArray());
        assertThat(HttpTrackerFormat.readAnswer(answer.body()).response()).isPresent();
    }
}
