package live.tributary.mesh.tracker;

import java.util.OptionalLong;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.WebTrackerRequest.OfferId;
import org.jspecify.annotations.Nullable;

/**
 * The offers that one browser was given and has not answered, the newest so many: an older one is forgotten for a newer.
 *
 * <p>A ring that is written at every offer and searched at every answer. Invariant: what is awaited stands in the places of
 * {@code begin} up to {@code end}, of which the oldest is not empty.
 */
final class AwaitedAnswers {
    static final int MAX = 64;

    private static final int FIRST_CAPACITY = 8;

    /** Who offered; null where there is nothing, or nothing any more. */
    private @Nullable PeerId[] from = new PeerId[FIRST_CAPACITY];

    private @Nullable OfferId[] offers = new OfferId[FIRST_CAPACITY];
    private long[] since = new long[FIRST_CAPACITY];
    private int begin;
    private int end;

    void add(PeerId offeredBy, OfferId offer, long now) {
        if (end - begin == from.length) {
            if (from.length < MAX) {
                grow();
            } else {
                dropOldest();
            }
        }
        int place = place(end);
        from[place] = offeredBy;
        offers[place] = offer;
        since[place] = now;
        end++;
    }

    /** Strikes an offer out; when it was made, or empty where it is not awaited. */
    OptionalLong take(PeerId offeredBy, OfferId offer) {
        for (int at = end - 1; at - begin >= 0; at--) { // The newest of the same name is the one that is answered.
            int place = place(at);
            if (offer.equals(offers[place]) && offeredBy.equals(from[place])) {
                from[place] = null;
                offers[place] = null;
                if (at == begin) {
                    dropOldest();
                }
                return OptionalLong.of(since[place]);
            }
        }
        return OptionalLong.empty();
    }

    private void dropOldest() {
        from[place(begin)] = null;
        offers[place(begin)] = null;
        do {
            begin++;
        } while (begin != end && offers[place(begin)] == null);
    }

    private void grow() {
        PeerId[] grownFrom = new PeerId[2 * from.length];
        OfferId[] grownOffers = new OfferId[2 * from.length];
        long[] grownSince = new long[2 * from.length];
        for (int at = begin; at != end; at++) {
            grownFrom[at - begin] = from[place(at)];
            grownOffers[at - begin] = offers[place(at)];
            grownSince[at - begin] = since[place(at)];
        }
        from = grownFrom;
        offers = grownOffers;
        since = grownSince;
        end -= begin;
        begin = 0;
    }

    private int place(int at) {
        return at & from.length - 1; // A power of two.
    }
}
