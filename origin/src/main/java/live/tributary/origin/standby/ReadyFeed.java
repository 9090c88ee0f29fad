package live.tributary.origin.standby;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.origin.ingest.FeedState;
import live.tributary.origin.ingest.IngestListener;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;

/**
 * An origin's own feed, which goes on while it stands by: the newest chunks are kept, and handed over from where the mesh stands.
 *
 * <p>Where both origins read the same segments, the next one follows without a break; else the feed goes on from what came after the
 * mesh's newest record, as a discontinuity.
 */
final class ReadyFeed implements IngestListener {
    static final Duration KEPT = Duration.ofSeconds(60);
    static final long MAX_BYTES = 64L * 1024 * 1024;

    private final InstantSource clock;
    private final List<Kept> kept = new ArrayList<>();
    private final Map<String, String> troubles = new HashMap<>();
    private final Map<Integer, FeedState> states = new HashMap<>();
    private List<Rendition> renditions = List.of();
    private Duration target = Duration.ZERO;
    private long bytes;
    private Optional<IngestListener> leading = Optional.empty();

    private record Kept(int rendition, IngestedChunk chunk, Instant arrived) {}

    ReadyFeed(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public synchronized void described(List<Rendition> feedRenditions, Duration targetDuration) {
        renditions = List.copyOf(feedRenditions);
        target = targetDuration;
        leading.ifPresent(origin -> origin.described(feedRenditions, targetDuration));
    }

    @Override
    public synchronized void chunk(int rendition, IngestedChunk chunk) {
        if (leading.isPresent()) {
            leading.get().chunk(rendition, chunk);
            return;
        }
        kept.add(new Kept(rendition, chunk, clock.instant()));
        bytes += chunk.bytes().length;
        forgetOld();
    }

    private void forgetOld() {
        Instant oldest = clock.instant().minus(KEPT);
        for (Iterator<Kept> all = kept.iterator(); all.hasNext(); ) {
            Kept one = all.next();
            if (bytes <= MAX_BYTES && !one.arrived().isBefore(oldest)) {
                return;
            }
            bytes -= one.chunk().bytes().length;
            all.remove();
        }
    }

    @Override
    public synchronized void state(int rendition, FeedState state) {
        states.put(rendition, state);
        leading.ifPresent(origin -> origin.state(rendition, state));
    }

    @Override
    public synchronized void missed(int rendition, long segments) {
        leading.ifPresent(origin -> origin.missed(rendition, segments)); // Nobody misses what is not led.
    }

    @Override
    public synchronized void trouble(String of, String why) {
        if (why.isEmpty()) {
            troubles.remove(of);
        } else {
            troubles.put(of, why);
        }
        leading.ifPresent(origin -> origin.trouble(of, why));
    }

    /** What is wrong with the feed, if anything is. */
    synchronized Optional<String> alarm() {
        return troubles.isEmpty() ? Optional.empty() : Optional.of(new TreeMap<>(troubles).toString());
    }

    synchronized Duration target() {
        return target;
    }

    synchronized String text() {
        return FeedState.text(states);
    }

    /** Whether there is a chunk to go on with behind what the mesh has. */
    synchronized boolean isReady(List<ChunkRecord> known) {
        forgetOld();
        return !renditions.isEmpty() && kept.stream().anyMatch(one -> goesOn(one, known));
    }

    /** Hands over to {@code origin}: what goes on behind {@code known}, oldest first, and whatever comes. */
    synchronized void lead(IngestListener origin, List<ChunkRecord> known) {
        origin.described(renditions, target);
        for (Kept one : kept) {
            if (repeats(one, known) || goesOn(one, known)) {
                origin.chunk(one.rendition(), one.chunk());
            }
        }
        states.forEach((rendition, state) -> {
            if (kept.stream().noneMatch(one -> one.rendition() == rendition)) {
                origin.state(rendition, state);
            }
        });
        troubles.forEach(origin::trouble);
        kept.clear();
        bytes = 0;
        leading = Optional.of(origin);
    }

    /** Keeps the feed to itself again. */
    synchronized void follow() {
        leading = Optional.empty();
    }

    /** The very chunk that the mesh has as its newest: what follows it follows without a break. */
    private static boolean repeats(Kept one, List<ChunkRecord> known) {
        return newest(one.rendition(), known)
                .filter(record -> record.body().sha256().equals(one.chunk().sha256()))
                .isPresent();
    }

    /** The newest record whose segment this feed had too says where the two stand together; a loop repeats older ones. */
    private boolean goesOn(Kept one, List<ChunkRecord> known) {
        List<ChunkRecord> newestFirst = known.stream()
                .filter(record -> record.rendition() == one.rendition())
                .sorted(Comparator.comparing(ChunkRecord::seq).reversed())
                .toList();
        for (ChunkRecord record : newestFirst) {
            int together = lastOf(record);
            if (together >= 0) {
                return kept.indexOf(one) > together;
            }
        }
        return newestFirst.isEmpty()
                || one.arrived().isAfter(newestFirst.get(0).body().published());
    }

    private int lastOf(ChunkRecord record) {
        for (int i = kept.size() - 1; i >= 0; i--) {
            Kept one = kept.get(i);
            if (one.rendition() == record.rendition()
                    && one.chunk().sha256().equals(record.body().sha256())) {
                return i;
            }
        }
        return -1;
    }

    private static Optional<ChunkRecord> newest(int rendition, List<ChunkRecord> known) {
        return known.stream()
                .filter(record -> record.rendition() == rendition)
                .max(Comparator.comparing(ChunkRecord::seq));
    }
}
