package live.tributary.origin.ingest;

import java.time.Duration;
import java.util.Arrays;

/**
 * Tells a playlist whose last line is being written from one that never gets a newline there: the latter stands still. Until it
 * has, the line counts as not there, since a cut URI names another file.
 */
final class LastLine {
    static final Duration STANDS = Duration.ofMillis(500);

    private byte[] seen = {};
    private long since;

    /** The playlist with its last line ended, once the line is known to be whole; {@code now} is monotonic, in nanoseconds. */
    byte[] ended(byte[] playlist, long now) {
        if (isEnded(playlist)) {
            return playlist;
        }
        if (!Arrays.equals(seen, playlist)) {
            seen = playlist;
            since = now;
        }
        if (now - since < STANDS.toNanos()) {
            return playlist;
        }
        byte[] ended = Arrays.copyOf(playlist, playlist.length + 1);
        ended[playlist.length] = '\n';
        return ended;
    }

    static boolean isEnded(byte[] playlist) {
        return playlist.length == 0 || playlist[playlist.length - 1] == '\n';
    }
}
