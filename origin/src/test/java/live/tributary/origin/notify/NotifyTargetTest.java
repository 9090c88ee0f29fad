package live.tributary.origin.notify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NotifyTargetTest {
    @Test
    void readsWhatAnOperatorWrites() {
        String key = SigningKey.fromSeed(new byte[32]).relayKey().text();
        NotifyTarget pinned = NotifyTarget.parse("wss://gw.example#" + key);

        assertThat(pinned.uri()).isEqualTo(URI.create("wss://gw.example:443/notify"));
        assertThat(pinned.gateway().orElseThrow().text()).isEqualTo(key);
        assertThat(NotifyTarget.parse("ws://[::1]:7000/notify").uri()).isEqualTo(URI.create("ws://[::1]:7000/notify"));
        assertThat(NotifyTarget.parse("ws://h:7/behind/notify?token=1").path()).isEqualTo("/behind/notify?token=1");
        assertThat(NotifyTarget.parse("ws://gw.example/").port()).isEqualTo(80);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://gw.example/notify",
                "gw.example",
                "wss://",
                "wss://a:b@gw.example",
                "ws://gw.example#abc",
                "ws://a b"
            })
    void refusesWhatIsNoGateway(String text) {
        assertThatThrownBy(() -> NotifyTarget.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected: ws[s]://");
    }
}
