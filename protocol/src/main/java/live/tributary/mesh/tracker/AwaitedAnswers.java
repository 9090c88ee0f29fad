package live.tributary.mesh.tracker;

import java.util.Arrays;
import java.util.OptionalLong;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.WebTrackerRequest.OfferId;
import org.jspecify.annotations.Nullable;

/**
 * The offers that one browser was given and has not answered, the newest so many: an older one is forgotten for a newer.
 *
 * <p>A ring that is written at every offer and searched at every answer, from the newest on, which is the one that is answered.
 */
final class AwaitedAnswers {
    static final int MAX = 64;

    private static final int FIRST_CAPACITY = 8;

    /** Who offered; null where there is nothing, or nothing any more. */
    private @Nullable PeerId[] from = new PeerId[FIRST_CAPACITY];

    private @Nullable OfferId[] offers = new OfferId[FIRST_CAPACITY];
    private long[] since = new long[FIRST_CAPACITY];
    private int next;

    void add(PeerId offeredBy, OfferId offer, long now) {
        if (next == from.length && next < MAX) {
            from = Arrays.copyOf(from, 2 * next);
            offers = Arrays.copyOf(offers, 2 * next);
            since = Arrays.copyOf(since, 2 * next);
        }
        int place = next % from.length;
        from[place] = offeredBy;
        offers[place] = offer;
        since[place] = now;
        next = place + 1;
    }

    /** Strikes an offer out; when it was made, or empty where it is not awaited. */
    OptionalLong take(PeerId offeredBy, OfferId offer) {
        for (int back = 1; back <= from.length; back++) {
            int place = Math.floorMod(next - back, from.length);
            if (offer.equals(offers[place]) && offeredBy.equals(from[place])) {
                from[place] = null;
                offers[place] = null;
                return OptionalLong.of(since[place]);
            }
        }
        return OptionalLong.empty();
    }
}
