package live.tributary.relay;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.node.KeyFollower;
import live.tributary.mesh.node.StreamMemory;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The streams that this relay carries: those it was told to, and those whose keys have taken over from them since. */
final class CarriedStreams implements AutoCloseable {
    /** The most streams that are carried only because they took over: whoever steals a key can name successors without end. */
    static final int MAX_SUCCESSORS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(CarriedStreams.class);

    private final Map<StreamKey, StreamView> streams = new ConcurrentHashMap<>();
    private final Map<StreamKey, StreamKey> successors = new ConcurrentHashMap<>();
    private Optional<KeyFollower> follower = Optional.empty();

    /** Begins to carry one stream, with all that a relay does for it. */
    interface Carrying {
        StreamView carry(StreamKey stream);
    }

    /**
     * Carries the operator's streams and those that are known to have taken over; follows more as they are heard of.
     *
     * @param denied streams that are not carried whoever names them
     */
    void start(
            List<StreamKey> told, Predicate<StreamKey> denied, Carrying carrying, StreamMemory memory, MeshNode mesh) {
        int most = told.size() + MAX_SUCCESSORS;
        KeyFollower following = new KeyFollower(memory, mesh, end -> follow(end, denied, carrying, most));
        follower = Optional.of(following);
        told.forEach(stream -> carry(stream, carrying, following));
    }

    private void carry(StreamKey stream, Carrying carrying, KeyFollower following) {
        StreamView view = carrying.carry(stream);
        streams.put(stream, view);
        following.follow(view);
    }

    private synchronized void follow(KeyEnd end, Predicate<StreamKey> denied, Carrying carrying, int most) {
        StreamKey next = end.successor().orElseThrow();
        successors.put(end.stream(), next);
        if (streams.containsKey(next)) {
            return;
        }
        if (denied.test(next) || streams.size() >= most) {
            LOG.warn("{}: not followed (expected: none that --deny names, and no more than {} streams)", end, most);
            return;
        }
        LOG.info("{}: carried from now on", end);
        follower.ifPresent(following -> carry(next, carrying, following));
    }

    /** The stream of a key, or the one that took over from it once something of that is known. */
    Optional<StreamView> find(StreamKey stream) {
        StreamView found = streams.get(stream);
        StreamKey next = successors.get(stream);
        for (int step = 0; next != null && step < MAX_SUCCESSORS; step++) {
            StreamView view = streams.get(next);
            if (view != null && !view.renditions().isEmpty()) {
                found = view;
            }
            next = successors.get(next);
        }
        return Optional.ofNullable(found);
    }

    Collection<StreamView> all() {
        return streams.values();
    }

    /** Where the other relays of all streams have proven themselves. */
    Set<Endpoint> relayEndpoints() {
        return streams.values().stream()
                .flatMap(stream -> stream.relays().stream())
                .flatMap(relay -> relay.endpoints().stream())
                .collect(Collectors.toSet());
    }

    @Override
    public void close() {
        follower.ifPresent(KeyFollower::close);
    }
}
