package live.tributary.gateway.live;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
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
     * In the order in which they are to be offered: the newest first, but those that a discontinuity cut short behind all others.
     *
     * @param closed windows, newest first
     */
    public static List<HeldWindow> inOrder(List<HeldWindow> closed) {
        int longest = closed.stream().mapToInt(HeldWindow::chunks).max().orElse(0);
        return closed.stream()
                .sorted(Comparator.comparing(window -> 2 * window.chunks() < longest))
                .toList();
    }

    /** The first one that enough relays hold. */
    public static Optional<ReplayWindow> first(List<HeldWindow> windows, Ranking ranking) {
        for (HeldWindow window : windows) {
            if (ranking.enough(window.holders())) {
                return Optional.of(new ReplayWindow(window, ranking.pick(RELAYS, window.holders())));
            }
        }
        return Optional.empty();
    }
}
