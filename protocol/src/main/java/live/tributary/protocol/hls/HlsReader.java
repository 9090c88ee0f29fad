package live.tributary.protocol.hls;

import io.lindstrom.m3u8.model.ByteRange;
import io.lindstrom.m3u8.model.KeyMethod;
import io.lindstrom.m3u8.model.MediaPlaylist;
import io.lindstrom.m3u8.model.MediaSegment;
import io.lindstrom.m3u8.parser.MediaPlaylistParser;
import io.lindstrom.m3u8.parser.ParsingMode;
import io.lindstrom.m3u8.parser.PlaylistParserException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.Rendition;

/**
 * Reads playlists as they are found in the wild: with a byte order mark, CRLF, unknown tags, a fractional target duration,
 * or cut off because their writer is not done.
 *
 * <p>A last line without its newline counts as not there yet: a cut URI would name another segment.
 */
public final class HlsReader {
    /** The largest playlist, bytes. */
    public static final int MAX_PLAYLIST = 1024 * 1024;
    /** The longest accepted duration of a segment, and target duration. */
    public static final Duration MAX_DURATION = Duration.ofHours(24);

    private static final String HEADER = "#EXTM3U";
    private static final String PROGRAM_DATE_TIME = "#EXT-X-PROGRAM-DATE-TIME";
    private static final String STREAM_INF = "#EXT-X-STREAM-INF:";
    private static final String MEDIA = "#EXT-X-MEDIA:";
    private static final String SESSION_KEY = "#EXT-X-SESSION-KEY:";
    private static final String TARGET_DURATION = "#EXT-X-TARGETDURATION:";
    private static final String SEGMENT_DURATION = "#EXTINF:";
    private static final String PART = "#EXT-X-PART:";

    /** What is read of a media playlist: an odd tag that nobody needs harms nobody. */
    private static final Set<String> MEDIA_TAGS = Set.of(
            HEADER,
            "#EXTINF",
            "#EXT-X-TARGETDURATION",
            "#EXT-X-MEDIA-SEQUENCE",
            "#EXT-X-BYTERANGE",
            "#EXT-X-DISCONTINUITY",
            "#EXT-X-ENDLIST",
            "#EXT-X-GAP",
            "#EXT-X-KEY",
            "#EXT-X-MAP",
            PROGRAM_DATE_TIME);

    private HlsReader() {}

    /**
     * Reads a master or a media playlist.
     *
     * @param bytes at most {@link #MAX_PLAYLIST}
     * @throws FormatException if it is neither, saying what is wrong with it
     */
    public static HlsSnapshot read(byte[] bytes) throws FormatException {
        if (bytes.length > MAX_PLAYLIST) {
            throw new FormatException("playlist: " + bytes.length + " bytes (expected: <= " + MAX_PLAYLIST + ")");
        }
        List<String> lines = wholeLines(new String(bytes, StandardCharsets.UTF_8));
        if (lines.isEmpty() || !lines.get(0).startsWith(HEADER)) {
            throw new FormatException("playlist: first line missing (expected: " + HEADER + ")");
        }
        return lines.stream().anyMatch(line -> line.startsWith(STREAM_INF)) ? master(lines) : media(lines);
    }

