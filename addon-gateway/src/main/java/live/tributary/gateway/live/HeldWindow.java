package live.tributary.gateway.live;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;
import org.jspecify.annotations.Nullable;

/** A closed window, and who holds all of its chunks at the moment at which somebody first asks. */
public final class HeldWindow {
    private final StreamView stream;
    private final Torrent torrent;
    private final Holders known;
    private final int chunks;
    private final Duration length;
    private volatile @Nullable Set<RelayKey> holders;

    private HeldWindow(StreamView stream, Torrent torrent, Holders known) {
        this.stream = stream;
        this.torrent = torrent;
        this.known = known;
        List<ChunkRecord> records = torrent.chunks();
        this.chunks = records.size();
        this.length = records.stream().map(record -> record.body().duration()).reduce(Duration.ZERO, Duration::plus);
    }

    public static List<HeldWindow> of(StreamView stream, Stream<StreamView.Window> windows, Holders known) {
        return windows.map(window -> new HeldWindow(stream, window.torrent(), known))
                .toList();
    }

    public Torrent torrent() {
        return torrent;
    }

    /** How many. */
    int chunks() {
        return chunks;
    }

    public Duration length() {
        return length;
    }

    Set<RelayKey> holders() {
        Set<RelayKey> found = holders;
        if (found == null) {
            found = known.ofAll(stream, torrent);
            holders = found;
        }
        return found;
    }
}
