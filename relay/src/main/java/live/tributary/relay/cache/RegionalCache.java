package live.tributary.relay.cache;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor.Region;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.StreamKey;

/**
 * This relay's part in its region's memory: which older chunks fall to it, and which of them it lacks.
 *
 * <p>Everything younger than {@link #SHARED_AFTER} is everybody's. Of what is older, a relay keeps its share for longest and all the
 * rest as long as it has room.
 */
public final class RegionalCache {
    /** A closed window is seeded whole by everybody for as long as a live viewer may want it. */
    public static final Duration SHARED_AFTER = WindowId.LENGTH.plus(WindowId.STEP);

    private static final int MAX_CHUNKS = 5_000;
    /** Chunks asked for in one look: older ones come last, and a few at a time. */
    private static final int FETCHED_AT_ONCE = 2;

    private final RelayKey self;
    private final Cell cell;
    private final Supplier<? extends Collection<? extends StreamView>> streams;
    private final BiConsumer<StreamKey, ChunkRecord> fetch;
    private final InstantSource clock;
    private final Map<StreamKey, List<RelayKey>> others = new ConcurrentHashMap<>();
    private volatile long held;
    private volatile long lacking;

    /**
     * @param region where this relay says that it is
     * @param fetch asks the mesh for a chunk, when it has nothing better to do
     */
    public RegionalCache(
            RelayKey self,
            Optional<Region> region,
            Supplier<? extends Collection<? extends StreamView>> streams,
            BiConsumer<StreamKey, ChunkRecord> fetch,
            InstantSource clock) {
        this.self = self;
        this.cell = Cell.of(region);
        this.streams = streams;
        this.fetch = fetch;
        this.clock = clock;
    }

    /** Whether a chunk is to be kept for longest here. Any thread may ask. */
    public boolean isOurs(ChunkRecord record) {
        return RegionalShare.fallsTo(self, record, others.getOrDefault(record.body().stream(), List.of()));
    }

    /** Sees who is in the region now, and asks for what is lacking and held by somebody; to be called now and then. */
    public void look() {
        Instant shared = clock.instant().minus(SHARED_AFTER);
        long here = 0;
        long missing = 0;
        for (StreamView stream : streams.get()) {
            others.put(
                    stream.key(),
                    stream.relays().stream()
                            .filter(this::isNear)
                            .map(RelayView::key)
                            .toList());
            int asked = 0;
            for (int rendition : stream.renditions()) {
                for (ChunkRecord record : stream.newest(rendition, MAX_CHUNKS)) {
                    if (!record.body().published().isBefore(shared) || !isOurs(record)) {
                        continue;
                    }
                    if (stream.holds(record)) {
                        here++;
                        continue;
                    }
                    missing++;
                    if (asked < FETCHED_AT_ONCE && !stream.holders(record).isEmpty()) {
                        asked++;
                        fetch.accept(stream.key(), record);
                    }
                }
            }
        }
        held = here;
        lacking = missing;
    }

    /**
     * Who else has a chunk, in the order in which a viewer is to be sent there: those of this region that have shown it, others that
     * have, and of an old chunk at last those of the region that are to keep it.
     */
    public List<RelayView> keepers(StreamView stream, ChunkRecord record) {
        List<RelayView> keepers = new ArrayList<>(stream.holders(record));
        keepers.sort(Comparator.comparing(relay -> !isNear(relay)));
        if (record.body().published().isBefore(clock.instant().minus(SHARED_AFTER))) {
            List<RelayView> region =
                    stream.relays().stream().filter(this::isNear).toList();
            List<RelayKey> theirs = RegionalShare.holders(
                    record, region.stream().map(RelayView::key).toList());
            region.stream()
                    .filter(relay -> theirs.contains(relay.key()) && !keepers.contains(relay))
                    .forEach(keepers::add);
        }
        return keepers;
    }

    /** Whether a relay says that it is of this one's region; one that says nothing is, to those that say nothing either. */
    public boolean isNear(RelayView relay) {
        return relay.role() == NodeRole.RELAY
                && Cell.of(relay.descriptor()
                                .flatMap(descriptor -> descriptor.body().region()))
                        .equals(cell);
    }

    /** Older chunks that fall to this relay and are here. */
    public long held() {
        return held;
    }

    /** Older chunks that fall to this relay and are not here. */
    public long lacking() {
        return lacking;
    }
}
