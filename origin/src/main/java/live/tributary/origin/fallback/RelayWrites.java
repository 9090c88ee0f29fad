package live.tributary.origin.fallback;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamPublisher;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts that relays make in the origin's stead: signed here, for one object's exact bytes, and handed to a relay that holds them. */
final class RelayWrites {
    private static final Logger log = LoggerFactory.getLogger(RelayWrites.class);

    /** A signed put is good for a quarter of an hour: none may outlive the object's time in the bucket. */
    private static final Duration SHORTEST_HISTORY = Duration.ofMinutes(20);
    /** How long a relay may still begin with a put that it was given. */
    private static final Duration ORDER_LIFETIME = Duration.ofMinutes(2);

    private final SigningKey key;
    private final BucketLayout layout;
    private final StreamPublisher mesh;
    private final PutSigner signer;
    private final BucketObjects objects;
    private final InstantSource wallClock;
    private volatile boolean allowed;

    /** @param wanted whether relays may be asked at all */
    RelayWrites(
            SigningKey key,
            BucketLayout layout,
            StreamPublisher mesh,
            PutSigner signer,
            BucketObjects objects,
            InstantSource wallClock,
            boolean wanted,
            Duration history) {
        this.key = key;
        this.layout = layout;
        this.mesh = mesh;
        this.signer = signer;
        this.objects = objects;
        this.wallClock = wallClock;
        this.allowed = wanted && history.compareTo(SHORTEST_HISTORY) >= 0;
    }

    boolean allowed() {
        return allowed;
    }

    /** Whether a relay is linked that could be asked. */
    boolean anybody() {
        return allowed && mesh.view().relays().stream().anyMatch(RelayWrites::mayWrite);
    }

    List<RelayKey> holders(ChunkRecord record) {
        return mesh.view().holders(record).stream()
                .filter(RelayWrites::mayWrite)
                .map(RelayView::key)
                .toList();
    }

    private static boolean mayWrite(RelayView relay) {
        return relay.linked() && relay.role() == NodeRole.RELAY;
    }

    /** Asks a relay for one put. Returns whether it was asked: else the origin's own attempt meets the same trouble, and tells it. */
    boolean handOver(ChunkRecord record, RelayKey relay) {
        return handOver(record, layout.chunk(record), relay);
    }

    /** @param name under which it is put */
    boolean handOver(ChunkRecord record, String name, RelayKey relay) {
        Instant now = wallClock.instant();
        try {
            Optional<PutSigner.SignedPut> put = signer.sign(
                    name,
                    record.body().sha256(),
                    record.body().container().mediaType(),
                    LivePlaylist.CHUNK_CACHE_CONTROL,
                    now);
            if (put.isEmpty()) {
                log.info("the bucket's credentials come with a token, which stays here: the origin uploads by itself");
                allowed = false;
                return false;
            }
            objects.toBePut(name, record.body().published(), now);
            mesh.send(LiveMessage.Put.sign(
                    new LiveMessage.Put.Order(
                            relay, record.chunk(), put.get().url(), put.get().headers(), now.plus(ORDER_LIFETIME)),
                    key));
            return true;
        } catch (ObjectStore.StoreException | IllegalArgumentException e) {
            log.debug("{} is not handed over: {}", record, e.getMessage());
            return false;
        }
    }

    /** Looks whether the chunk is in the bucket. */
    boolean delivered(ChunkRecord record) {
        String name = layout.chunk(record);
        try {
            boolean there = objects.store().has(name, record.length());
            if (there) {
                objects.stored(name);
            }
            return there;
        } catch (ObjectStore.StoreException e) {
            log.debug("{}: {}", record, e.getMessage());
            return false;
        }
    }
}
