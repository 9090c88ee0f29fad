package live.tributary.protocol.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import live.tributary.protocol.Samples;
import live.tributary.protocol.bencode.FormatException;
import org.junit.jupiter.api.Test;

class KeyEndTest {
    private final Samples samples = new Samples(41);
    private final SigningKey key = samples.key();
    private final SigningKey next = samples.key();
    private final KeyEnd rotation = KeyEnd.rotation(key, next.streamKey(), Samples.NOW);
    private final KeyEnd revocation = KeyEnd.revocation(key, Samples.NOW);

    @Test
    void readsWhatItWroteAndRefusesEveryChange() throws Exception {
        for (KeyEnd end : List.of(rotation, revocation)) {
            byte[] encoded = end.encoded();
            assertThat(KeyEnd.decode(encoded)).isEqualTo(end);
            assertThat(end.verifies()).isTrue();
            for (int i = 0; i < encoded.length; i++) {
                byte[] changed = encoded.clone();
                changed[i] ^= 1;
                try {
                    assertThat(KeyEnd.decode(changed).verifies())
                            .as("byte " + i)
                            .isFalse();
                } catch (FormatException e) {
                    assertThat(e).isNotNull();
                }
                byte[] cut = Arrays.copyOf(encoded, i);
                assertThatThrownBy(() -> KeyEnd.decode(cut)).isInstanceOf(FormatException.class);
            }
        }
    }

    @Test
    void oneByteMoreThanAnyIsRefused() {
        assertThatThrownBy(() -> KeyEnd.decode(new byte[KeyEnd.MAX_ENCODED + 1]))
                .hasMessageContaining("256");
    }

    @Test
    void aRevocationCountsBeforeAnySuccessor() {
        KeyEnd other = KeyEnd.rotation(key, samples.key().streamKey(), Samples.NOW.minusSeconds(9));

        assertThat(revocation.overrides(rotation)).isTrue();
        assertThat(rotation.overrides(revocation)).isFalse();
        assertThat(other.overrides(rotation))
                .as("the first that was heard stays")
                .isFalse();
    }

    @Test
    void noKeyFollowsItself() {
        assertThatThrownBy(() -> KeyEnd.rotation(key, key.streamKey(), Samples.NOW))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
