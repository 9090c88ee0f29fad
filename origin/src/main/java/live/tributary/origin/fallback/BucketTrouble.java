package live.tributary.origin.fallback;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is wrong with the bucket: said once, until something went well again. Not thread-safe. */
final class BucketTrouble {
    private static final Logger log = LoggerFactory.getLogger(BucketTrouble.class);

    private boolean said;

    void says(String what) {
        if (said) {
            log.debug("{}", what);
        } else {
            log.warn("{}", what);
            said = true;
        }
    }

    void isOver() {
        if (said) {
            log.info("the bucket takes chunks again");
            said = false;
        }
    }
}
