package live.tributary.origin.ingest;

import live.tributary.protocol.hls.HlsSegment;

/**
 * A listed segment that is not published yet.
 *
 * @param epoch how many times the feed had started over when the segment was listed
 * @param name what tells it from others: its file name and, in a shared file, its offset
 * @param afterBreak whether its timestamps do not go on from the segment before
 * @param listedAt when it was first seen, monotonic nanoseconds
 */
record Candidate(int epoch, HlsSegment segment, String name, boolean afterBreak, long listedAt) {
    Candidate withBreak() {
        return new Candidate(epoch, segment, name, true, listedAt);
    }
}
