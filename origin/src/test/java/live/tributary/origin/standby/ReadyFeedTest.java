package live.tributary.origin.standby;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.SampleStream;
import live.tributary.origin.ingest.FeedState;
import live.tributary.origin.ingest.IngestListener;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import org.junit.jupiter.api.Test;

class ReadyFeedTest {
    private static final Rendition BARE = new Rendition(0, Rendition.Kind.VARIANT, "");

    private Instant now = Instant.parse("2026-11-22T12:00:00Z");
    private final SampleStream sample = new SampleStream(6, now);
    private final ReadyFeed feed = new ReadyFeed(() -> now);
    private final Heard origin = new Heard();

    /** An origin that keeps the names of what it is given. */
    private static final class Heard implements IngestListener {
        final List<String> names = new ArrayList<>();
        boolean described;

        @Override
        public void described(List<Rendition> renditions, Duration targetDuration) {
            described = true;
        }

        @Override
        public void chunk(int rendition, IngestedChunk chunk) {
            names.add(chunk.name());
        }

        @Override
        public void state(int rendition, FeedState state) {}

        @Override
        public void missed(int rendition, long segments) {}
    }

    @Test
    void whereBothReadTheSameSegmentsTheNewestIsOfferedAgainAndTheNextFollows() {
        List<ChunkRecord> known = feedsTheSame(5, 3);

        assertThat(feed.isReady(known)).isTrue();
        feed.lead(origin, known);
        assertThat(origin.described).isTrue();
        assertThat(origin.names).containsExactly("2", "3", "4");
    }

    @Test
    void nothingIsReadyThatTheMeshHasAlready() {
        List<ChunkRecord> known = feedsTheSame(3, 3);

        assertThat(feed.isReady(known)).isFalse();
    }

    @Test
    void whereTheFeedsDifferItGoesOnFromWhatCameAfterTheNewestRecord() {
        feed.described(List.of(BARE), Duration.ofSeconds(4));
        feed.chunk(0, chunk("a", new byte[] {1}));
        now = now.plusSeconds(4);
        ChunkRecord newest = sample.next(1000).record();
        assertThat(feed.isReady(List.of(newest))).isFalse();
        now = now.plusSeconds(1);
        feed.chunk(0, chunk("b", new byte[] {2}));

        assertThat(feed.isReady(List.of(newest))).isTrue();
        feed.lead(origin, List.of(newest));
        feed.chunk(0, chunk("c", new byte[] {3}));
        assertThat(origin.names).containsExactly("b", "c");
    }

    @Test
    void aLoopedFeedGoesOnThoughTheMeshHasHadItsSegmentsBefore() {
        List<SampleStream.Chunk> round = List.of(sample.next(1000), sample.next(1000));
        feed.described(List.of(BARE), Duration.ofSeconds(4));
        feed.chunk(0, chunk("newest", round.get(1).bytes()));
        feed.chunk(0, chunk("again", round.get(0).bytes()));
        List<ChunkRecord> known = List.of(round.get(0).record(), round.get(1).record());

        assertThat(feed.isReady(known)).isTrue();
        feed.lead(origin, known);
        assertThat(origin.names).containsExactly("newest", "again");
    }

    @Test
    void keepsAMinuteAndNoMore() {
        feed.described(List.of(BARE), Duration.ofSeconds(4));
        feed.chunk(0, chunk("old", new byte[1]));
        now = now.plus(ReadyFeed.KEPT).plusMillis(1);
        feed.chunk(0, chunk("new", new byte[1]));

        feed.lead(origin, List.of());
        assertThat(origin.names).containsExactly("new");
    }

    @Test
    void keeps64MiBAndNoByteMore() {
        feed.described(List.of(BARE), Duration.ofSeconds(4));
        int half = (int) (ReadyFeed.MAX_BYTES / 2);
        feed.chunk(0, chunk("one", new byte[half]));
        feed.chunk(0, chunk("two", new byte[half]));
        feed.chunk(0, chunk("three", new byte[1]));

        feed.lead(origin, List.of());
        assertThat(origin.names).containsExactly("two", "three");
    }

    @Test
    void whoStoodDownKeepsHisFeedToHimself() {
        feed.described(List.of(BARE), Duration.ofSeconds(4));
        feed.lead(origin, List.of());
        feed.chunk(0, chunk("led", new byte[1]));
        feed.follow();
        feed.chunk(0, chunk("kept", new byte[1]));

        assertThat(origin.names).containsExactly("led");
    }

    /** Of {@code count} segments the mesh has the first few. */
    private List<ChunkRecord> feedsTheSame(int count, int published) {
        feed.described(List.of(BARE), Duration.ofSeconds(4));
        List<ChunkRecord> known = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SampleStream.Chunk chunk = sample.next(1000);
            feed.chunk(0, chunk(Integer.toString(i), chunk.bytes()));
            if (i < published) {
                known.add(chunk.record());
            }
        }
        return known;
    }

    private static IngestedChunk chunk(String name, byte[] bytes) {
        return new IngestedChunk(
                bytes,
                Sha256.ofContent(bytes),
                Container.TS,
                0,
                Duration.ofSeconds(4),
                false,
                new IngestedChunk.Position(0, 0),
                Optional.empty(),
                name);
    }
}
