package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;
import org.junit.jupiter.api.Test;

class DialPolicyTest {
    private static final AddressPolicy PUBLIC = new AddressPolicy(false);
    private static final AddressPolicy PRIVATE = new AddressPolicy(true);
    private static final long HOUR = Duration.ofHours(1).toNanos();

    private final Samples samples = new Samples(1);
    private final Candidates candidates = new Candidates(PUBLIC, new Random(1));

    @Test
    void strangersNameOnlyGlobalAddressesAndPortsFrom1024() throws Exception {
        assertThat(PUBLIC.mayDial(endpoint("93.184.216.34", 1024))).isTrue();
        assertThat(PUBLIC.mayDial(endpoint("93.184.216.34", 1023))).isFalse();
        assertThat(PUBLIC.mayDial(endpoint("127.0.0.1", 7001))).isFalse();
        assertThat(PUBLIC.mayDial(endpoint("192.168.1.2", 7001))).isFalse();
        assertThat(PRIVATE.mayDial(endpoint("192.168.1.2", 7001))).isTrue();
        assertThat(PRIVATE.mayDial(endpoint("224.0.0.1", 7001))).isFalse();
    }

    @Test
    void anAddressThatFailedWaitsAnHourEvenIfItIsHeardOfAgain() throws Exception {
        Endpoint stranger = endpoint("93.184.216.34", 7001);
        candidates.add(stranger, Candidates.Source.RENDEZVOUS, Optional.empty(), 0);
        assertThat(take(0)).containsExactly(stranger);
        assertThat(take(1)).isEmpty();
        candidates.ended(stranger, true, 10);
        candidates.add(stranger, Candidates.Source.GOSSIP, Optional.empty(), 20);
        assertThat(take(HOUR)).isEmpty();
        assertThat(take(HOUR + 11)).containsExactly(stranger);
    }

    @Test
    void nearOnesThatWereReachedBeforeAreDialledFirst() throws Exception {
        Endpoint near = endpoint("93.184.216.34", 7001);
        Endpoint far = endpoint("151.101.1.1", 7001);
        candidates.add(far, Candidates.Source.RENDEZVOUS, Optional.empty(), 0);
        candidates.add(near, Candidates.Source.GOSSIP, Optional.empty(), 0);
        take(0);
        candidates.proven(far, samples.key().relayKey(), Duration.ofMillis(200), 0);
        candidates.proven(near, samples.key().relayKey(), Duration.ofMillis(20), 0);
        candidates.ended(far, false, 0);
        candidates.ended(near, false, 0);

        assertThat(candidates.takeNearest(key -> false, Set.of(), rtt -> rtt < 10_000_000, HOUR))
                .isEmpty();
        assertThat(candidates.take(1, key -> false, Set.of(), HOUR)).containsExactly(near);
        assertThat(candidates.takeNearest(key -> false, Set.of(), rtt -> rtt < 500_000_000, HOUR))
                .contains(far);
        assertThat(candidates.takeNearest(key -> false, Set.of(), rtt -> true, HOUR))
                .isEmpty();
    }

    @Test
    void theOperatorsPeersAreTriedAgainWithinAMinute() throws Exception {
        Endpoint peer = endpoint("10.0.0.1", 80);
        assertThat(candidates.add(peer, Candidates.Source.GOSSIP, Optional.empty(), 0))
                .isFalse();
        candidates.add(peer, Candidates.Source.OPERATOR, Optional.empty(), 0);
        long now = 0;
        for (int failure = 0; failure < 10; failure++) {
            assertThat(take(now)).containsExactly(peer);
            candidates.ended(peer, true, now);
            now += Duration.ofMinutes(1).toNanos();
        }
    }

    @Test
    void oneNodesEndpointsAreDialledFourTimesAMinute() {
        RelayKey key = samples.key().relayKey();
        int dials = 0;
        for (int i = 0; i < 20; i++) {
            dials += candidates.takeOne(samples.endpoint(false), key, 0) ? 1 : 0;
        }
        assertThat(dials).isEqualTo(Candidates.DIALS_PER_MINUTE);
        assertThat(candidates.takeOne(
                        samples.endpoint(false), key, Duration.ofMinutes(1).toNanos() + 1))
                .isTrue();
    }

