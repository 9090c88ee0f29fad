package live.tributary.gateway.live;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.RelayKey;

/**
 * A closed window that enough relays hold whole.
 *
 * @param relays the viewer's best of those that hold all of its chunks
 */
public record ReplayWindow(WindowId id, Torrent torrent, List<RankedRelay> relays) {
    /** Windows close every 30 s: that far back one is looked for. */
    private static final int LOOK_BACK = 12;

    private static final int RELAYS = 3;

    public ReplayWindow {
        relays = List.copyOf(relays);
    }

    /** The newest one of a rendition; one that a discontinuity cut short only where there is no longer one beside it. */
    public static Optional<ReplayWindow> newest(StreamView stream, int rendition, Ranking ranking, Holders known) {
        List<StreamView.Window> windows =
                stream.windows(rendition).stream().limit(LOOK_BACK).toList();
        int longest = windows.stream().mapToInt(ReplayWindow::chunks).max().orElse(0);
        return newest(
                stream,
                windows.stream()
                        .sorted(Comparator.comparing(window -> 2 * chunks(window) < longest))
                        .toList(),
                ranking,
                known);
    }

    private static int chunks(StreamView.Window window) {
        return window.torrent().chunks().size();
    }

    /** The first in {@code windows} that enough relays hold. */
    public static Optional<ReplayWindow> newest(
            StreamView stream, List<StreamView.Window> windows, Ranking ranking, Holders known) {
        for (StreamView.Window window : windows) {
            Set<RelayKey> holders = known.ofAll(stream, window.torrent());
            if (ranking.enough(holders)) {
                return Optional.of(new ReplayWindow(
                        window.id(), window.torrent(), ranking.pick(RELAYS, relay -> holders.contains(relay.key()))));
            }
        }
        return Optional.empty();
    }
}
