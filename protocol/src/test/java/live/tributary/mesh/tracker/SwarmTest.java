package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashSet;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import live.tributary.mesh.tracker.Swarm.Change;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.AnnounceRequest;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.ScrapeResponse.Counts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SwarmTest {
    private static final InetSocketAddress NOBODY = new InetSocketAddress(address("203.0.113.1"), 1);
    private static final InetAddress ALICE = address("198.96.1.1");
    private static final InetAddress BOB = address("198.97.1.1");

    private final TrackerLimits limits = new TrackerLimits(Duration.ofSeconds(60), 10, 3, 10, 10);
    private final Swarm swarm = new Swarm(limits, false, new SplittableRandom(1));

    @Test
    void equalPeerIdsFromTwoAddressesAreTwoPeers() {
        assertThat(announce(ALICE, 6881, PeerId.STREMIO, -1)).isEqualTo(Change.JOINED);
        assertThat(announce(BOB, 6881, PeerId.STREMIO, -1)).isEqualTo(Change.JOINED);

        assertThat(swarm.counts()).isEqualTo(new Counts(0, 0, 2));
    }

    @Test
    void aPeerThatAnnouncesAgainWithAnotherIdIsTheSamePeer() {
        announce(ALICE, 5000, id(1), 1);

        assertThat(announce(ALICE, 5000, id(2), 0)).isEqualTo(Change.STAYED);
        assertThat(swarm.counts()).isEqualTo(new Counts(1, 0, 0));
        assertThat(swarm.pick(true, 9, NOBODY, false)).containsExactly(new Endpoint(ALICE, 5000));
    }

    @Test
    void neverHandsOutAStremioPlayerAndNeverCountsItAsASeeder() {
        announce(ALICE, 6881, PeerId.STREMIO, 0);

        assertThat(swarm.counts()).isEqualTo(new Counts(0, 0, 1));
        assertThat(swarm.pick(true, 9, NOBODY, false)).isEmpty();
    }

    @Test
    void handsOutAnotherClientOnPort6881() {
        announce(ALICE, 6881, id(1), 1);

        assertThat(swarm.pick(true, 9, NOBODY, false)).containsExactly(new Endpoint(ALICE, 6881));
    }

    @Test
    void forgetsAPeerThatStopped() {
        announce(ALICE, 5000, id(1), 1);

        assertThat(announce(ALICE, 5000, id(1), 1, AnnounceEvent.STOPPED, 0)).isEqualTo(Change.LEFT);
        assertThat(swarm.counts()).isEqualTo(new Counts(0, 0, 0));
        assertThat(swarm.pick(true, 9, NOBODY, false)).isEmpty();
    }

    @Test
    void countsACompletionOnce() {
        announce(ALICE, 5000, id(1), 1);
        announce(ALICE, 5000, id(1), 0, AnnounceEvent.COMPLETED, 1);
        announce(ALICE, 5000, id(1), 0, AnnounceEvent.COMPLETED, 2);

        assertThat(swarm.counts()).isEqualTo(new Counts(1, 1, 0));
    }

    @Test
    void forgetsAPeerThatSaysNothing() {
        announce(ALICE, 5000, id(1), 1, AnnounceEvent.NONE, 10);
        announce(BOB, 5000, id(1), 1, AnnounceEvent.NONE, 20);
        announce(ALICE, 5000, id(1), 1, AnnounceEvent.NONE, 30);

        swarm.expire(30);

        assertThat(swarm.pick(true, 9, NOBODY, false)).containsExactly(new Endpoint(ALICE, 5000));
    }

    @Test
    void doesNotTellAPeerOfItselfNorASeederOfSeeders() {
        announce(ALICE, 5000, id(1), 0);
        announce(BOB, 5000, id(2), 0);

        assertThat(swarm.pick(true, 9, new InetSocketAddress(ALICE, 5000), false))
                .containsExactly(new Endpoint(BOB, 5000));
        assertThat(swarm.pick(true, 9, new InetSocketAddress(ALICE, 5000), true))
                .isEmpty();
    }

    @Test
    void refusesOnePeerMoreThanAnAddressMayHave() {
        for (int port = 1; port <= limits.peersPerAddress(); port++) {
            assertThat(announce(ALICE, port, id(1), 1)).isEqualTo(Change.JOINED);
        }

        assertThat(announce(ALICE, 4000, id(1), 1)).isEqualTo(Change.REFUSED);
        assertThat(announce(ALICE, 1, id(1), 1)).isEqualTo(Change.STAYED);
        announce(ALICE, 1, id(1), 1, AnnounceEvent.STOPPED, 0);
        assertThat(announce(ALICE, 4000, id(1), 1)).isEqualTo(Change.JOINED);
    }

    @Test
    void refusesOnePeerMoreThanASwarmMayHave() {
        for (int peer = 0; peer < limits.peersPerSwarm(); peer++) {
            assertThat(announce(address("198.98.1." + peer), 5000, id(1), 1)).isEqualTo(Change.JOINED);
        }

        assertThat(announce(ALICE, 5000, id(1), 1)).isEqualTo(Change.REFUSED);
        assertThat(swarm.counts().leechers()).isEqualTo(limits.peersPerSwarm());
    }

    @Test
    void oneIpv6CustomerIsOneAddress() {
        for (int host = 1; host <= limits.peersPerAddress(); host++) {
            announce(address("2a00:1:2:3::" + host), 5000, id(1), 1);
        }

        assertThat(announce(address("2a00:1:2:3:ffff::1"), 5000, id(1), 1)).isEqualTo(Change.REFUSED);
        assertThat(announce(address("2a00:1:2:4::1"), 5000, id(1), 1)).isEqualTo(Change.JOINED);
        assertThat(swarm.pick(false, 9, NOBODY, false)).hasSize(limits.peersPerAddress() + 1);
        assertThat(swarm.pick(true, 9, NOBODY, false)).isEmpty();
    }

    @Test
    void namesPeersOfALanOnlyWhereThatIsWanted() {
        Swarm lab = new Swarm(limits, true, new SplittableRandom(1));
        InetAddress lan = address("192.168.1.7");
        AnnounceRequest request = request(5000, id(1), 1, AnnounceEvent.STARTED);

        swarm.announce(request, lan, 0);
        lab.announce(request, lan, 0);

        assertThat(swarm.counts().leechers()).isEqualTo(1);
        assertThat(swarm.pick(true, 9, NOBODY, false)).isEmpty();
        assertThat(lab.pick(true, 9, NOBODY, false)).containsExactly(new Endpoint(lan, 5000));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void keepsItsCountsWhateverHappens(long seed) {
        Random random = new Random(seed);
        Swarm busy =
                new Swarm(new TrackerLimits(Duration.ofSeconds(60), 40, 5, 10, 10), true, new SplittableRandom(seed));
        for (int now = 0; now < 3000; now++) {
            AnnounceEvent event = AnnounceEvent.values()[random.nextInt(4)];
            boolean fake = random.nextInt(5) == 0;
            busy.announce(
                    request(1 + random.nextInt(8), fake ? PeerId.STREMIO : id(now), random.nextInt(2), event),
                    address((random.nextBoolean() ? "10.0.0." : "fd00::") + (1 + random.nextInt(9))),
                    now);
            if (random.nextInt(50) == 0) {
                busy.expire(now - random.nextInt(100));
            }
            Set<Endpoint> reachable = new HashSet<>(busy.pick(true, 99, NOBODY, false));
            reachable.addAll(busy.pick(false, 99, NOBODY, false));
            Counts counts = busy.counts();
            assertThat(counts.seeders()).isBetween(0, reachable.size());
            assertThat(counts.leechers()).isGreaterThanOrEqualTo(reachable.size() - counts.seeders());
            assertThat(counts.seeders() + counts.leechers()).isLessThanOrEqualTo(40);
        }
        busy.expire(3000);
        assertThat(busy.counts().seeders() + busy.counts().leechers()).isZero();
        assertThat(busy.pick(true, 99, NOBODY, false)).isEmpty();
    }

    private Change announce(InetAddress from, int port, PeerId id, long left) {
        return announce(from, port, id, left, AnnounceEvent.NONE, 0);
    }

    private Change announce(InetAddress from, int port, PeerId id, long left, AnnounceEvent event, long now) {
        return swarm.announce(request(port, id, left, event), from, now);
    }

    private static AnnounceRequest request(int port, PeerId id, long left, AnnounceEvent event) {
        return new AnnounceRequest(
                InfoHash.fromHex("aa".repeat(20)),
                id,
                0,
                left < 0 ? OptionalLong.empty() : OptionalLong.of(left),
                0,
                event,
                OptionalInt.empty(),
                port);
    }

    private static PeerId id(int number) {
        byte[] bytes = new byte[PeerId.LENGTH];
        bytes[0] = (byte) number;
        bytes[1] = (byte) (number >> 8);
        return PeerId.of(bytes);
    }

    private static InetAddress address(String literal) {
        try {
            return InetAddress.getByName(literal);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
