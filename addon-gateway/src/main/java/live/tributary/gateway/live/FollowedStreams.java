package live.tributary.gateway.live;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.node.KeyFollower;
import live.tributary.mesh.node.StreamMemory;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The operator's streams, listed and listened to, and those whose keys have taken over from them since. */
public final class FollowedStreams implements AutoCloseable {
    /** The most streams that are listed only because they took over: whoever steals a key can name successors without end. */
    static final int MAX_SUCCESSORS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(FollowedStreams.class);

    private final Predicate<StreamKey> denied;
    private final ListedStreams listed;
    private final MeshNode mesh;
    private Optional<KeyFollower> follower = Optional.empty();
    private int followed;

    private FollowedStreams(Predicate<StreamKey> denied, ListedStreams listed, MeshNode mesh) {
        this.denied = denied;
        this.listed = listed;
        this.mesh = mesh;
    }

    public static FollowedStreams start(
            List<StreamKey> streams,
            Predicate<StreamKey> denied,
            ListedStreams listed,
            StreamMemory memory,
            MeshNode mesh) {
        FollowedStreams all = new FollowedStreams(denied, listed, mesh);
        KeyFollower following = new KeyFollower(memory, mesh, all::handedOver);
        all.follower = Optional.of(following);
        streams.forEach(stream -> all.add(stream, following));
        return all;
    }

    private void add(StreamKey stream, KeyFollower following) {
        StreamView view = mesh.carry(stream, NodeRole.LISTENER);
        listed.add(view);
        following.follow(view);
    }

    private synchronized void handedOver(KeyEnd end) {
        StreamKey next = end.successor().orElseThrow();
        listed.handedOver(end.stream(), next);
        if (listed.isListed(next)) {
            return;
        }
        if (denied.test(next) || followed >= MAX_SUCCESSORS) {
            LOG.warn("{}: not followed (expected: none that --deny names, and <= {})", end, MAX_SUCCESSORS);
            return;
        }
        followed++;
        LOG.info("{}: listed from now on", end);
        follower.ifPresent(following -> add(next, following));
    }

    @Override
    public void close() {
        follower.ifPresent(KeyFollower::close);
    }
}
