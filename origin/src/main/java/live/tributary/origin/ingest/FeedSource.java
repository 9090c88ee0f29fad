package live.tributary.origin.ingest;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsSegment;

/** Where a feed's playlists and segments are read from; it lets nobody out of it, whatever a playlist names. */
interface FeedSource {
    /**
     * Reads a playlist.
     *
     * @throws MissingException if it is not there
     */
    Playlist playlist(URI location) throws IOException;

    /** A playlist and where it was found in the end. */
    record Playlist(URI location, byte[] bytes) {}

    /**
     * The location that a playlist names.
     *
     * @throws FormatException if it is outside the feed
     */
    URI resolve(URI playlist, String uri) throws FormatException;

    /** A file as it is now. */
    FileLook look(URI location) throws IOException;

    /**
     * What a file looks like from outside.
     *
     * @param size empty where it is not told
     * @param version changes when the file is written again, as far as that is told: its time
     */
    record FileLook(OptionalLong size, String version) {}

    /** Reads a file or a range of it; at most {@code max} bytes. */
    byte[] read(URI location, Optional<HlsSegment.ByteRange> range, int max) throws IOException;

    /** Whether reading a file twice costs nothing worth a word: it is on this machine. */
    default boolean isNear() {
        return false;
    }

    /** How long to wait until the next look at a playlist. */
    Duration interval(Duration target);

    /** The longest wait before a playlist that could not be read is tried again. */
    Duration longestRetry();

    /** There is no such file: said by the file system, or by a server that answered. */
    final class MissingException extends IOException {
        private static final long serialVersionUID = 1;

        MissingException(String message) {
            super(message);
        }
    }
}
