package live.tributary.protocol.bencode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BencodeTest {
    private static final int MAX = 1 << 20;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void readsWhatItWrote(long seed) throws Exception {
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            byte[] encoded = Bencode.encode(dictionary(random, 5));
            assertThat(Bencode.decode(encoded, MAX).encode()).isEqualTo(encoded);
            for (int length = 0; length < encoded.length; length += 1 + encoded.length / 50) {
                byte[] cut = Arrays.copyOf(encoded, length);
                assertThatThrownBy(() -> Bencode.decode(cut, MAX)).isInstanceOf(FormatException.class);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void whatIsReadInSpiteOfAFlippedBitIsWhatItsBytesSay(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            byte[] encoded = Bencode.encode(dictionary(random, 3));
            int bit = random.nextInt(encoded.length * 8);
            encoded[bit / 8] ^= (byte) (1 << bit % 8);
            try {
                BencodeDictionary read = Bencode.decode(encoded, MAX);
                assertThat(read.asMap()).isNotNull();
            } catch (FormatException expected) {
                assertThat(expected.getMessage()).isNotEmpty();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "d",
                "le",
                "i1e",
                "d1:ai1e",
                "d1:ae",
                "di1e1:ae",
                "d1:bi1e1:ai1ee",
                "d1:ai1e1:ai2ee",
                "d1:ai01ee",
                "d1:ai-0ee",
                "d1:aiee",
                "d1:ai-ee",
                "d1:ai1234567890123456789ee",
                "d1:a01:xe",
                "d1:a9:xe",
                "d1:a-1:xe",
                "d1:ai1eei",
                "d1:a99999999999:xe",
                "d1:ai1e1:xe",
                "x"
            })
    void refusesWhatIsNotCanonical(String text) {
        assertThatThrownBy(() -> Bencode.decode(text.getBytes(StandardCharsets.US_ASCII), MAX))
                .isInstanceOf(FormatException.class);
    }

    @Test
    void takesTheLongestInputAndNoByteMore() throws Exception {
        byte[] encoded = Bencode.encode(Map.of("a", new byte[100]));
        assertThat(Bencode.decode(encoded, encoded.length).has("a")).isTrue();
        assertThatThrownBy(() -> Bencode.decode(encoded, encoded.length - 1))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("length: " + encoded.length);
    }

    @Test
    void takesTheDeepestNestingAndNoLevelMore() throws Exception {
        assertThat(Bencode.decode(nested(Bencode.MAX_DEPTH), MAX).has("a")).isTrue();
        assertThatThrownBy(() -> Bencode.decode(nested(Bencode.MAX_DEPTH + 1), MAX))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("nesting: 9");
    }

    @Test
    void aPrefixIsReadWhateverFollowsAndInAnyOrderOfKeys() throws Exception {
        Bencode.Prefixed prefixed = Bencode.decodePrefix("d1:bi2e1:ai1eerest".getBytes(StandardCharsets.US_ASCII), MAX);
        assertThat(prefixed.length()).isEqualTo(14);
        assertThat(prefixed.dictionary().integer("a", 0, 9)).isOne();
    }

    private static byte[] nested(int depth) {
        return ("d1:a" + "l".repeat(depth - 1) + "e".repeat(depth - 1) + "e").getBytes(StandardCharsets.US_ASCII);
    }

    private static Map<String, Object> dictionary(Random random, int depth) {
        Map<String, Object> values = new TreeMap<>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            values.put(Integer.toString(random.nextInt(1000), 36), value(random, depth - 1));
        }
        return values;
    }

    private static Object value(Random random, int depth) {
        switch (random.nextInt(depth > 0 ? 4 : 2)) {
            case 0:
                return random.nextLong() % 1_000_000_000_000_000_000L;
            case 1:
                byte[] bytes = new byte[random.nextInt(40)];
                random.nextBytes(bytes);
                return bytes;
            case 2:
                List<Object> list = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    list.add(value(random, depth - 1));
                }
                return list;
            default:
                return dictionary(random, depth);
        }
    }
}
