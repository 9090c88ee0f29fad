package live.tributary.protocol.hls;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;

/**
 * Writes a live media playlist of one rendition from its records.
 *
 * <p>The same records give the same text on every node, whichever is first in the list: what is written of a chunk follows
 * from its record alone (an origin's media time is anchored at the wall clock, so EXT-X-PROGRAM-DATE-TIME is the start).
 *
 * @param targetDuration the stream's, constant over its life: EXT-X-TARGETDURATION is this rounded up
 * @param uri where a chunk's bytes are
 * @param magnet a magnet written as a comment before a chunk, for those that look for one; plain players skip it
 * @param ended whether EXT-X-ENDLIST closes the list
 * @param gaps chunks that are to be passed over (EXT-X-GAP), since nobody has their bytes
 * @param tags whole lines to be written before the chunks, such as EXT-X-PLAYLIST-TYPE
 */
public record LivePlaylist(
        Duration targetDuration,
        Function<ChunkRecord, String> uri,
        Function<ChunkRecord, Optional<String>> magnet,
        boolean ended,
        Predicate<ChunkRecord> gaps,
        List<String> tags) {
    public static final String CONTENT_TYPE = "application/vnd.apple.mpegurl";
    /** For a playlist that changes with every chunk. */
    public static final String CACHE_CONTROL = "public, max-age=1, s-maxage=1";
    /** For a chunk: its name never means other bytes. */
    public static final String CHUNK_CACHE_CONTROL = "public, max-age=31536000, immutable";

    /** What a line with a magnet begins with: {@code ###} and the URI, a comment to every HLS parser. */
    static final String MAGNET_COMMENT = "###magnet:";

    private static final int VERSION = 3;
    /** From which on EXT-X-MAP, and EXT-X-GAP, are known. */
    private static final int MAP_VERSION = 7;

    private static final int GAP_VERSION = 8;

    private static final DateTimeFormatter DATE_TIME = DateTimeFormatter.ofPattern(
                    "uuuu-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    public LivePlaylist(Duration targetDuration, Function<ChunkRecord, String> uri) {
        this(targetDuration, uri, record -> Optional.empty(), false, record -> false, List.of());
    }

    public LivePlaylist withMagnets(Function<ChunkRecord, String> magnets) {
        return new LivePlaylist(targetDuration, uri, record -> Optional.of(magnets.apply(record)), ended, gaps, tags);
    }

    public LivePlaylist withEnd(boolean end) {
        return new LivePlaylist(targetDuration, uri, magnet, end, gaps, tags);
    }

    public LivePlaylist withGaps(Predicate<ChunkRecord> missing) {
        return new LivePlaylist(targetDuration, uri, magnet, ended, missing, tags);
    }

    public LivePlaylist withTags(List<String> lines) {
        return new LivePlaylist(targetDuration, uri, magnet, ended, gaps, List.copyOf(lines));
    }

    /**
     * The playlist of the newest run in {@code records}: a list never spans a jump of seq.
     *
     * @param records of one rendition, in order of seq; a list without any gives a playlist without segments
     */
    public String write(List<ChunkRecord> records) {
        List<ChunkRecord> run = newestRun(records);
        boolean mp4 = run.stream().anyMatch(record -> record.body().container() == Container.MP4);
        StringBuilder text = new StringBuilder("#EXTM3U\n")
                .append("#EXT-X-VERSION:")
                .append(run.stream().anyMatch(gaps) ? GAP_VERSION : mp4 ? MAP_VERSION : VERSION)
                .append("\n#EXT-X-TARGETDURATION:")
                .append(target(run))
                .append('\n');
        tags.forEach(tag -> text.append(tag).append('\n'));
        if (!run.isEmpty()) {
            text.append("#EXT-X-MEDIA-SEQUENCE:").append(run.get(0).seq()).append('\n');
            text.append("#EXT-X-DISCONTINUITY-SEQUENCE:")
                    .append(run.get(0).body().discontinuities())
                    .append('\n');
        }
        for (int i = 0; i < run.size(); i++) {
            append(text, run.get(i), i == 0 ? Optional.empty() : Optional.of(run.get(i - 1)));
        }
        return text.append(ended ? "#EXT-X-ENDLIST\n" : "").toString();
    }

    /**
     * The longest end of {@code records} in which each seq follows the one before, without a jump of the discontinuities, in one
     * container: nothing takes an EXT-X-MAP back, so TS behind MP4 would be read with its init.
     */
    public static List<ChunkRecord> newestRun(List<ChunkRecord> records) {
        int from = Math.max(0, records.size() - 1);
        while (from > 0 && follows(records.get(from - 1), records.get(from))) {
            from--;
        }
        return records.subList(from, records.size());
    }

    /** Whether the two may stand side by side in one playlist. */
    public static boolean follows(ChunkRecord previous, ChunkRecord next) {
        long more = next.body().discontinuities() - previous.body().discontinuities();
        return next.chunk().equals(previous.chunk().next())
                && (more == 0 || more == 1)
                && next.body().container() == previous.body().container();
    }

    private long target(List<ChunkRecord> run) {
        long longest = run.stream()
                .mapToLong(record -> (record.body().duration().toMillis() + 500) / 1000)
                .max()
                .orElse(1);
        return Math.max((targetDuration.toMillis() + 999) / 1000, longest);
    }

    private void append(StringBuilder text, ChunkRecord record, Optional<ChunkRecord> previous) {
        ChunkRecord.Body body = record.body();
        boolean discontinuity =
                previous.isPresent() && previous.get().body().discontinuities() != body.discontinuities();
        if (discontinuity) {
            text.append("#EXT-X-DISCONTINUITY\n");
        }
        boolean mp4 = body.container() == Container.MP4;
        boolean newInit =
                previous.isEmpty() || discontinuity || previous.get().body().initLength() != body.initLength();
        if (mp4 && newInit) {
            text.append("#EXT-X-MAP:URI=\"")
                    .append(uri.apply(record))
                    .append("\",BYTERANGE=\"")
                    .append(body.initLength())
                    .append("@0\"\n");
        }
        if (previous.isEmpty() || discontinuity) {
            text.append("#EXT-X-PROGRAM-DATE-TIME:")
                    .append(DATE_TIME.format(Instant.ofEpochMilli(body.start().toMillis())))
                    .append('\n');
        }
        magnet.apply(record).ifPresent(link -> text.append("###").append(link).append('\n'));
        long millis = body.duration().toMillis();
        text.append(String.format(Locale.ROOT, "#EXTINF:%d.%03d,\n", millis / 1000, millis % 1000));
        if (mp4) {
            text.append("#EXT-X-BYTERANGE:")
                    .append(body.length() - body.initLength())
                    .append('@')
                    .append(body.initLength())
                    .append('\n');
        }
        if (gaps.test(record)) {
            text.append("#EXT-X-GAP\n");
        }
        text.append(uri.apply(record)).append('\n');
    }
}
