package live.tributary.relay.edge;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.StreamListener;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;

/** Those who wait for a chunk to become whole; a listener of every stream that is carried. */
public final class Arrivals implements StreamListener {
    private final Map<Sha256, Set<CompletableFuture<Void>>> awaited = new ConcurrentHashMap<>();

    /** A future of the caller's own, completed when the chunk is here; who has waited long enough calls {@link #end}. */
    CompletableFuture<Void> of(ChunkRecord record) {
        CompletableFuture<Void> own = new CompletableFuture<>();
        awaited.compute(record.hash(), (hash, others) -> {
            Set<CompletableFuture<Void>> all = others == null ? ConcurrentHashMap.newKeySet() : others;
            all.add(own);
            return all;
        });
        return own;
    }

    /** Completes a future that waits no longer, and forgets it before anybody hears of that. */
    void end(ChunkRecord record, CompletableFuture<Void> own) {
        awaited.computeIfPresent(record.hash(), (hash, all) -> {
            all.remove(own);
            return all.isEmpty() ? null : all;
        });
        own.complete(null);
    }

    @Override
    public void chunkCompleted(ChunkRecord record) {
        Set<CompletableFuture<Void>> all = awaited.remove(record.hash());
        if (all != null) {
            all.forEach(own -> own.complete(null));
        }
    }

    int awaited() {
        return awaited.size();
    }
}
