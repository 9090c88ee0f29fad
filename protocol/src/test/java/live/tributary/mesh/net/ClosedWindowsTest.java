package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import live.tributary.protocol.Samples;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;
import org.junit.jupiter.api.Test;

class ClosedWindowsTest {
    private static final Duration FOUR_SECONDS = Duration.ofSeconds(4);

    private final Samples samples = new Samples(3);
    private final List<ChunkRecord> chain = samples.chain(samples.key(), 200, FOUR_SECONDS, 10);

    @Test
    void aWindowClosesWithTheFirstRecordBehindIt() {
        WindowId id = WindowId.firstOf(chain.get(0)); // [-270, 30) seconds: records 0 to 7.
        assertThat(closed(0, 7, false)).doesNotContainKey(id);
        assertThat(closed(0, 8, false).get(id)).isEqualTo(chain.subList(0, 8));
    }

    @Test
    void allThatHaveAMemberCloseWithTheStream() {
        Map<WindowId, List<ChunkRecord>> closed = closed(0, 9, true);
        assertThat(closed).hasSize(11);
        assertThat(closed.get(WindowId.firstOf(chain.get(9)))).isEqualTo(chain.subList(0, 10));
    }

    @Test
    void whoJoinedLateOffersNoWindowWhoseBeginningIsUnknown() {
        Map<WindowId, List<ChunkRecord>> whole = closed(0, 199, false);
        Map<WindowId, List<ChunkRecord>> late = closed(60, 199, false);
        assertThat(late).isNotEmpty();
        late.forEach((id, members) -> assertThat(members).isEqualTo(whole.get(id)));
        assertThat(late).doesNotContainKey(WindowId.firstOf(chain.get(60)));
    }

    @Test
    void aGapHidesTheWindowsThatItLiesIn() {
        NavigableMap<Long, ChunkRecord> records = records(0, 199);
        records.remove(100L);
        Map<WindowId, List<ChunkRecord>> closed = ClosedWindows.of(records, term -> false);
        closed.values()
                .forEach(members -> assertThat(members)
                        .allMatch(record -> record.seq() < 100 || members.get(0).seq() > 100));
        assertThat(closed).isNotEmpty();
    }

    private Map<WindowId, List<ChunkRecord>> closed(int from, int to, boolean ended) {
        return ClosedWindows.of(records(from, to), term -> ended);
    }

    private NavigableMap<Long, ChunkRecord> records(int from, int to) {
        NavigableMap<Long, ChunkRecord> records = new TreeMap<>();
        chain.subList(from, to + 1).forEach(record -> records.put(record.seq(), record));
        return records;
    }
}
