package live.tributary.gateway.live;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import live.tributary.gateway.ranking.Holding;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import org.jspecify.annotations.Nullable;

/** A closed window, and who holds all of its chunks at the moment at which somebody first asks. */
public final class HeldWindow {
    private final StreamView stream;
    private final Torrent torrent;
    private final Holders known;
    private volatile @Nullable Holding holders;

    private HeldWindow(StreamView stream, Torrent torrent, Holders known) {
        this.stream = stream;
        this.torrent = torrent;
        this.known = known;
    }

    public static List<HeldWindow> of(StreamView stream, Stream<Torrent> windows, Holders known) {
        return windows.map(torrent -> new HeldWindow(stream, torrent, known)).toList();
    }

    public Torrent torrent() {
        return torrent;
    }

    /** How many. */
    int chunks() {
        return torrent.chunks().size();
    }

    public Duration length() {
        return torrent.chunks().stream().map(record -> record.body().duration()).reduce(Duration.ZERO, Duration::plus);
    }

    Holding holders() {
        Holding found = holders;
        if (found == null) {
            found = known.ofAll(stream, torrent);
            holders = found;
        }
        return found;
    }

    /** Whether whoever asked would hear the same now. */
    public boolean isStill() {
        Holding told = holders;
        return told == null || known.ofAll(stream, torrent) == told;
    }
}
