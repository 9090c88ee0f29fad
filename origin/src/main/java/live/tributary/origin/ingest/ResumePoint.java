package live.tributary.origin.ingest;

import java.time.Instant;

/**
 * Where an earlier run left a rendition's feed.
 *
 * @param name of the segment that it published last
 * @param published when that was
 */
public record ResumePoint(String name, Instant published) {}
