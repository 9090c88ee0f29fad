package live.tributary.gateway.geo;

import static live.tributary.gateway.geo.MmdbFile.address;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClientAddressTest {
    private static final InetAddress PROXY = address("10.0.0.1");
    private static final InetAddress STRANGER = address("198.51.100.9");

    private final ClientAddress trusting = new ClientAddress(List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("fd00::/8")));

    private static HttpHeaders headers(String name, String... values) {
        return new DefaultHttpHeaders().add(name, List.of(values));
    }

    @Test
    void strangersHeadersChangeNothing() {
        assertThat(trusting.of(STRANGER, headers("X-Forwarded-For", "203.0.113.5")))
                .isEqualTo(STRANGER);
        assertThat(trusting.of(STRANGER, headers("CF-Connecting-IP", "203.0.113.5")))
                .isEqualTo(STRANGER);
        assertThat(new ClientAddress(List.of()).of(PROXY, headers("X-Forwarded-For", "203.0.113.5")))
                .isEqualTo(PROXY);
    }

    @Test
    void walksFromTheRightPastTrustedProxies() {
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "1.2.3.4, 203.0.113.5, 10.0.0.7")))
                .isEqualTo(address("203.0.113.5"));
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "1.2.3.4", "203.0.113.5")))
                .isEqualTo(address("203.0.113.5"));
    }

    @Test
    void stopsAtWhatIsNoAddress() {
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "203.0.113.5, unknown, 10.0.0.7")))
                .isEqualTo(address("10.0.0.7"));
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "evil.example")))
                .isEqualTo(PROXY);
    }

    @Test
    void readsPortsAndBrackets() {
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "203.0.113.5:4711")))
                .isEqualTo(address("203.0.113.5"));
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "[2001:db8::5]:4711")))
                .isEqualTo(address("2001:db8::5"));
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "2001:db8::5")))
                .isEqualTo(address("2001:db8::5"));
    }

    @Test
    void looksAtSoManyHopsAndNoMore() {
        String own = "10.0.0.2,".repeat(ClientAddress.MAX_HOPS - 1);

        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "203.0.113.5," + own + "10.0.0.2")))
                .isEqualTo(address("10.0.0.2"));
        assertThat(trusting.of(PROXY, headers("X-Forwarded-For", "203.0.113.5," + own.substring(0, own.length() - 1))))
                .isEqualTo(address("203.0.113.5"));
    }

    @Test
    void cidrHoldsItsBits() {
        assertThat(Cidr.parse("192.0.2.128/25").contains(address("192.0.2.200")))
                .isTrue();
        assertThat(Cidr.parse("192.0.2.128/25").contains(address("192.0.2.127")))
                .isFalse();
        assertThat(Cidr.parse("0.0.0.0/0").contains(address("2001:db8::1"))).isFalse();
        assertThat(Cidr.parse("2001:db8::/33").contains(address("2001:db8:8000::1")))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"example.org/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "10.0.0.0/x", "", "::1/129"})
    void refusesWhatIsNoBlock(String text) {
        assertThatThrownBy(() -> Cidr.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
