package live.tributary.gateway.ranking;

import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import live.tributary.mesh.RelayView;
import org.jspecify.annotations.Nullable;

/** The relays of a stream at one moment, with what has been worked out of them for each kind of viewer. */
public final class RelaySet {
    private static final int KINDS = 4;

    private final List<RelayView> relays;
    private final AtomicReferenceArray<@Nullable RelayTable> tables = new AtomicReferenceArray<>(KINDS);

    RelaySet(List<RelayView> relays) {
        this.relays = List.copyOf(relays);
    }

    List<RelayView> relays() {
        return relays;
    }

    @Nullable
    RelayTable table(Viewer viewer) {
        return tables.get(kind(viewer));
    }

    void keep(Viewer viewer, RelayTable table) {
        tables.set(kind(viewer), table);
    }

    private static int kind(Viewer viewer) {
        return (viewer.isIpv4() ? 1 : 0) + (viewer.tlsOnly() ? 2 : 0);
    }
}
