package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.SampleStream;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.AnnounceResponse;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.ScrapeRequest;
import live.tributary.protocol.tracker.ScrapeResponse;
import org.junit.jupiter.api.Test;

class TrackerTest {
    private static final Endpoint SELF = endpoint("5.5.5.5", 7001);
    private static final Endpoint SELF_V6 = endpoint("2a00:5::5", 7001);
    private static final Endpoint OTHER = endpoint("6.6.6.6", 7001);
    private static final Endpoint NEAR = endpoint("4.4.4.4", 7001);
    private static final InetSocketAddress VIEWER = new InetSocketAddress(address("8.8.8.8"), 40000);

    private final SampleStream sample = new SampleStream(1, Instant.EPOCH);
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final List<Endpoint> announced = new ArrayList<>();
    private final Tracker tracker = new Tracker(
            TrackerLimits.DEFAULT,
            false,
            () -> List.of(SELF, SELF_V6),
            relay -> relay.endpoints().contains(NEAR),
            (infoHash, peer, seeding) -> announced.add(peer),
            new SplittableRandom(1),
            0);

    TrackerTest() {
        tracker.carry(stream);
    }

    @Test
    void answersTheFirstAnnounceOfATorrentFromWhatTheMeshKnows() {
        SampleStream.Chunk chunk = sample.next(1000);
        Torrent torrent = stream.hold(chunk);
        stream.heldBy(chunk, List.of(relay(2, NodeRole.RELAY, OTHER)));

        AnnounceResponse response = announce(torrent, VIEWER, 6881, PeerId.STREMIO, AnnounceEvent.STARTED, 0);

        assertThat(response.peers()).containsExactly(SELF, OTHER, SELF_V6);
        assertThat(response.seeders()).isEqualTo(2);
        assertThat(response.leechers()).isEqualTo(1);
    }

    @Test
    void knowsNoTorrentThatNoRecordOfACarriedStreamDescribes() {
        AnnounceRequest request = request(InfoHash.fromHex("ab".repeat(20)), 5000, id(), AnnounceEvent.STARTED);

        assertThat(tracker.announce(request, VIEWER, Optional.empty(), 0)).isEqualTo(new Tracker.Answer.Unknown());
    }

    @Test
    void namesOnlyRelaysThatHoldEveryChunkOfAWindow() {
        SampleStream.Chunk first = sample.next(1000);
        SampleStream.Chunk second = sample.next(1000);
        stream.hold(first);
        stream.accept(second);
        RelayView whole = relay(2, NodeRole.RELAY, OTHER);
        stream.heldBy(first, List.of(whole, relay(3, NodeRole.RELAY, endpoint("7.7.7.7", 1))));
        stream.heldBy(second, List.of(whole));
        Torrent window = stream.close(List.of(first, second));

        assertThat(announce(window, VIEWER).peers()).containsExactly(OTHER);

        stream.complete(second);
        assertThat(announce(window, VIEWER, 5000, id(), AnnounceEvent.NONE, TimeUnit.SECONDS.toNanos(2))
                        .peers())
                .containsExactly(SELF, OTHER, SELF_V6);
    }

    @Test
    void namesItselfWithAPartWhereNobodyHoldsTheWhole() {
        SampleStream.Chunk first = sample.next(1000);
        SampleStream.Chunk second = sample.next(1000);
        stream.hold(first);
        stream.accept(second);

        AnnounceResponse response = announce(stream.close(List.of(first, second)), VIEWER);

        assertThat(response.peers()).containsExactly(SELF, SELF_V6);
        assertThat(response.seeders()).isZero();
    }

    @Test
    void sendsNoViewerToTheOrigin() {
        SampleStream.Chunk chunk = sample.next(1000);
        Torrent torrent = stream.accept(chunk);
        stream.heldBy(chunk, List.of(relay(2, NodeRole.ORIGIN, OTHER)));

        assertThat(announce(torrent, VIEWER).peers()).isEmpty();
    }

