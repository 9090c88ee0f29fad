package live.tributary.protocol.dht;

import static org.assertj.core.api.Assertions.assertThat;

import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.Test;

final class MutableTargetTest {
    /** The key of BEP 44's test vectors. */
    private static final StreamKey KEY =
            StreamKey.fromText("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");

    @Test
    void isThatOfBep44sVectors() {
        assertThat(MutableTarget.of(KEY, "").hex()).isEqualTo("4a533d47ec9c7d95b1ad75f576cffc641853b750");
        assertThat(MutableTarget.of(KEY, "foobar").hex()).isEqualTo("411eba73b6f087ca51a3795d9c8c938d365e32c1");
    }

    @Test
    void ofAHeadHasTheHeadsSalt() {
        assertThat(MutableTarget.ofHead(KEY)).isEqualTo(MutableTarget.of(KEY, "tributary/1"));
    }
}
