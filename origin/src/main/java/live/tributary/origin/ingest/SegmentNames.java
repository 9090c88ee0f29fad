package live.tributary.origin.ingest;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import live.tributary.protocol.hls.HlsSegment;
import live.tributary.protocol.hls.HlsSnapshot;
import live.tributary.protocol.stream.Sha256;

/**
 * What tells a list's segments from one another, across reloads and restarts: the file's name where that does, since hosts, folders
 * and tokens may be others each time; else its path; else the query too.
 */
final class SegmentNames {
    /** A longer name is told by its hash, bytes. */
    static final int MAX_NAME = 300;

    private static final List<Function<HlsSegment, String>> WAYS =
            List.of(SegmentNames::fileName, segment -> segment.uri().split("[?#]", 2)[0]);

    /** By each way, what names more than one of the list's resources. */
    private final List<Set<String>> ambiguous;

    private SegmentNames(List<Set<String>> ambiguous) {
        this.ambiguous = ambiguous;
    }

    static SegmentNames of(HlsSnapshot.Media media) {
        return new SegmentNames(
                WAYS.stream().map(way -> ambiguous(media.segments(), way)).toList());
    }

    private static Set<String> ambiguous(List<HlsSegment> segments, Function<HlsSegment, String> way) {
        Map<String, String> uris = new HashMap<>();
        Set<String> ambiguous = new HashSet<>();
        for (HlsSegment segment : segments) {
            String before = uris.putIfAbsent(way.apply(segment), segment.uri());
            if (before != null && !before.equals(segment.uri())) {
                ambiguous.add(way.apply(segment));
            }
        }
        return ambiguous;
    }

    String of(HlsSegment segment) {
        String called = segment.uri();
        for (int i = 0; i < WAYS.size(); i++) {
            String name = WAYS.get(i).apply(segment);
            if (!ambiguous.get(i).contains(name)) {
                called = name;
                break;
            }
        }
        String whole = inFile(segment, called);
        byte[] bytes = whole.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= MAX_NAME ? whole : Sha256.ofContent(bytes).hex();
    }

    /** A name with the place in the file that it names, where a segment is a part of one. */
    static String inFile(HlsSegment segment, String name) {
        return name + segment.range().map(range -> "@" + range.offset()).orElse("");
    }

    static String fileName(HlsSegment segment) {
        String path = segment.uri().split("[?#]", 2)[0];
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