    @Test
    void namesTheEndpointThatTheClientReached() {
        Torrent torrent = stream.hold(sample.next(1000));
        AnnounceRequest request = request(torrent.infoHash(), 5000, id(), AnnounceEvent.STARTED);
        InetSocketAddress neighbour = new InetSocketAddress(address("192.168.1.2"), 5000);
        Endpoint lan = endpoint("192.168.1.3", 7001);
        Endpoint elsewhere = endpoint("192.168.1.3", 80);

        assertThat(peers(tracker.announce(request, VIEWER, Optional.of(SELF_V6), 0)))
                .containsExactly(SELF_V6);
        assertThat(peers(tracker.announce(request, VIEWER, Optional.of(OTHER), 0)))
                .containsExactly(SELF, SELF_V6);
        assertThat(peers(tracker.announce(request, VIEWER, Optional.of(lan), 0)))
                .doesNotContain(lan);
        assertThat(peers(tracker.announce(request, neighbour, Optional.of(lan), 0)))
                .contains(lan);
        assertThat(peers(tracker.announce(request, neighbour, Optional.of(elsewhere), 0)))
                .doesNotContain(elsewhere);
    }

    @Test
    void namesItselfThenNearHoldersThenOthersThenPeers() {
        SampleStream.Chunk chunk = sample.next(1000);
        Torrent torrent = stream.hold(chunk);
        stream.heldBy(chunk, List.of(relay(2, NodeRole.RELAY, OTHER), relay(3, NodeRole.RELAY, NEAR)));
        announce(torrent, new InetSocketAddress(address("9.9.9.2"), 1));

        for (int port = 5000; port < 5020; port++) {
            AnnounceResponse response = announce(
                    torrent,
                    VIEWER,
                    port,
                    PeerId.STREMIO,
                    AnnounceEvent.STARTED,
                    TimeUnit.SECONDS.toNanos(port - 5000));
            assertThat(response.peers()).containsExactly(SELF, NEAR, OTHER, endpoint("9.9.9.2", 5000), SELF_V6);
        }
    }

    @Test
    void namesRealPeersBehindTheRelaysAndFakesNever() {
        Torrent torrent = stream.hold(sample.next(1000));
        announce(torrent, new InetSocketAddress(address("9.9.9.1"), 1), 6881, PeerId.STREMIO, AnnounceEvent.STARTED, 0);
        announce(torrent, new InetSocketAddress(address("9.9.9.2"), 1), 6881, id(), AnnounceEvent.STARTED, 0);

        AnnounceResponse response = announce(torrent, VIEWER);

        assertThat(response.peers()).containsExactly(SELF, endpoint("9.9.9.2", 6881), SELF_V6);
        assertThat(response.leechers()).isEqualTo(3);
        assertThat(announced).containsExactly(endpoint("9.9.9.2", 6881), endpoint("8.8.8.8", 5000));
    }

    @Test
    void answersNoMorePeersThanWantedAndNoneToOneWhoStops() {
        Torrent torrent = stream.hold(sample.next(1000));
        for (int peer = 0; peer < 200; peer++) {
            announce(torrent, new InetSocketAddress(address("9.9.9." + peer), 1));
        }
        AnnounceRequest one = new AnnounceRequest(
                torrent.infoHash(), id(), 0, OptionalLong.of(1), 0, AnnounceEvent.NONE, OptionalInt.of(1), 5000);

        assertThat(peers(tracker.announce(one, VIEWER, Optional.empty(), 0))).containsExactly(SELF);
        assertThat(announce(torrent, VIEWER).peers()).hasSize(Tracker.MAX_ANSWERED);
        assertThat(announce(torrent, VIEWER, 5000, id(), AnnounceEvent.STOPPED, 0)
                        .peers())
                .isEmpty();
    }

