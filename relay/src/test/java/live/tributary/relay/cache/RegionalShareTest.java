package live.tributary.relay.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import live.tributary.mesh.SampleStream;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.PublicKey;
import live.tributary.protocol.stream.RelayDescriptor.Region;
import live.tributary.protocol.stream.RelayKey;
import org.junit.jupiter.api.Test;

class RegionalShareTest {
    private static final int CHUNKS = 400;
    private static final List<ChunkRecord> RECORDS = records();

    private static List<ChunkRecord> records() {
        SampleStream stream = new SampleStream(11, Instant.ofEpochSecond(1_800_000_000));
        return Stream.generate(() -> stream.next(100).record()).limit(CHUNKS).toList();
    }

    @Test
    void everyChunkHasTwoHolders() {
        List<RelayKey> relays = relays(10);
        for (ChunkRecord record : RECORDS) {
            assertThat(RegionalShare.holders(record, relays)).hasSize(2).doesNotHaveDuplicates();
            for (RelayKey relay : relays) {
                List<RelayKey> others =
                        relays.stream().filter(other -> !other.equals(relay)).toList();
                assertThat(RegionalShare.fallsTo(relay, record, others))
                        .isEqualTo(RegionalShare.holders(record, relays).contains(relay));
            }
        }
    }

    @Test
    void whoIsAloneKeepsAll() {
        RelayKey self = relays(1).get(0);
        assertThat(RegionalShare.holders(RECORDS.get(0), List.of(self))).containsExactly(self);
        assertThat(RegionalShare.fallsTo(self, RECORDS.get(0), List.of())).isTrue();
    }

    @Test
    void theOrderInWhichRelaysAreKnownDoesNotMatter() {
        List<RelayKey> relays = relays(10);
        List<RelayKey> other = new ArrayList<>(relays);
        Collections.shuffle(other, new Random(1));
        for (ChunkRecord record : RECORDS) {
            assertThat(RegionalShare.holders(record, other)).isEqualTo(RegionalShare.holders(record, relays));
        }
    }

    @Test
    void theLoadIsEven() {
        List<RelayKey> relays = relays(10);
        Map<RelayKey, Integer> load = new HashMap<>();
        for (ChunkRecord record : RECORDS) {
            RegionalShare.holders(record, relays).forEach(relay -> load.merge(relay, 1, Integer::sum));
        }
        double mean = 2.0 * CHUNKS / relays.size();
        assertThat(load).hasSize(relays.size());
        assertThat(load.values())
                .allSatisfy(chunks ->
                        assertThat((double) chunks).isBetween(mean - 4 * Math.sqrt(mean), mean + 4 * Math.sqrt(mean)));
    }

    @Test
    void whoLeavesMovesOnlyWhatWasItsOwn() {
        List<RelayKey> relays = relays(10);
        RelayKey gone = relays.get(3);
        List<RelayKey> rest =
                relays.stream().filter(relay -> !relay.equals(gone)).toList();
        int moved = 0;
        for (ChunkRecord record : RECORDS) {
            List<RelayKey> before = RegionalShare.holders(record, relays);
            List<RelayKey> after = RegionalShare.holders(record, rest);
            if (before.contains(gone)) {
                moved++;
                assertThat(after)
                        .containsAll(before.stream()
                                .filter(relay -> !relay.equals(gone))
                                .toList());
            } else {
                assertThat(after).isEqualTo(before);
            }
        }
        assertThat(moved).isBetween(CHUNKS / 10, 3 * CHUNKS / 10);
    }

    @Test
    void aRegionIsASquareOfFifteenDegrees() {
        assertThat(cell(52, 5))
                .isEqualTo(cell(48, 11))
                .isNotEqualTo(cell(40, 5))
                .isNotEqualTo(cell(52, 16));
        assertThat(cell(0, 180)).isEqualTo(cell(0, -180));
        assertThat(Cell.of(Optional.empty())).isNotEqualTo(cell(0, 0));
    }

    private static Cell cell(int latitude, int longitude) {
        return Cell.of(Optional.of(new Region(latitude, longitude)));
    }

    private static List<RelayKey> relays(int count) {
        Random random = new Random(5);
        List<RelayKey> relays = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] key = new byte[PublicKey.LENGTH];
            random.nextBytes(key);
            relays.add(RelayKey.of(key));
        }
        return relays;
    }
}
