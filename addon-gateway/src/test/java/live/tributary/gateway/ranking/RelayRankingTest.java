package live.tributary.gateway.ranking;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RelayRankingTest {
    private static final Instant NOW = FakeStream.EPOCH;
    private static final StreamKey STREAM = new FakeStream(1).key();

    private static final Place AMSTERDAM = new Place(52.4, 4.9);
    private static final Place BERLIN = new Place(52.5, 13.4);
    private static final Place NEW_YORK = new Place(40.7, -74.0);
    private static final Place TOKYO = new Place(35.7, 139.7);
    private static final Place SYDNEY = new Place(-33.9, 151.2);
    private static final Place SAO_PAULO = new Place(-23.5, -46.6);
    private static final Place JOHANNESBURG = new Place(-26.2, 28.0);

    private final Map<Network, Location> places = new HashMap<>();
    private final Locator locator = address -> places.getOrDefault(Network.of(address), Location.UNKNOWN);
    private final RelayHealth health = new RelayHealth();
    private final List<RelayView> relays = new ArrayList<>();

    private Ranking rank(Viewer viewer) {
        return new RelayRanking(locator, health, false).rank(STREAM, viewer, relays, NOW);
    }

    private void place(String address, Place place, long as) {
        places.put(Network.of(ip(address)), new Location(Optional.of(place), Optional.empty(), OptionalLong.of(as)));
    }

    private RelayView relay(int seed, String address, Place place, long as) {
        place(address, place, as);
        return relay(seed, address);
    }

    private RelayView relay(int seed, String... addresses) {
        List<Endpoint> endpoints = Arrays.stream(addresses)
                .map(address -> FakeStream.endpoint(address, 7001))
                .toList();
        RelayView relay = FakeStream.view(seed, NodeRole.RELAY, endpoints, Optional.empty());
        relays.add(relay);
        return relay;
    }

    private Viewer viewer(String address) {
        return new Viewer(ip(address), locator.locate(ip(address)), false);
    }

    /** Held by all of them. */
    private Holding all() {
        return new Holding(relays.stream().map(RelayView::key).collect(Collectors.toUnmodifiableSet()));
    }

    private static InetAddress ip(String text) {
        return FakeStream.endpoint(text, 1).address();
    }

    private static List<RelayKey> keys(List<RankedRelay> relays) {
        return relays.stream().map(RankedRelay::key).toList();
    }

    private static Map<RelayKey, LeftOut.Reason> reasons(Ranking ranking) {
        Map<RelayKey, LeftOut.Reason> reasons = new HashMap<>();
        ranking.leftOut().forEach(left -> reasons.put(left.relay().key(), left.reason()));
        return reasons;
    }

    @ParameterizedTest
    @CsvSource({
        "52.0, 5.1, 0",
        "41.8, -71.4, 1",
        "34.7, 135.5, 2",
        "-37.8, 145.0, 3",
        "-34.9, -56.2, 4",
        "-33.9, 18.4, 5"
    })
    void viewersInSixPlacesGetTheirNearestRelayFirst(double latitude, double longitude, int nearest) {
        List<RelayView> all = List.of(
                relay(0, "20.0.0.1", AMSTERDAM, 1),
                relay(1, "20.0.1.1", NEW_YORK, 2),
                relay(2, "20.0.2.1", TOKYO, 3),
                relay(3, "20.0.3.1", SYDNEY, 4),
                relay(4, "20.0.4.1", SAO_PAULO, 5),
                relay(5, "20.0.5.1", JOHANNESBURG, 6));

        Ranking ranking = rank(viewer("30.0.0.1").at(new Place(latitude, longitude)));

        assertThat(ranking.offered().get(0).key()).isEqualTo(all.get(nearest).key());
        assertThat(ranking.offered()).hasSize(6);
    }

    @Test
    void withoutPlacesAllDistancesAreEqual() {
        relay(1, "20.0.0.1");
        relay(2, "20.0.1.1");

        assertThat(rank(viewer("30.0.0.1")).offered())
                .allMatch(RankedRelay::near)
                .allMatch(relay -> relay.kilometres() == 0);
    }

    @Test
    void relayOfUnknownPlaceStandsBehindANearOne() {
        relay(1, "20.0.0.1");
        RelayView near = relay(2, "20.0.1.1", BERLIN, 2);
        place("30.0.0.1", AMSTERDAM, 9);

        assertThat(rank(viewer("30.0.0.1")).offered().get(0).key()).isEqualTo(near.key());
    }

    @Test
    void choiceIsStableForASlotAndTheSameInTwoGateways() {
        for (int i = 0; i < 20; i++) {
            relay(i, "20.0." + i + ".1");
        }
        Viewer viewer = viewer("30.0.0.1");
        List<RelayKey> order = keys(rank(viewer).offered());
        RelayRanking other = new RelayRanking(locator, new RelayHealth(), false);
        List<RelayView> shuffled = new ArrayList<>(relays);
        Collections.reverse(shuffled);

        assertThat(keys(other.rank(STREAM, viewer, shuffled, NOW).offered())).isEqualTo(order);
        assertThat(keys(other.rank(STREAM, viewer("30.0.0.200"), shuffled, NOW).offered()))
                .isEqualTo(order);
        assertThat(keys(other.rank(STREAM, viewer, shuffled, NOW.plus(Duration.ofMinutes(10)))
                        .offered()))
                .isNotEqualTo(order);
    }

    @Test
    void goneRelayMovesOnlyItsOwnViewers() {
        for (int i = 0; i < 10; i++) {
            relay(i, "20.0." + i + ".1");
        }
        Map<Integer, RelayKey> before = new HashMap<>();
        for (int v = 0; v < 200; v++) {
            before.put(v, rank(viewer("30.0." + v + ".1")).offered().get(0).key());
        }
        RelayKey gone = relays.remove(3).key();

        for (int v = 0; v < 200; v++) {
            RelayKey now = rank(viewer("30.0." + v + ".1")).offered().get(0).key();
            assertThat(before.get(v).equals(gone) || before.get(v).equals(now)).isTrue();
        }
        assertThat(before.values().stream().distinct()).hasSize(10);
    }

    @Test
    void loadedRelayGetsFewerViewers() {
        List<Endpoint> here = List.of(FakeStream.endpoint("20.0.0.1", 7001));
        List<Endpoint> there = List.of(FakeStream.endpoint("20.0.1.1", 7001));
        RelayView idle = FakeStream.view(1, NodeRole.RELAY, here, Optional.empty(), 0);
        relays.add(idle);
        relays.add(FakeStream.view(2, NodeRole.RELAY, there, Optional.empty(), 900));

        long atIdle = 0;
        for (int v = 0; v < 200; v++) {
            atIdle += rank(viewer("30.0." + v + ".1")).offered().get(0).key().equals(idle.key()) ? 1 : 0;
        }

        assertThat(atIdle).isBetween(160L, 199L);
    }

    @Test
    void relayInTheViewersOwnNetworkComesFirstAndThenThoseOfHisAs() {
        for (int i = 10; i < 20; i++) {
            relay(i, "20.0." + i + ".1", AMSTERDAM, i);
        }
        RelayView sameAs = relay(1, "20.0.1.1", AMSTERDAM, 64500);
        RelayView sameAsFar = relay(2, "20.0.2.1", TOKYO, 64500);
        RelayView lan = relay(3, "30.0.0.99", AMSTERDAM, 64500);
        place("30.0.0.1", AMSTERDAM, 64500);

        List<RankedRelay> offered = rank(viewer("30.0.0.1")).offered();

        assertThat(keys(offered)).startsWith(lan.key(), sameAs.key()).endsWith(sameAsFar.key());
    }

    @Test
    void fullRelayIsNotPreferredForBeingNear() {
        List<Endpoint> lan = List.of(FakeStream.endpoint("30.0.0.99", 7001));
        RelayView full = FakeStream.view(1, NodeRole.RELAY, lan, Optional.empty(), 950);
        relays.add(full);
        RelayView idle = relay(2, "20.0.1.1");

        long first = 0;
        for (int slot = 0; slot < 100; slot++) {
            Instant now = NOW.plus(Duration.ofMinutes(10L * slot));
            RankedRelay best = new RelayRanking(locator, health, false)
                    .rank(STREAM, viewer("30.0.0.1"), relays, now)
                    .offered()
                    .get(0);
            first += best.key().equals(idle.key()) ? 1 : 0;
        }

        assertThat(first).isGreaterThan(80);
    }

    @Test
    void farRelayOfAnAsThatHasItsHalfIsNotTaken() {
        relay(0, "20.0.0.1", AMSTERDAM, 64500);
        relay(1, "20.0.1.1", AMSTERDAM, 64500);
        for (int i = 2; i < 6; i++) {
            relay(i, "20.0." + i + ".1", AMSTERDAM, i);
        }
        relay(6, "20.0.6.1", TOKYO, 64500);
        RelayView far = relay(7, "20.0.7.1", SYDNEY, 7);
        place("30.0.0.1", AMSTERDAM, 64500);

        List<RankedRelay> picked = rank(viewer("30.0.0.1")).pick(4, all());

        assertThat(picked).hasSize(4);
        assertThat(picked.get(3).key()).isEqualTo(far.key());
    }

    @Test
    void twentySybilsInOneNetworkTakeOnePlace() {
        RelayView honest = relay(50, "20.9.0.1");
        for (int i = 0; i < 20; i++) {
            relay(i, "20.0.0." + (i + 1));
        }

        Ranking ranking = rank(viewer("30.0.0.1"));

        assertThat(ranking.offered()).hasSize(2);
        assertThat(keys(ranking.offered())).contains(honest.key());
        assertThat(ranking.leftOut()).hasSize(19).allMatch(left -> left.reason() == LeftOut.Reason.SAME_NETWORK);
    }

    @Test
    void privateModeOffersAllOfOneNetwork() {
        relay(1, "127.0.0.1");
        relay(2, "127.0.0.1");

        assertThat(new RelayRanking(locator, health, true)
                        .rank(STREAM, viewer("127.0.0.1"), relays, NOW)
                        .offered())
                .hasSize(2);
    }

    @Test
    void noMoreThanHalfOfAnAnswerIsOfOneAs() {
        for (int i = 0; i < 6; i++) {
            relay(i, "20.0." + i + ".1", AMSTERDAM, 64500);
        }
        relay(7, "20.1.0.1", BERLIN, 64501);
        place("30.0.0.1", AMSTERDAM, 9);

        List<RankedRelay> picked = rank(viewer("30.0.0.1")).pick(4, all());

        assertThat(picked).hasSize(3);
        assertThat(picked.stream().filter(r -> r.autonomousSystem().getAsLong() == 64500))
                .hasSize(2);
    }

    @Test
    void oneFarRelayIsAlwaysAmongThem() {
        for (int i = 0; i < 6; i++) {
            relay(i, "20.0." + i + ".1", AMSTERDAM, i);
        }
        RelayView far = relay(9, "20.1.0.1", TOKYO, 99);
        place("30.0.0.1", AMSTERDAM, 1000);

        List<RankedRelay> picked = rank(viewer("30.0.0.1")).pick(3, all());

        assertThat(picked).hasSize(3);
        assertThat(picked.get(2).key()).isEqualTo(far.key());
    }

    @Test
    void endpointIsOfTheViewersFamily() {
        relay(1, "20.0.0.1", "2001:db8::1");
        RelayView v6 = relay(2, "2001:db8:1::1");
        RelayView v4 = relay(3, "20.0.2.1");

        Ranking ipv4 = rank(viewer("30.0.0.1"));
        Ranking ipv6 = rank(viewer("2001:db8:ffff::1"));

        assertThat(ipv4.offered()).hasSize(2).allMatch(relay -> relay.endpoint().isIpv4());
        assertThat(reasons(ipv4)).containsEntry(v6.key(), LeftOut.Reason.OTHER_ADDRESS_FAMILY);
        assertThat(ipv6.offered())
                .hasSize(3)
                .allMatch(relay -> relay.endpoint().isIpv4() == relay.key().equals(v4.key()));
        assertThat(ipv6.offered().stream()
                        .filter(r -> r.key().equals(v6.key()))
                        .findFirst()
                        .orElseThrow()
                        .httpBase())
                .isEqualTo("http://[2001:db8:1:0:0:0:0:1]:7001");
    }

    @Test
    void eachThatIsLeftOutHasAReason() {
        Endpoint endpoint = FakeStream.endpoint("20.0.0.1", 7001);
        RelayView origin = FakeStream.view(1, NodeRole.ORIGIN, List.of(endpoint), Optional.empty());
        RelayView hidden = FakeStream.view(2, NodeRole.RELAY, List.of(), Optional.empty());
        RelayView heardOf = new RelayView(
                FakeStream.view(3, NodeRole.RELAY, List.of(), Optional.empty()).key(),
                NodeRole.RELAY,
                List.of(endpoint),
                Optional.empty(),
                false);
        relays.addAll(List.of(origin, hidden, heardOf));
        RelayView plain = relay(4, "20.0.3.1");
        health.record(plain.key(), plain.endpoints().get(0), Outcome.FAILED);
        health.record(plain.key(), plain.endpoints().get(0), Outcome.FAILED);

        Ranking ranking = rank(viewer("30.0.0.1"));
        Ranking secure = rank(new Viewer(ip("30.0.0.1"), Location.UNKNOWN, true));

        assertThat(ranking.offered()).isEmpty();
        assertThat(reasons(ranking))
                .containsEntry(origin.key(), LeftOut.Reason.NOT_A_RELAY)
                .containsEntry(hidden.key(), LeftOut.Reason.NOT_REACHABLE)
                .containsEntry(heardOf.key(), LeftOut.Reason.NOT_LINKED)
                .containsEntry(plain.key(), LeftOut.Reason.FAILING);
        assertThat(reasons(secure)).containsEntry(plain.key(), LeftOut.Reason.NO_TLS);
    }

    @Test
    void enoughIsTwoNearHolders() {
        RelayView one = relay(1, "20.0.0.1", AMSTERDAM, 1);
        RelayView two = relay(2, "20.0.1.1", AMSTERDAM, 2);
        RelayView far = relay(3, "20.0.2.1", TOKYO, 3);
        place("30.0.0.1", AMSTERDAM, 9);

        Ranking ranking = rank(viewer("30.0.0.1"));

        assertThat(ranking.enough(new Holding(Set.of(one.key(), two.key())))).isTrue();
        assertThat(ranking.enough(new Holding(Set.of(one.key(), far.key())))).isFalse();
        assertThat(ranking.enough(new Holding(Set.of(one.key())))).isFalse();
        assertThat(ranking.enough(new Holding(Set.of()))).isFalse();
    }

    @Test
    void whereOneRelayIsNearAnySecondOneMakesItEnough() {
        RelayView one = relay(1, "20.0.0.1", AMSTERDAM, 1);
        RelayView far = relay(3, "20.0.2.1", TOKYO, 3);
        place("30.0.0.1", AMSTERDAM, 9);

        Ranking ranking = rank(viewer("30.0.0.1"));

        assertThat(ranking.enough(new Holding(Set.of(one.key(), far.key())))).isTrue();
        assertThat(ranking.enough(new Holding(Set.of(one.key())))).isFalse();
        assertThat(ranking.enough(new Holding(Set.of(far.key())))).isFalse();
    }

    @Test
    void noRelayIsNeverEnough() {
        assertThat(rank(viewer("30.0.0.1")).enough(new Holding(Set.of()))).isFalse();
    }

    @Test
    void whatIsKeptOfAViewersOutlookEndsWithAVerdictOrAChangedRelay() {
        RelayRanking ranking = new RelayRanking(locator, health, false);
        RelayView one = relay(1, "20.0.0.1");
        RelayView two = relay(2, "20.0.1.1");
        Viewer viewer = viewer("30.0.0.1");
        assertThat(ranking.rank(STREAM, viewer, relays, NOW).offered()).hasSize(2);

        health.record(one.key(), one.endpoints().get(0), Outcome.GARBAGE);
        assertThat(ranking.rank(STREAM, viewer, relays, NOW).offered())
                .extracting(RankedRelay::key)
                .containsExactly(two.key());

        relays.set(1, new RelayView(two.key(), two.role(), two.endpoints(), two.descriptor(), false));
        assertThat(ranking.rank(STREAM, viewer, relays, NOW).offered()).isEmpty();
    }
}
