package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PieceRangesTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void agreesWithABitSet(long seed) {
        Random random = new Random(seed);
        PieceRanges ranges = new PieceRanges();
        BitSet bits = new BitSet();
        for (int i = 0; i < 2000; i++) {
            int from = random.nextInt(300);
            int to = from + 1 + random.nextInt(20);
            if (random.nextInt(3) == 0) {
                ranges.remove(from, to);
                bits.clear(from, to);
            } else {
                ranges.add(from, to);
                bits.set(from, to);
            }
            int probe = random.nextInt(330);
            assertThat(ranges.contains(probe)).isEqualTo(bits.get(probe));
            int end = probe + 1 + random.nextInt(10);
            assertThat(ranges.containsAll(probe, end))
                    .isEqualTo(bits.get(probe, end).cardinality() == end - probe);
        }
        BitSet again = new BitSet();
        for (LiveMessage.Range range : ranges.newest(LiveMessage.MAX_RANGES)) {
            again.set((int) range.from(), (int) range.to());
        }
        assertThat(again).isEqualTo(bits);
        assertThat(ranges.count())
                .isEqualTo(ranges.newest(LiveMessage.MAX_RANGES).size());
    }
}
