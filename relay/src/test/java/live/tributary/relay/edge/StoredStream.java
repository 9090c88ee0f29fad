package live.tributary.relay.edge;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.StreamKey;

/** A stream whose chunks lie in a store; who holds them elsewhere, a test says for all of them at once. */
final class StoredStream extends FakeStream {
    final List<RelayView> holders = new ArrayList<>();
    final Set<ChunkId> inBucket = new HashSet<>();

    private final ChunkBytes store;

    StoredStream(StreamKey key, ChunkBytes store) {
        super(key);
        this.store = store;
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return store.holds(record);
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return List.copyOf(holders);
    }

    @Override
    public List<RelayView> relays() {
        return List.copyOf(holders);
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return inBucket.contains(chunk);
    }
}
