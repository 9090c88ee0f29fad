package live.tributary.protocol.metainfo;

import java.time.Duration;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * Which five minutes of a stream a window is: those records of one rendition, term and discontinuity count whose start lies
 * in [30 {@code index} - 300, 30 {@code index}) seconds of media time.
 */
public record WindowId(int rendition, long term, long discontinuities, long index) {
    public static final Duration LENGTH = Duration.ofSeconds(300);
    public static final Duration STEP = Duration.ofSeconds(30);

    /** The first window that a record belongs to; it belongs to the nine after it too. */
    public static WindowId firstOf(ChunkRecord record) {
        return new WindowId(
                record.rendition(),
                record.term(),
                record.body().discontinuities(),
                record.body().start().toMillis() / STEP.toMillis() + 1);
    }

    public WindowId withIndex(long other) {
        return new WindowId(rendition, term, discontinuities, other);
    }

    /** The media time at which the window ends, exclusive. */
    public Duration end() {
        return STEP.multipliedBy(index);
    }

    /** Whether it ends on a five-minute mark: the DVR's episodes do, and every record belongs to one of them. */
    public boolean isEpisode() {
        return index % LENGTH.dividedBy(STEP) == 0;
    }

    public boolean contains(ChunkRecord record) {
        Duration start = record.body().start();
        return record.rendition() == rendition
                && record.term() == term
                && record.body().discontinuities() == discontinuities
                && start.compareTo(end()) < 0
                && start.compareTo(end().minus(LENGTH)) >= 0;
    }

    /** Whether {@code next} follows {@code previous} within one run: next seq, and its chain names the previous record. */
    public static boolean continues(ChunkRecord previous, ChunkRecord next) {
        return next.chunk().equals(previous.chunk().next())
                && next.term() == previous.term()
                && next.body().discontinuities() == previous.body().discontinuities()
                && next.body().previous().filter(previous.hash()::equals).isPresent();
    }
}
