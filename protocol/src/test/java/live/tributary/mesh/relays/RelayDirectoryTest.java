package live.tributary.mesh.relays;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

class RelayDirectoryTest {
    private static final Duration LIFETIME = Duration.ofMinutes(5);

    private final Samples samples = new Samples(12);
    private final SigningKey self = samples.key();
    private final SigningKey relay = samples.key();
    private final Endpoint endpoint = samples.endpoint(false);
    private Instant now = Samples.NOW;
    private final RelayDirectory directory = new RelayDirectory(self.relayKey(), () -> now);

    @Test
    void whatAllNeighboursTellIsNewsOnce() {
        RelayDescriptor told = describedFor(LIFETIME);
        assertThat(directory.wouldBeNews(told)).isTrue();
        assertThat(directory.heard(told)).isTrue();
        assertThat(directory.wouldBeNews(told)).isFalse();
        assertThat(directory.heard(told)).isFalse();
    }

    @Test
    void whatWasSignedLaterIsNewsAndWhatWasSignedEarlierIsNot() {
        RelayDescriptor earlier = describedFor(LIFETIME);
        now = now.plusSeconds(60);
        RelayDescriptor later = describedFor(LIFETIME);
        directory.heard(later);
        assertThat(directory.wouldBeNews(earlier)).isFalse();
        now = now.plusSeconds(1);
        assertThat(directory.wouldBeNews(describedFor(LIFETIME))).isTrue();
    }

    @Test
    void whatHasExpiredOrLastsTooLongOrIsOfThisNodeIsNoNews() {
        assertThat(directory.wouldBeNews(describedFor(Duration.ZERO))).isFalse();
        Duration longest = RelayDescriptor.MAX_LIFETIME.plusSeconds(60);
        assertThat(directory.wouldBeNews(describedFor(longest))).isTrue();
        assertThat(directory.wouldBeNews(describedFor(longest.plusSeconds(1)))).isFalse();
        assertThat(directory.wouldBeNews(described(self, LIFETIME))).isFalse();
    }

    @Test
    void whoIsForgottenIsNewsAgain() {
        RelayDescriptor told = describedFor(LIFETIME);
        directory.heard(told);
        now = now.plus(LIFETIME);
        directory.expire();
        assertThat(directory.relay(relay.relayKey())).isEmpty();
        assertThat(directory.wouldBeNews(describedFor(LIFETIME))).isTrue();
    }

    @Test
    void isVouchedForOnceItsEndpointIsProven() {
        RelayDescriptor told = describedFor(LIFETIME);
        directory.heard(told);
        assertThat(directory.vouched(8)).isEmpty();
        directory.proven(relay.relayKey(), NodeRole.RELAY, endpoint);
        assertThat(directory.vouched(8)).containsExactly(told);
    }

    private RelayDescriptor describedFor(Duration lifetime) {
        return described(relay, lifetime);
    }

    private RelayDescriptor described(SigningKey key, Duration lifetime) {
        return Samples.descriptor(key, List.of(endpoint), Optional.empty(), now.plus(lifetime));
    }
}
