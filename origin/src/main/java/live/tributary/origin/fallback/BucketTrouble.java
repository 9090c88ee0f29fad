package live.tributary.origin.fallback;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is wrong with the bucket: said once, until something went well again. Not thread-safe. */
final class BucketTrouble {
    private static final Logger log = LoggerFactory.getLogger(BucketTrouble.class);

    private boolean said;
    private long leftOut;

    void says(String what) {
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
        leftOut = 0;
        said = false;
    }
}
