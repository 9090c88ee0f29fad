package live.tributary.origin.ingest;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import live.tributary.protocol.hls.HlsSegment;
import live.tributary.protocol.hls.HlsSnapshot;

/**
 * A finished playlist shown as a live one, over and over, in real time, with a discontinuity at each wrap.
 *
 * @param finished at least one segment
 * @param period how long one round lasts: the longest of all renditions, so that they stay in step
 * @param start when the first round began, on the wall clock
 */
record LoopPlaylist(HlsSnapshot.Media finished, Duration period, Instant start) {
    /** How many segments the playlist lists. */
    private static final int LISTED = 6;
    /** How many segments are there when it starts: players begin three targets behind live. */
    private static final int AHEAD = 3;

    LoopPlaylist {
        if (finished.segments().isEmpty() || length(finished).isZero() || period.compareTo(length(finished)) < 0) {
            throw new IllegalArgumentException("segments: none (expected: a finished playlist)");
        }
    }

    static Duration length(HlsSnapshot.Media finished) {
        return finished.segments().stream().map(HlsSegment::duration).reduce(Duration.ZERO, Duration::plus);
    }

    /** Whether two readings are of the same list, though its server may name each resource anew. */
    static boolean isSame(HlsSnapshot.Media one, HlsSnapshot.Media other) {
        return outline(one).equals(outline(other));
    }

    /** What tells the finished lists of several renditions from others. */
    static Map<Integer, List<String>> outlines(Map<Integer, HlsSnapshot.Media> lists) {
        return lists.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, list -> outline(list.getValue())));
    }

    private static List<String> outline(HlsSnapshot.Media media) {
        SegmentNames names = SegmentNames.of(media);
        return media.segments().stream()
                .map(segment -> names.of(segment) + " " + segment.duration() + " " + segment.discontinuity())
                .toList();
    }

    /** The live playlist at {@code elapsed} since the start. */
    HlsSnapshot.Media at(Duration elapsed) {
        List<HlsSegment> segments = finished.segments();
        Duration ahead =
                segments.stream().limit(AHEAD).map(HlsSegment::duration).reduce(Duration.ZERO, Duration::plus);
        Duration shown = elapsed.plus(ahead);
        long round = Math.max(0, shown.dividedBy(period) - 1 - LISTED / segments.size());
        Duration from = period.multipliedBy(round);
        List<HlsSegment> listed = new ArrayList<>();
        while (from.compareTo(shown) <= 0) {
            Duration begin = from;
            for (int i = 0; i < segments.size(); i++) {
                HlsSegment segment = segments.get(i);
                Duration end = begin.plus(segment.duration());
                if (end.compareTo(shown) > 0) {
                    break;
                }
                boolean wraps = i == 0 && round > 0;
                listed.add(new HlsSegment(
                        round * segments.size() + i,
                        segment.uri(),
                        segment.duration(),
                        segment.range(),
                        segment.init(),
                        Optional.of(start.minus(ahead).plus(begin)),
                        wraps || segment.discontinuity(),
                        segment.gap()));
                begin = end;
            }
            round++;
            from = from.plus(period);
        }
        List<HlsSegment> newest = listed.subList(Math.max(0, listed.size() - LISTED), listed.size());
        return new HlsSnapshot.Media(
                finished.targetDuration(),
                newest.isEmpty() ? 0 : newest.get(0).sequence(),
                false,
                finished.encrypted(),
                finished.partsOnly(),
                finished.ours(),
                newest);
    }
}
