package live.tributary.origin.notify;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.wire.LiveMessage;

/**
 * What one gateway is to be told next, without I/O; not thread-safe.
 *
 * <p>Nothing is queued but what cannot be looked up: heads and abouts are read when their turn comes, and a rendition's records are
 * a place in the stream's own index. A gateway that falls further behind than {@link #MAX_BEHIND} records misses the oldest.
 */
final class PushPlan {
    /** The most records of a rendition that wait to be told: an hour of segments of four seconds. */
    static final int MAX_BEHIND = 900;
    /** The most words on the bucket that wait. */
    static final int MAX_STORED = 900;

    private final StreamView stream;
    private final Function<ChunkId, LiveMessage.Stored> stored;
    private final Map<Integer, Long> told = new HashMap<>();
    private final Set<ChunkId> inBucket = new LinkedHashSet<>();
    private Optional<KeyEnd> keyEnd = Optional.empty();
    private List<RelayDescriptor> relaysTold = List.of();
    private boolean headDue;
    private boolean aboutDue;
    private boolean relaysDue;
    private long dropped;

    /** @param stored signs the word that the bucket has a chunk */
    PushPlan(StreamView stream, Function<ChunkId, LiveMessage.Stored> stored) {
        this.stream = stream;
        this.stored = stored;
    }

    /** A gateway has this already; all that it lacks is due. */
    void begin(List<NotifyMessage.Place> has) {
        told.clear();
        inBucket.clear();
        relaysTold = List.of();
        headDue = true;
        aboutDue = true;
        relaysDue = true;
        keyEnd = stream.keyEnd();
        for (NotifyMessage.Place place : has) {
            boolean known = stream.record(place.chunk())
                    .filter(record -> record.hash().equals(place.hash()))
                    .isPresent();
            if (known) {
                told.put(place.chunk().rendition(), place.chunk().seq());
            }
        }
        for (int rendition : stream.renditions()) {
            stream.newest(rendition, MAX_STORED).stream()
                    .map(ChunkRecord::chunk)
                    .filter(stream::storedInBucket)
                    .forEach(this::storedInBucket);
        }
    }

    void headChanged() {
        headDue = true;
    }

    void aboutChanged() {
        aboutDue = true;
    }

    void keyEnded(KeyEnd end) {
        keyEnd = Optional.of(end);
    }

    /** The neighbours may have changed. */
    void relaysChanged() {
        relaysDue = true;
    }

    void storedInBucket(ChunkId chunk) {
        inBucket.add(chunk);
        if (inBucket.size() > MAX_STORED) {
            Iterator<ChunkId> oldest = inBucket.iterator();
            oldest.next();
            oldest.remove();
            dropped++;
        }
    }

    /** How many were dropped since this was last asked, because the gateway is too slow. */
    long takeDropped() {
        long taken = dropped;
        dropped = 0;
        return taken;
    }

    /** The next message, which counts as told; empty where there is none. */
    Optional<LiveMessage> next() {
        if (headDue) {
            headDue = false;
            if (stream.head().isPresent()) {
                return Optional.of(new LiveMessage.HeadNews(stream.head().get()));
            }
        }
        if (aboutDue) {
            aboutDue = false;
            if (stream.about().isPresent()) {
                return Optional.of(new LiveMessage.AboutNews(stream.about().get()));
            }
        }
        return relays().or(this::record).or(this::bucket).or(this::end);
    }

    private Optional<LiveMessage> relays() {
        if (!relaysDue) {
            return Optional.empty();
        }
        relaysDue = false;
        List<RelayDescriptor> reachable = stream.relays().stream()
                .filter(relay -> relay.role() == NodeRole.RELAY)
                .flatMap(relay -> provenDescriptor(relay).stream())
                .sorted(Comparator.comparing(descriptor -> descriptor.body().relay()))
                .limit(LiveMessage.MAX_RELAYS)
                .toList();
        if (reachable.isEmpty() || reachable.equals(relaysTold)) {
            return Optional.empty();
        }
        relaysTold = reachable;
        return Optional.of(new LiveMessage.Relays(reachable));
    }

    /** A relay's own word, where all that it says of how to reach it was proven here. */
    private static Optional<RelayDescriptor> provenDescriptor(RelayView relay) {
        return relay.descriptor()
                .filter(descriptor -> !descriptor.body().endpoints().isEmpty()
                        && relay.endpoints().containsAll(descriptor.body().endpoints()));
    }

    /** Of all renditions the record that was published first. */
    private Optional<LiveMessage> record() {
        List<ChunkRecord> candidates = new ArrayList<>();
        for (int rendition : stream.renditions()) {
            nextOf(rendition).ifPresent(candidates::add);
        }
        return candidates.stream()
                .min(Comparator.comparing(record -> record.body().published()))
                .map(record -> {
                    told.put(record.rendition(), record.seq());
                    return new LiveMessage.RecordNews(record);
                });
    }

    private Optional<ChunkRecord> nextOf(int rendition) {
        Optional<ChunkRecord> newest = stream.newest(rendition, 1).stream().findFirst();
        Long before = told.get(rendition);
        if (newest.isEmpty() || before != null && before >= newest.get().seq()) {
            return Optional.empty();
        }
        if (before != null && newest.get().seq() - before <= MAX_BEHIND) {
            Optional<ChunkRecord> next = stream.record(new ChunkId(rendition, before + 1));
            if (next.isPresent()) {
                return next;
            }
        }
        Optional<ChunkRecord> oldest = stream.newest(rendition, MAX_BEHIND).stream()
                .filter(record -> before == null || record.seq() > before)
                .findFirst();
        if (before != null && stream.record(new ChunkId(rendition, before + 1)).isPresent()) {
            dropped += oldest.map(record -> record.seq() - before - 1).orElse(0L);
        }
        return oldest;
    }

    private Optional<LiveMessage> bucket() {
        Iterator<ChunkId> oldest = inBucket.iterator();
        if (!oldest.hasNext()) {
            return Optional.empty();
        }
        ChunkId chunk = oldest.next();
        oldest.remove();
        return Optional.of(stored.apply(chunk));
    }

    private Optional<LiveMessage> end() {
        Optional<LiveMessage> news = keyEnd.map(LiveMessage.KeyEndNews::new);
        keyEnd = Optional.empty();
        return news;
    }
}
