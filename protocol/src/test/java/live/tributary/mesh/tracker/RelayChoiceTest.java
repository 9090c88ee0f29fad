package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

class RelayChoiceTest {
    private final SplittableRandom random = new SplittableRandom(1);
    private final Set<RelayKey> nearby = new HashSet<>();

    @Test
    void namesOneRelayASite() {
        List<RelayView> relays = List.of(relay("1.1.1.1"), relay("1.1.1.2"), relay("2.2.2.2"), relay("2a00:1:2::1"));

        assertThat(chosen(false, relays, 9)).hasSize(3).contains("2.2.2.2", "2a00:1:2:0:0:0:0:1");
    }

    @Test
    void namesNoMoreThanHalfOfOneOperator() {
        List<RelayView> relays = List.of(
                relay("1.1.1.1"),
                relay("1.1.2.1"),
                relay("1.1.3.1"),
                relay("1.1.4.1"),
                relay("2.2.2.2"),
                relay("3.3.3.3"));

        assertThat(chosen(false, relays, 9)).hasSize(4).contains("2.2.2.2", "3.3.3.3");
        assertThat(chosen(false, relays.subList(0, 4), 9)).hasSize(1);
    }

    @Test
    void hidesNoRelayOfALab() {
        List<RelayView> relays = List.of(relay("127.0.0.1"), relay("127.0.0.1"), relay("127.0.0.1"));

        assertThat(chosen(true, relays, 9)).hasSize(3);
        assertThat(chosen(false, relays, 9)).isEmpty();
    }

    @Test
    void namesNoRelayThatCannotBeReached() {
        assertThat(chosen(false, List.of(relay()), 9)).isEmpty();
    }

    @Test
    void namesBothFamiliesOfARelayAndNoMoreRelaysThanAsked() {
        List<RelayView> relays = List.of(relay("1.1.1.1", "2a00:1:2::1"), relay("2.2.2.2", "2a00:1:3::1"));

        assertThat(chosen(false, relays, 1)).hasSize(2);
    }

    @Test
    void namesNearRelaysFirstAndInsteadOfOthersWhereThereAreTooMany() {
        List<RelayView> relays = new ArrayList<>();
        for (int operator = 21; operator <= 40; operator++) {
            relays.add(relay(operator + ".1.1.1"));
        }
        nearby.add(relays.get(7).key());
        nearby.add(relays.get(13).key());

        assertThat(chosen(false, relays, 20)).hasSize(20);
        assertThat(chosen(false, relays, 20).subList(0, 2)).containsExactlyInAnyOrder("28.1.1.1", "34.1.1.1");
        assertThat(chosen(false, relays, 2)).containsExactlyInAnyOrder("28.1.1.1", "34.1.1.1");
    }

    @Test
    void namesTheNearOneOfASite() {
        RelayView far = relay("1.1.1.1");
        RelayView near = relay("1.1.1.2");
        nearby.add(near.key());
        for (int i = 0; i < 20; i++) {
            assertThat(chosen(false, List.of(far, near), 9)).containsExactly("1.1.1.2");
        }
    }

    private List<String> chosen(boolean privateAddresses, List<RelayView> relays, int max) {
        return new RelayChoice(privateAddresses, relay -> nearby.contains(relay.key()))
                .choose(relays, max, random).stream()
                        .flatMap(List::stream)
                        .map(endpoint -> endpoint.address().getHostAddress())
                        .toList();
    }

    private static int made = 0;

    private static RelayView relay(String... addresses) {
        byte[] seed = new byte[SigningKey.SEED_LENGTH];
        seed[0] = (byte) ++made;
        List<Endpoint> endpoints = new ArrayList<>();
        Arrays.stream(addresses).forEach(address -> endpoints.add(new Endpoint(address(address), 7001 + made)));
        return new RelayView(SigningKey.fromSeed(seed).relayKey(), NodeRole.RELAY, endpoints, Optional.empty(), true);
    }

    private static InetAddress address(String literal) {
        try {
            return InetAddress.getByName(literal);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
