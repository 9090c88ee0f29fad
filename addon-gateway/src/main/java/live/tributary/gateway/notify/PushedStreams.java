package live.tributary.gateway.notify;

import java.net.InetAddress;
import java.time.Instant;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamIntake;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which streams may be pushed and by how many connections, and those that are listed only because they are.
 *
 * <p>An open stream is listed with the first genuine head that says it is live, and forgotten some time after its last head stopped
 * to count. Callable from any thread.
 */
final class PushedStreams {
    private static final Logger LOG = LoggerFactory.getLogger(PushedStreams.class);

    private final MeshNode mesh;
    private final ListedStreams listed;
    private final boolean open;
    private final Predicate<StreamKey> denied;
    private final NotifyLimits limits;
    private final Map<StreamKey, Open> opened = new HashMap<>();
    private final Map<StreamKey, Former> formers = new HashMap<>();
    private final Map<StreamKey, Integer> pushing = new HashMap<>();
    private final Map<Network, Integer> connected = new HashMap<>();
    private int connections;

    /** A stream that no operator listed. */
    private record Open(Network pushedFrom, Instant counts) {}

    /** A key that nobody listed and that has handed over. */
    private record Former(StreamKey successor, Instant heard) {}

    PushedStreams(MeshNode mesh, ListedStreams listed, boolean open, Predicate<StreamKey> denied, NotifyLimits limits) {
        this.mesh = mesh;
        this.listed = listed;
        this.open = open;
        this.denied = denied;
        this.limits = limits;
    }

    /** Counts a connection in; false where there is no room for it. */
    synchronized boolean connect(InetAddress from) {
        Network network = Network.of(from);
        if (connections >= limits.connections()
                || connected.getOrDefault(network, 0) >= limits.connectionsOfANetwork()) {
            return false;
        }
        connections++;
        connected.merge(network, 1, Integer::sum);
        return true;
    }

    synchronized void disconnect(InetAddress from) {
        connections--;
        connected.computeIfPresent(Network.of(from), (network, count) -> count > 1 ? count - 1 : null);
    }

    /** Why a stream is not taken from there; empty where it is. */
    synchronized Optional<String> refusal(StreamKey stream, InetAddress from) {
        if (denied.test(stream)) {
            return Optional.of("this stream is not listed here");
        }
        if (pushing.getOrDefault(stream, 0) >= limits.connectionsOfAStream()) {
            return Optional.of("others push this stream already");
        }
        if (opened.containsKey(stream) || mesh.intake(stream).isPresent()) {
            return Optional.empty();
        }
        if (!open) {
            return Optional.of("this stream is not listed here");
        }
        return full(from) ? Optional.of("no room for more streams") : Optional.empty();
    }

    private boolean full(InetAddress from) {
        Network network = Network.of(from);
        return opened.size() >= limits.openStreams()
                || opened.values().stream()
                                .filter(other -> other.pushedFrom().equals(network))
                                .count()
                        >= limits.openStreamsOfANetwork();
    }

    /** A connection has proven that it is the stream's origin; false where others were faster. */
    synchronized boolean begin(StreamKey stream) {
        if (pushing.getOrDefault(stream, 0) >= limits.connectionsOfAStream()) {
            return false;
        }
        pushing.merge(stream, 1, Integer::sum);
        return true;
    }

    synchronized void end(StreamKey stream) {
        pushing.computeIfPresent(stream, (key, count) -> count > 1 ? count - 1 : null);
    }

    synchronized int proven() {
        return pushing.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** A genuine head was pushed that has not expired; returns the way in, which an open stream has from its first live head on. */
    synchronized Optional<StreamIntake> head(SignedHead head, InetAddress from) {
        StreamKey stream = head.stream();
        Open known = opened.get(stream);
        if (known != null) {
            opened.put(stream, new Open(known.pushedFrom(), head.head().expires()));
        } else if (mesh.intake(stream).isEmpty()) {
            if (!open || head.head().status() != Head.Status.LIVE || full(from)) {
                return Optional.empty();
            }
            opened.put(stream, new Open(Network.of(from), head.head().expires()));
            listed.add(mesh.carry(stream, NodeRole.LISTENER));
            LOG.info("stream {} is pushed here: listed", stream);
        }
        return mesh.intake(stream);
    }

    Optional<StreamIntake> intake(StreamKey stream) {
        return mesh.intake(stream);
    }

    /**
     * A key has said its last word. Where it handed over, and no operator listed it, who asks for the old stream gets the new one
     * as long as that is listed; those that an operator listed are followed elsewhere.
     */
    synchronized void ended(KeyEnd end, Instant now) {
        StreamKey old = end.stream();
        boolean ours = opened.containsKey(old) || (open && mesh.intake(old).isEmpty());
        boolean room = formers.containsKey(old) || formers.size() < limits.openStreams();
        end.successor().filter(next -> ours && room && !denied.test(next)).ifPresent(next -> {
            formers.put(old, new Former(next, now));
            listed.handedOver(old, next);
        });
    }

    /** Forgets the open streams whose heads have long stopped to count, and old keys whose successors are not listed. */
    synchronized void sweep(Instant now) {
        Iterator<Map.Entry<StreamKey, Open>> all = opened.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<StreamKey, Open> one = all.next();
            if (now.isAfter(one.getValue().counts().plus(limits.kept()))) {
                all.remove();
                listed.remove(one.getKey());
                mesh.leave(one.getKey());
                LOG.info("stream {} is pushed no longer: not listed", one.getKey());
            }
        }
        formers.entrySet().removeIf(former -> {
            boolean gone = !listed.isListed(former.getValue().successor())
                    && now.isAfter(former.getValue().heard().plus(limits.kept()));
            if (gone) {
                listed.forget(former.getKey());
            }
            return gone;
        });
    }
}
