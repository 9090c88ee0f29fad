package live.tributary.gateway.ranking;

import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import live.tributary.mesh.RelayView;
import org.jspecify.annotations.Nullable;

/** The relays of a stream at one moment, with what has been worked out of them for each kind of viewer. */
public final class RelaySet {
    static final int KINDS = 4;

    private final List<RelayView> relays;
    private final AtomicReferenceArray<@Nullable RelayTable> tables = new AtomicReferenceArray<>(KINDS);

    RelaySet(List<RelayView> relays) {
        this.relays = List.copyOf(relays);
    }

    List<RelayView> relays() {
        return relays;
    }

    @Nullable
    RelayTable table(int kind) {
        return tables.get(kind);
    }

    void keep(RelayTable table) {
        tables.set(table.kind, table);
    }

    /** Below {@link #KINDS}: viewers of one kind are ranked by one table. */
    static int kind(Viewer viewer) {
        return (viewer.isIpv4() ? 1 : 0) + (viewer.tlsOnly() ? 2 : 0);
    }
}
