package live.tributary.origin.ingest;

import java.time.Duration;
import java.util.Optional;

/**
 * When the size of a listed file has stood still for so long that nobody is writing it any more, as this feed's own files tell.
 *
 * <p>Every writer that ends a file before it lists it (ffmpeg, Owncast on a sound disk) is waited for shortly, once it has shown
 * so with several files in a row; one whose files grow behind their listing, as in a folder that is copied or on a slow disk, for
 * longer. {@code now} is monotonic, in nanoseconds.
 */
final class Settling {
    /** Until the feed has shown how it is written. */
    static final Duration USUAL = Duration.ofMillis(100);
    /** Where no file grew behind its listing lately. */
    static final Duration STEADY = Duration.ofMillis(20);
    /** Where one did. */
    static final Duration GROWING = Duration.ofMillis(300);

    /** How many files in a row must not have grown. */
    static final int STEADY_FILES = 8;
    /** For how many files it is remembered that one grew. */
    static final int GROWING_FILES = 64;

    private Optional<Candidate> file = Optional.empty();
    private long size;
    private long since;
    private boolean grew;
    private int steadyFiles;
    private int growingFiles;

    /** How long a size must stay the same. */
    Duration patience() {
        if (grew || growingFiles > 0) {
            return GROWING;
        }
        return isSteady() ? STEADY : USUAL;
    }

    /** Whether files have come whole, many in a row. */
    boolean isSteady() {
        return !grew && growingFiles == 0 && steadyFiles >= STEADY_FILES;
    }

    /**
     * A look at the size of the file whose turn it is; returns whether it has stood still. An empty file is never whole. Looking
     * takes time, of which none counts: a size stands still from when it was told until it is asked for again.
     */
    boolean isStill(Candidate candidate, long itsSize, long asked, long answered) {
        boolean another = file.filter(candidate::equals).isEmpty();
        if (another || size != itsSize) {
            grew = !another;
            file = Optional.of(candidate);
            size = itsSize;
            since = answered;
        }
        return size > 0 && asked - since >= patience().toNanos();
    }

    /** A file's bytes changed where its size did not. */
    void changed(Candidate candidate, long now) {
        if (file.filter(candidate::equals).isPresent()) {
            grew = true;
            since = now;
        }
    }

    /** The file was taken: it was whole. */
    void whole() {
        if (grew) {
            notWhole();
        } else {
            steadyFiles = Math.min(STEADY_FILES, steadyFiles + 1);
            growingFiles = Math.max(0, growingFiles - 1);
        }
        forget();
    }

    /** The file stood still and was not whole: it was being written, or never will be. */
    void notWhole() {
        steadyFiles = 0;
        growingFiles = GROWING_FILES;
    }

    /** How long the file's size has been the same, nanoseconds; for ever where it was not looked at. */
    long stillFor(Candidate candidate, long now) {
        return file.filter(candidate::equals).isPresent() ? now - since : Long.MAX_VALUE;
    }

    /** Whatever was seen of the file says nothing any more. */
    void forget() {
        file = Optional.empty();
        grew = false;
    }
}
