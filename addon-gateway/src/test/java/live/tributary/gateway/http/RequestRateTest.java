package live.tributary.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import live.tributary.gateway.Asked;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Locator;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpAnswer;
import org.junit.jupiter.api.Test;

class RequestRateTest {
    private static final long SECOND = 1_000_000_000;

    private long now;
    private final RequestRate rate = new RequestRate(2, 4, () -> now);
    private final Visits visits = new Visits(new ClientAddress(List.of()), Locator.NOWHERE, Optional.empty());

    private boolean ask(String address) {
        return rate.admits(FakeStream.endpoint(address, 1).address());
    }

    @Test
    void admitsABurstAndThenItsPace() {
        for (int i = 0; i < 4; i++) {
            assertThat(ask("198.51.100.1")).isTrue();
        }
        assertThat(ask("198.51.100.1")).isFalse();
        now += SECOND;
        assertThat(ask("198.51.100.1")).isTrue();
        assertThat(ask("198.51.100.1")).isTrue();
        assertThat(ask("198.51.100.1")).isFalse();
    }

    @Test
    void impatienceDoesNotLockOut() {
        for (int i = 0; i < 4; i++) {
            ask("198.51.100.1");
        }
        int admitted = 0;
        for (int i = 0; i < 100; i++) {
            now += SECOND / 10;
            admitted += ask("198.51.100.1") ? 1 : 0;
        }
        assertThat(admitted).isEqualTo(20);
    }

    @Test
    void countsIpv6BySixtyFourBits() {
        for (int i = 1; i <= 4; i++) {
            assertThat(ask("2001:db8::" + i)).isTrue();
        }
        assertThat(ask("2001:db8::5")).isFalse();
        assertThat(ask("2001:db8:0:1::5")).isTrue();
    }

    @Test
    void tooManyRequestsAreToldWhenToComeBack() {
        FrontDoor limited = new FrontDoor(
                visits, Optional.of(rate), new Meters(), List.of(query -> Answers.now(HttpAnswer.text(200, "fine"))));
        for (int i = 0; i < 4; i++) {
            assertThat(Asked.get(limited, "/x").status()).isEqualTo(200);
        }

        Asked refused = Asked.get(limited, "/x");

        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.headers()).containsEntry("retry-after", "5").containsEntry("cache-control", "no-store");
    }

    @Test
    void serviceThatFailsIsAnAnswerToo() {
        FrontDoor limited = new FrontDoor(visits, Optional.empty(), new Meters(), List.of(query -> {
            throw new IllegalStateException("on purpose");
        }));

        assertThat(Asked.get(limited, "/x").status()).isEqualTo(500);
    }
}
