package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

class PublishStateTest {
    private static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);

    @Test
    void theLargestStateFitsAndReadsBack() throws FormatException {
        Map<Integer, PublishState.Last> renditions = new HashMap<>();
        for (int number = 0; number <= ChunkId.MAX_RENDITION; number++) {
            renditions.put(
                    number,
                    new PublishState.Last(
                            999_999_999_999_999L,
                            Sha256.ofContent(new byte[] {(byte) number}),
                            1L << 32,
                            Duration.ofMillis(1L << 48),
                            "n".repeat(300),
                            Optional.empty()));
        }
        PublishState state = new PublishState(KEY.streamKey(), 1L << 48, 1L << 32, 1L << 48, renditions);

        assertThat(PublishState.decode(state.encode())).isEqualTo(state);
    }

    @Test
    void everyFlippedBitIsSeen() {
        byte[] encoded = PublishState.empty(KEY.streamKey()).encode();
        for (int i = 0; i < encoded.length; i++) {
            byte[] damaged = encoded.clone();
            damaged[i] ^= 1;
            assertThatThrownBy(() -> PublishState.decode(damaged)).isInstanceOf(FormatException.class);
        }
    }

    @Test
    void everyCutIsSeen() {
        byte[] encoded = PublishState.empty(KEY.streamKey()).encode();
        for (int length = 0; length < encoded.length; length++) {
            byte[] cut = Arrays.copyOf(encoded, length);
            assertThatThrownBy(() -> PublishState.decode(cut)).isInstanceOf(FormatException.class);
        }
    }

    @Test
    void aLongerStateThanAnyIsRefused() {
        assertThatThrownBy(() -> PublishState.decode(new byte[PublishState.MAX_ENCODED + 1]))
                .hasMessageContaining("expected: <= " + PublishState.MAX_ENCODED);
    }
}
