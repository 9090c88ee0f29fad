package live.tributary.protocol.tracker;

import java.util.Locale;

/** Why a client announces; {@code ordinal()} is BEP 15's number. */
public enum AnnounceEvent {
    NONE,
    COMPLETED,
    STARTED,
    STOPPED;

    /** HTTP's word for it (BEP 3); any other word, such as BEP 21's {@code paused}, is a plain announce. */
    static AnnounceEvent fromWord(String word) {
        for (AnnounceEvent event : values()) {
            if (event != NONE && event.word().equals(word)) {
                return event;
            }
        }
        return NONE;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** BEP 15's number; one that the BEP does not have is a plain announce too. */
    static AnnounceEvent fromNumber(int number) {
        return number < 0 || number >= values().length ? NONE : values()[number];
    }
}