    @Test
    void aNodeThatWasLinkedAMomentAgoIsDialledTwiceASecondAndThenEveryTwoSecondsForAMinute() throws Exception {
        Endpoint origin = endpoint("93.184.216.34", 7003);
        candidates.add(origin, Candidates.Source.HEAD, Optional.empty(), 0);
        take(0);
        candidates.proven(origin, samples.key().relayKey(), Duration.ZERO, 0);
        long now = 3 * HOUR;
        candidates.ended(origin, false, now);
        long longest = 0;
        long longestAtFirst = 0;
        int dials = 0;
        for (long dialled = now; dialled < now + Duration.ofSeconds(58).toNanos(); ) {
            long next = dialled;
            while (take(next).isEmpty()) {
                next += Duration.ofMillis(50).toNanos();
            }
            candidates.ended(origin, true, next);
            longest = Math.max(longest, next - dialled);
            if (dialled > now && dialled < now + Duration.ofSeconds(15).toNanos()) {
                longestAtFirst = Math.max(longestAtFirst, next - dialled);
            }
            dials++;
            dialled = next;
        }
        assertThat(longestAtFirst).isLessThanOrEqualTo(Duration.ofMillis(550).toNanos());
        assertThat(dials).isLessThan(120);
        assertThat(longest).isLessThanOrEqualTo(Duration.ofMillis(2050).toNanos());

        long later = now + Duration.ofMinutes(2).toNanos();
        take(later);
        candidates.ended(origin, true, later);
        assertThat(take(later + Duration.ofSeconds(20).toNanos()))
                .as("one that stays away is dialled less and less often")
                .isEmpty();
    }

    @Test
    void aLinkThatFellAtOnceIsNoRestart() throws Exception {
        Endpoint peer = endpoint("10.0.0.1", 80);
        candidates.add(peer, Candidates.Source.OPERATOR, Optional.empty(), 0);
        for (int failure = 0; failure < 6; failure++) {
            long now = failure * Duration.ofMinutes(1).toNanos();
            take(now);
            candidates.ended(peer, true, now);
        }
        assertThat(take(5 * Duration.ofMinutes(1).toNanos()
                        + Duration.ofSeconds(10).toNanos()))
                .isEmpty();
    }

    @Test
    void ofOneNeighbourhoodOneStrangerIsDialled() throws Exception {
        candidates.add(endpoint("93.184.216.34", 7001), Candidates.Source.RENDEZVOUS, Optional.empty(), 0);
        candidates.add(endpoint("93.184.216.35", 7001), Candidates.Source.RENDEZVOUS, Optional.empty(), 0);
        assertThat(take(0)).hasSize(1);
    }

    @Test
    void whereANodeWasLinkedLatelyMakesRoomForNoStranger() throws Exception {
        Endpoint restarting = endpoint("93.184.216.34", 7003);
        candidates.add(restarting, Candidates.Source.HEAD, Optional.empty(), 0);
        take(0);
        candidates.proven(restarting, samples.key().relayKey(), Duration.ZERO, 0);
        candidates.ended(restarting, false, HOUR);
        candidates.ended(restarting, true, HOUR + 1);
        for (int i = 0; i < 2 * Candidates.MAX_CANDIDATES; i++) {
            candidates.add(samples.endpoint(false), Candidates.Source.GOSSIP, Optional.empty(), HOUR + 2);
        }
        assertThat(candidates.failures(restarting)).isEqualTo(1);
    }

    @Test
    void candidatesAreBounded() {
        for (int i = 0; i < 2 * Candidates.MAX_CANDIDATES; i++) {
            candidates.add(samples.endpoint(i % 2 == 0), Candidates.Source.GOSSIP, Optional.empty(), 0);
        }
        assertThat(candidates.take(10_000, key -> false, Set.of(), 0).size())
                .isLessThanOrEqualTo(Candidates.MAX_CANDIDATES);
    }

    @Test
    void anAddressIsOneSOwnWhenTwoIndependentNodesSeeIt() throws Exception {
        OwnEndpoints own = new OwnEndpoints(PUBLIC, List.of());
        own.listeningOn(7001);
        Endpoint seen = endpoint("93.184.216.34", 7001);
        InetSocketAddress inside = new InetSocketAddress("192.168.1.2", 7001);
        InetAddress near = InetAddress.getByName("198.41.0.4");
        own.seen(seen.address(), samples.key().relayKey(), near);
        own.seen(seen.address(), samples.key().relayKey(), InetAddress.getByName("198.41.0.5"));
        assertThat(own.isOwn(seen, inside)).isFalse(); // Both witnesses are of one neighbourhood.
        own.seen(seen.address(), samples.key().relayKey(), InetAddress.getByName("193.0.14.129"));
        assertThat(own.isOwn(seen, inside)).isTrue();
        assertThat(own.isOwn(new Endpoint(seen.address(), 7002), inside)).isFalse();
        assertThat(own.all()).containsExactly(seen);
    }

    private List<Endpoint> take(long now) {
        return candidates.take(8, key -> false, Set.of(), now);
    }

    private static Endpoint endpoint(String address, int port) throws Exception {
        return new Endpoint(InetAddress.getByName(address), port);
    }
}
