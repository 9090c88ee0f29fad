package live.tributary.origin.fallback;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is wrong with the bucket: said once, until something went well again. Not thread-safe. */
final class BucketTrouble {
    private static final Logger log = LoggerFactory.getLogger(BucketTrouble.class);

    private final Consumer<String> board;
    private boolean said;
    private long leftOut;

    /** @param board hears what is wrong now; nothing where that is over */
    BucketTrouble(Consumer<String> board) {
        this.board = board;
    }

    void says(String what) {
        board.accept(what);
        if (said) {
            log.debug("{}", what);
        } else {
            log.warn("{}", what);
            said = true;
        }
    }

    /** A chunk will never be in the bucket. */
    void leftOut() {
        leftOut++;
    }

    void isOver() {
        if (leftOut > 0) {
            log.warn("the bucket takes chunks again; {} were left out of it for good", leftOut);
        } else if (said) {
            log.info("the bucket takes chunks again");
        }
        if (said) {
            board.accept("");
        }
        leftOut = 0;
        said = false;
    }
}
