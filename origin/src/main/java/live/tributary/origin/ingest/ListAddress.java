package live.tributary.origin.ingest;

import java.net.URI;
import live.tributary.protocol.hls.HlsSnapshot;

/**
 * Where a rendition's list is read: where it was found for as long as it moves there, else where the master playlist names it now.
 *
 * <p>Some servers name their lists with a fresh token at every reading of the master. Players go on with the list that they began
 * with, and so does an origin: behind each token there may be a session with numbers of its own. A list at another path is
 * another list, and is read at once. {@code now} is monotonic, in nanoseconds.
 */
final class ListAddress {
    /** For how many target durations a list may stand still until it is looked for where it is named now. */
    private static final double STILL_TARGETS = 1.5;

    private volatile URI named;
    private URI current;
    private long end = -1;
    private long movedAt;
    private long patience;

    ListAddress(URI named) {
        this.named = named;
        this.current = named;
    }

    /** Whether two locations differ in what stands behind the path at most. */
    static boolean isSamePath(URI one, URI other) {
        return path(one).equals(path(other));
    }

    private static String path(URI location) {
        return location.toString().split("[?#]", 2)[0];
    }

    /** The master playlist names the list so now; from any thread. */
    void name(URI location) {
        named = location;
    }

    URI at(long now) {
        boolean still = end >= 0 && now - movedAt >= patience;
        if (still || !isSamePath(current, named)) {
            renew();
        }
        return current;
    }

    /** The list was read. */
    void read(HlsSnapshot.Media media, long now) {
        long its = media.mediaSequence() + media.segments().size();
        if (its != end) {
            end = its;
            movedAt = now;
        }
        patience = (long) (media.targetDuration().toNanos() * STILL_TARGETS);
    }

    /** Turns to where the list is named now; whether that is somewhere else. */
    boolean renew() {
        URI before = current;
        current = named;
        return !current.equals(before);
    }
}
