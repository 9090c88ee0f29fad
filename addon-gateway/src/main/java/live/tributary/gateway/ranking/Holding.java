package live.tributary.gateway.ranking;

import java.util.Set;
import java.util.concurrent.atomic.AtomicReferenceArray;
import live.tributary.protocol.stream.RelayKey;
import org.jspecify.annotations.Nullable;

/** The relays that hold one thing, looked up once in each table that viewers are ranked by rather than for each viewer. */
public final class Holding {
    private final Set<RelayKey> keys;
    private final AtomicReferenceArray<@Nullable Among> known = new AtomicReferenceArray<>(RelaySet.KINDS);

    public Holding(Set<RelayKey> keys) {
        this.keys = keys;
    }

    public Set<RelayKey> keys() {
        return keys;
    }

    Among in(RelayTable table) {
        Among found = known.get(table.kind);
        if (found == null || !found.isOf(table)) {
            found = new Among(table, keys);
            known.set(table.kind, found);
        }
        return found;
    }
}