    private static List<String> wholeLines(String text) {
        String marked = text.startsWith("\ufeff") ? text.substring(1) : text;
        return marked.substring(0, marked.lastIndexOf('\n') + 1)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private static HlsSnapshot.Master master(List<String> lines) throws FormatException {
        // Variants that share a media playlist differ only in their audio group; it is published once.
        Map<String, String> variants = new LinkedHashMap<>();
        Map<String, String> audio = new LinkedHashMap<>();
        String pending = "";
        for (String line : lines) {
            if (line.startsWith(SESSION_KEY)) {
                throw new FormatException(
                        "master playlist: EXT-X-SESSION-KEY (expected: a feed that is not encrypted)");
            } else if (line.startsWith(STREAM_INF)) {
                pending = line.substring(STREAM_INF.length());
            } else if (line.startsWith(MEDIA)) {
                AttributeList attributes = AttributeList.parse(line.substring(MEDIA.length()));
                Optional<String> uri = attributes.value("URI");
                if (uri.isPresent()
                        && attributes.value("TYPE").filter("AUDIO"::equals).isPresent()) {
                    audio.putIfAbsent(uri.get(), attributes.textWithout("URI"::equals));
                }
            } else if (!line.startsWith("#") && !pending.isEmpty()) {
                variants.putIfAbsent(line, pending);
                pending = "";
            }
        }
        int count = variants.size() + audio.size();
        if (variants.isEmpty() || count > ChunkId.MAX_RENDITION + 1) {
            throw new FormatException("renditions: " + count + " (expected: 1.." + (ChunkId.MAX_RENDITION + 1) + ")");
        }
        List<HlsSnapshot.Entry> entries = new ArrayList<>();
        add(entries, Rendition.Kind.VARIANT, variants);
        add(entries, Rendition.Kind.AUDIO, audio);
        return new HlsSnapshot.Master(entries);
    }

    private static void add(List<HlsSnapshot.Entry> entries, Rendition.Kind kind, Map<String, String> attributesByUri)
            throws FormatException {
        Set<String> seen = new HashSet<>();
        for (HlsSnapshot.Entry entry : entries) {
            seen.add(entry.uri());
        }
        try {
            for (Map.Entry<String, String> one : attributesByUri.entrySet()) {
                if (seen.add(one.getKey())) {
                    entries.add(
                            new HlsSnapshot.Entry(new Rendition(entries.size(), kind, one.getValue()), one.getKey()));
                }
            }
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    private static HlsSnapshot.Media media(List<String> lines) throws FormatException {
        List<String> read = new ArrayList<>(
                lines.stream().map(HlsReader::mended).filter(HlsReader::isRead).toList());
        if (read.stream().noneMatch(line -> line.startsWith(TARGET_DURATION))
                && read.stream().anyMatch(line -> line.startsWith(SEGMENT_DURATION))) {
            read.add(1, TARGET_DURATION + 0);
        }
        MediaPlaylist playlist;
        try {
            playlist = parse(read);
        } catch (FormatException e) { // A time in a form of its own is worth less than the rest.
            playlist = parse(read.stream()
                    .filter(line -> !line.startsWith(PROGRAM_DATE_TIME))
                    .toList());
        }
        try {
            return snapshot(
                    playlist,
                    lines.stream().anyMatch(line -> line.startsWith(PART)),
                    lines.stream().anyMatch(line -> line.startsWith(LivePlaylist.MAGNET_COMMENT)));
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    private static MediaPlaylist parse(List<String> lines) throws FormatException {
        try {
            return new MediaPlaylistParser(ParsingMode.LENIENT).readPlaylist(lines.iterator());
        } catch (PlaylistParserException
                | RuntimeException e) { // The parser lets its number formats' exceptions through.
            throw new FormatException("media playlist: " + e.getMessage(), e);
        }
    }

    private static boolean isRead(String line) {
        return !line.startsWith("#") || MEDIA_TAGS.contains(line.split(":", 2)[0]);
    }

    /**
     * Rounds a fractional target duration up (the RFC wants an integer), and takes off what IPTV lists put behind the header and
     * behind a duration.
     */
    private static String mended(String line) {
        if (line.startsWith(HEADER + " ")) {
            return HEADER;
        }
        if (line.startsWith(SEGMENT_DURATION)) {
            return SEGMENT_DURATION
                    + line.substring(SEGMENT_DURATION.length()).strip().split("[\\s,]", 2)[0] + ",";
        }
        if (line.startsWith(TARGET_DURATION) && line.indexOf('.') > 0) {
            try {
                return TARGET_DURATION + (long) Math.ceil(Double.parseDouble(line.substring(TARGET_DURATION.length())));
            } catch (NumberFormatException e) {
                return line; // The parser says what is wrong with it.
            }
        }
        return line;
    }

    private static HlsSnapshot.Media snapshot(MediaPlaylist playlist, boolean parts, boolean ours)
            throws FormatException {
        List<HlsSegment> segments = new ArrayList<>();
        boolean encrypted = false;
        Optional<HlsSegment.Init> init = Optional.empty();
        Optional<HlsSegment> previous = Optional.empty();
        for (MediaSegment segment : playlist.mediaSegments()) {
            encrypted |= segment.segmentKey()
                    .filter(key -> key.method() != KeyMethod.NONE)
                    .isPresent();
            if (segment.segmentMap().isPresent()) { // The parser names a map only at the segment right behind the tag.
                var map = segment.segmentMap().get();
                init = Optional.of(new HlsSegment.Init(
                        map.uri(),
                        map.byteRange().map(range -> range(range, range.offset().orElse(0L)))));
            }
            HlsSegment one = new HlsSegment(
                    playlist.mediaSequence() + segments.size(),
                    segment.uri(),
                    duration(segment.duration()),
                    range(segment, previous),
                    init,
                    segment.programDateTime().map(time -> time.toInstant()),
                    segment.discontinuity(),
                    segment.gap());
            segments.add(one);
            previous = Optional.of(one);
        }
        if (playlist.mediaSequence() < 0) {
            throw new FormatException("media sequence: " + playlist.mediaSequence() + " (expected: >= 0)");
        }
        Duration longest = segments.stream()
                .map(HlsSegment::duration)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
        Duration target = duration(playlist.targetDuration());
        return new HlsSnapshot.Media(
                target.isZero() ? longest : target,
                playlist.mediaSequence(),
                !playlist.ongoing(),
                encrypted,
                parts && segments.isEmpty(),
                ours,
                segments);
    }

    /** RFC 8216, 4.3.2.2: without an offset, a range starts where that of the segment before, in the same resource, ended. */
    private static Optional<HlsSegment.ByteRange> range(MediaSegment segment, Optional<HlsSegment> previous) {
        return segment.byteRange()
                .map(range -> range(
                        range,
                        range.offset()
                                .orElseGet(() -> previous.filter(
                                                before -> before.uri().equals(segment.uri()))
                                        .flatMap(HlsSegment::range)
                                        .map(HlsSegment.ByteRange::end)
                                        .orElse(0L))));
    }

    private static HlsSegment.ByteRange range(ByteRange range, long offset) {
        return new HlsSegment.ByteRange(offset, range.length());
    }

    private static Duration duration(double seconds) throws FormatException {
        if (!(seconds >= 0 && seconds <= MAX_DURATION.toSeconds())) { // Not-a-number too.
            throw new FormatException("duration: " + seconds + " s (expected: 0.." + MAX_DURATION.toSeconds() + ")");
        }
        return Duration.ofMillis(Math.round(seconds * 1000));
    }
}
