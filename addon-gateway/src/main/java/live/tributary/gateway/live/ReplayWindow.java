package live.tributary.gateway.live;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;

/**
 * A closed window that enough relays hold whole.
 *
 * @param relays the viewer's best of those that hold all of its chunks
 */
public record ReplayWindow(HeldWindow window, List<RankedRelay> relays) {
    private static final int RELAYS = 3;

    public ReplayWindow {
        relays = List.copyOf(relays);
    }

    /**
     * The newest one; one that a discontinuity cut short only where there is no longer one beside it.
     *
     * @param closed windows, newest first
     */
    public static Optional<ReplayWindow> newest(List<HeldWindow> closed, Ranking ranking) {
        int longest = closed.stream().mapToInt(HeldWindow::chunks).max().orElse(0);
        return first(closed, window -> 2 * window.chunks() >= longest, ranking)
                .or(() -> first(closed, window -> 2 * window.chunks() < longest, ranking));
    }

    /** The first one that enough relays hold. */
    public static Optional<ReplayWindow> first(
            List<HeldWindow> windows, Predicate<HeldWindow> eligible, Ranking ranking) {
        for (HeldWindow window : windows) {
            if (eligible.test(window) && ranking.enough(window.holders())) {
                return Optional.of(new ReplayWindow(
                        window, ranking.pick(RELAYS, relay -> window.holders().contains(relay.key()))));
            }
        }
        return Optional.empty();
    }
}
