package live.tributary.mesh.net;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;

/**
 * What this node knows of a stream's chunks, kept up for those who ask from any thread: the accepted records, the windows that
 * they close, and who holds them.
 *
 * <p>Changed on the stream's thread; windows are made on the pool, since a window's torrent is a megabyte of hashing.
 */
final class StreamCatalogue {
    private static final Duration HOLDERS_AFTER = Duration.ofMillis(50);
    private static final Duration PRUNE_EVERY = Duration.ofSeconds(10);

    private final NodeContext node;
    private final EventLoop loop;
    private final SharedStream shared;
    private final StreamIndex index;
    private final Function<ChunkRecord, List<RelayKey>> holders;
    /** Every accepted record's, fetched here or not: a listener fetches none and still must know who holds what. */
    private final PiecePlaces told = new PiecePlaces();

    private final Set<ChunkRecord> stale = new HashSet<>();
    private final Set<Integer> windowsToClose = new HashSet<>();
    private boolean allStale;
    private boolean holdersScheduled;
    private boolean closingWindows;
    private boolean closed;
    private long prunedAt;

    /** @param holders the linked relays that have shown a chunk, the nearest first */
    StreamCatalogue(
            NodeContext node,
            EventLoop loop,
            SharedStream shared,
            StreamIndex index,
            Function<ChunkRecord, List<RelayKey>> holders) {
        this.node = node;
        this.loop = loop;
        this.shared = shared;
        this.index = index;
        this.holders = holders;
        this.prunedAt = node.parts().nanoTime().getAsLong();
    }

    void accepted(ChunkRecord record) {
        index.add(record);
        told.put(record);
        stale(record);
        windowsToClose.add(record.rendition());
        closeWindows();
        shared.tell(listener -> listener.recordAccepted(record));
    }

    void headChanged(SignedHead changed) {
        if (changed.head().status() == Head.Status.ENDED) {
            index.end(changed.head().term());
            windowsToClose.addAll(index.renditions());
            closeWindows();
        }
        shared.head(changed);
    }

    void storedInBucket(ChunkId chunk) {
        index.addStored(chunk);
        shared.tell(listener -> listener.storedInBucket(chunk));
    }

    /** A neighbour has shown a piece. */
    void shown(long piece) {
        told.at(piece).ifPresent(this::stale);
    }

    private void stale(ChunkRecord record) {
        stale.add(record);
        refreshHoldersSoon();
    }

    /** Neighbours came or went, or showed more than one piece. */
    void allHoldersChanged() {
        allStale = true;
        refreshHoldersSoon();
    }

    private void refreshHoldersSoon() {
        if (!holdersScheduled && !closed) {
            holdersScheduled = true;
            loop.schedule(this::refreshHolders, HOLDERS_AFTER.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void refreshHolders() {
        holdersScheduled = false;
        List<ChunkRecord> due = allStale ? index.all() : List.copyOf(stale);
        allStale = false;
        stale.clear();
        due.forEach(record -> shared.holders(record, holders.apply(record)));
    }

    /** Forgets what has left the history, now and then. */
    void prune(long now) {
        if (now - prunedAt < PRUNE_EVERY.toNanos()) {
            return;
        }
        prunedAt = now;
        Instant oldest = node.parts().clock().instant().minus(node.config().history());
        windowsToClose.addAll(index.prune(oldest));
        shared.forget(record -> record.body().published().isBefore(oldest));
        told.forget(record -> record.body().published().isBefore(oldest));
        closeWindows();
    }

    private void closeWindows() {
        if (closingWindows || windowsToClose.isEmpty()) {
            return;
        }
        closingWindows = true;
        List<Integer> renditions = List.copyOf(windowsToClose);
        windowsToClose.clear();
        node.checks()
                .ask(
                        loop,
                        () -> {
                            renditions.forEach(index::closeWindows);
                            return renditions;
                        },
                        done -> {
                            closingWindows = false;
                            closeWindows();
                        });
    }

    void close() {
        closed = true;
    }
}