    @Test
    void namesRelaysToAStartingClientThatClaimsToMissNothing() {
        Torrent torrent = stream.hold(sample.next(1000));

        assertThat(peers(tracker.announce(seeding(torrent, AnnounceEvent.STARTED), VIEWER, Optional.empty(), 0)))
                .containsExactly(SELF, SELF_V6);
        assertThat(peers(tracker.announce(seeding(torrent, AnnounceEvent.NONE), VIEWER, Optional.empty(), 0)))
                .isEmpty();
    }

    private static AnnounceRequest seeding(Torrent torrent, AnnounceEvent event) {
        return new AnnounceRequest(
                torrent.infoHash(), id(), 0, OptionalLong.of(0), 0, event, OptionalInt.empty(), 5000);
    }

    @Test
    void forgetsViewersThatWentWithoutAWord() {
        Torrent torrent = stream.hold(sample.next(1000));
        announce(torrent, VIEWER);

        long later = TrackerLimits.DEFAULT.peerLifetime().toNanos() + 1;
        ScrapeRequest scrape = new ScrapeRequest(List.of(torrent.infoHash(), InfoHash.fromHex("ab".repeat(20))));

        assertThat(tracker.scrape(scrape, 1).swarms())
                .containsOnlyKeys(torrent.infoHash())
                .containsValue(new ScrapeResponse.Counts(1, 0, 1));
        assertThat(tracker.scrape(scrape, later).swarms()).containsValue(new ScrapeResponse.Counts(1, 0, 0));
    }

    @Test
    void forgetsATorrentThatLeftItsStreamsHistory() {
        Torrent torrent = stream.hold(sample.next(1000));
        announce(torrent, VIEWER);
        stream.forget(torrent.infoHash());

        AnnounceRequest request = request(torrent.infoHash(), 5000, id(), AnnounceEvent.NONE);

        assertThat(tracker.announce(request, VIEWER, Optional.empty(), TimeUnit.MINUTES.toNanos(1)))
                .isEqualTo(new Tracker.Answer.Unknown());
    }

    @Test
    void knowsNothingOfAStreamThatIsNoLongerCarried() {
        Torrent torrent = stream.hold(sample.next(1000));
        announce(torrent, VIEWER);
        tracker.drop(stream.key());

        AnnounceRequest request = request(torrent.infoHash(), 5000, id(), AnnounceEvent.NONE);

        assertThat(tracker.announce(request, VIEWER, Optional.empty(), 0)).isEqualTo(new Tracker.Answer.Unknown());
    }

    private AnnounceResponse announce(Torrent torrent, InetSocketAddress from) {
        return announce(torrent, from, 5000, id(), AnnounceEvent.STARTED, 0);
    }

    private AnnounceResponse announce(
            Torrent torrent, InetSocketAddress from, int port, PeerId id, AnnounceEvent event, long now) {
        return ((Tracker.Answer.Peers)
                        tracker.announce(request(torrent.infoHash(), port, id, event), from, Optional.empty(), now))
                .response();
    }

    private static List<Endpoint> peers(Tracker.Answer answer) {
        return ((Tracker.Answer.Peers) answer).response().peers();
    }

    private static AnnounceRequest request(InfoHash infoHash, int port, PeerId id, AnnounceEvent event) {
        return new AnnounceRequest(infoHash, id, 0, OptionalLong.of(1000), 0, event, OptionalInt.empty(), port);
    }

    private static PeerId id() {
        return PeerId.of(new byte[PeerId.LENGTH]);
    }

    private static RelayView relay(int number, NodeRole role, Endpoint endpoint) {
        byte[] seed = new byte[SigningKey.SEED_LENGTH];
        seed[0] = (byte) number;
        return new RelayView(SigningKey.fromSeed(seed).relayKey(), role, List.of(endpoint), Optional.empty(), true);
    }

    private static Endpoint endpoint(String address, int port) {
        return new Endpoint(address(address), port);
    }

    private static InetAddress address(String literal) {
        try {
            return InetAddress.getByName(literal);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
