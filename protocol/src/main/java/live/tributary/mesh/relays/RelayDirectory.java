package live.tributary.mesh.relays;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import org.jspecify.annotations.Nullable;

/**
 * The mesh nodes of one stream that this node knows: by their links, by their own signed word, and by what answered a challenge.
 *
 * <p>An endpoint is in here only while it is proven: its node signed this node's nonce there. It stays so for
 * {@link #PROOF_LASTS}, or as long as the link stands that was dialled there. Any thread may call any method.
 */
public final class RelayDirectory {
    /** How long an endpoint counts after its node answered there. */
    public static final Duration PROOF_LASTS = Duration.ofMinutes(10);
    /** The most nodes that are known at once; those neither linked nor proven make room first. */
    public static final int MAX_NODES = 512;

    private final RelayKey self;
    private final InstantSource clock;
    private final Map<RelayKey, Node> nodes = new LinkedHashMap<>();

    public RelayDirectory(RelayKey self, InstantSource clock) {
        this.self = self;
        this.clock = clock;
    }

    private static final class Node {
        private final Map<Endpoint, Instant> provenAt = new HashMap<>();
        private NodeRole role;
        private boolean linked;
        private @Nullable RelayDescriptor descriptor;

        Node(NodeRole role) {
            this.role = role;
        }
    }

    public synchronized void linked(RelayKey relay, NodeRole role) {
        Node node = node(relay, role);
        node.role = role;
        node.linked = true;
    }

    public synchronized void unlinked(RelayKey relay) {
        Node node = nodes.get(relay);
        if (node != null) {
            node.linked = false;
        }
    }

    /** The node answered a challenge at this endpoint just now. */
    public synchronized void proven(RelayKey relay, NodeRole role, Endpoint endpoint) {
        nodes.values().forEach(other -> other.provenAt.remove(endpoint)); // One node at a time lives at an endpoint.
        node(relay, role).provenAt.put(endpoint, clock.instant());
    }

    /** The endpoint was dialled in vain, or another node answered there. */
    public synchronized void failed(Endpoint endpoint) {
        nodes.values().forEach(node -> node.provenAt.remove(endpoint));
    }

    /**
     * Takes a node's own word, whose signature was checked.
     *
     * @return whether it is news: of a node not known by a descriptor, or saying something else or something later
     */
    public synchronized boolean heard(RelayDescriptor descriptor) {
        if (!wouldBeNews(descriptor)) {
            return false;
        }
        Node node = node(descriptor.body().relay(), descriptor.body().role());
        node.descriptor = descriptor;
        if (!node.linked) {
            node.role = descriptor.body().role();
        }
        return true;
    }

    /** Whether a descriptor would be news if its signature is good: all neighbours tell the same, and a signature takes time. */
    public synchronized boolean wouldBeNews(RelayDescriptor descriptor) {
        RelayKey relay = descriptor.body().relay();
        Instant now = clock.instant();
        Instant expires = descriptor.body().expires();
        if (relay.equals(self)
                || !expires.isAfter(now)
                || expires.isAfter(now.plus(RelayDescriptor.MAX_LIFETIME).plusSeconds(60))) {
            return false;
        }
        Node node = nodes.get(relay);
        RelayDescriptor known = node == null ? null : node.descriptor;
        return known == null || known.body().expires().isBefore(expires);
    }

    /** Whether the node proved this endpoint and the proof still counts. */
    public synchronized boolean isProven(RelayKey relay, Endpoint endpoint) {
        Node node = nodes.get(relay);
        return node != null && node.provenAt.containsKey(endpoint);
    }

    /** The nodes that are linked or have a proven endpoint. */
    public synchronized List<RelayView> relays() {
        List<RelayView> views = new ArrayList<>();
        nodes.forEach((key, node) -> {
            if (node.linked || !node.provenAt.isEmpty()) {
                views.add(view(key, node));
            }
        });
        return views;
    }

    public synchronized Optional<RelayView> relay(RelayKey key) {
        Node node = nodes.get(key);
        return node == null ? Optional.empty() : Optional.of(view(key, node));
    }

    /** The descriptors that may be passed on: unexpired, of reachable nodes, every endpoint in them proven to this node. */
    public synchronized List<RelayDescriptor> vouched(int max) {
        Instant now = clock.instant();
        List<RelayDescriptor> vouched = new ArrayList<>();
        for (Node node : nodes.values()) {
            RelayDescriptor descriptor = node.descriptor;
            if (vouched.size() < max
                    && descriptor != null
                    && descriptor.body().expires().isAfter(now)
                    && !descriptor.body().endpoints().isEmpty()
                    && node.provenAt.keySet().containsAll(descriptor.body().endpoints())) {
                vouched.add(descriptor);
            }
        }
        return vouched;
    }

    /** The endpoints that unexpired descriptors claim and that were not proven since {@code renew}, by node. */
    public synchronized Map<RelayKey, List<Endpoint>> claims(Instant renew) {
        Instant now = clock.instant();
        Map<RelayKey, List<Endpoint>> claims = new LinkedHashMap<>();
        nodes.forEach((key, node) -> {
            RelayDescriptor descriptor = node.descriptor;
            if (descriptor != null && descriptor.body().expires().isAfter(now)) {
                List<Endpoint> open = descriptor.body().endpoints().stream()
                        .filter(endpoint -> node.provenAt
                                .getOrDefault(endpoint, Instant.MIN)
                                .isBefore(renew))
                        .toList();
                if (!open.isEmpty()) {
                    claims.put(key, open);
                }
            }
        });
        return claims;
    }

    /** Forgets proofs that are too old, and nodes of which nothing is left. */
    public synchronized void expire() {
        Instant now = clock.instant();
        Instant tooOld = now.minus(PROOF_LASTS);
        nodes.values().removeIf(node -> {
            if (!node.linked) {
                node.provenAt.values().removeIf(at -> at.isBefore(tooOld));
            }
            RelayDescriptor descriptor = node.descriptor;
            if (descriptor != null && !descriptor.body().expires().isAfter(now)) {
                node.descriptor = null;
            }
            return !node.linked && node.provenAt.isEmpty() && node.descriptor == null;
        });
    }

    private Node node(RelayKey key, NodeRole role) {
        Node known = nodes.get(key);
        if (known != null) {
            return known;
        }
        if (nodes.size() >= MAX_NODES) {
            nodes.entrySet().stream()
                    .filter(entry -> !entry.getValue().linked
                            && entry.getValue().provenAt.isEmpty())
                    .findFirst()
                    .or(() -> nodes.entrySet().stream()
                            .filter(entry -> !entry.getValue().linked)
                            .findFirst())
                    .ifPresent(entry -> nodes.remove(entry.getKey()));
        }
        Node node = new Node(role);
        nodes.put(key, node);
        return node;
    }

    private static RelayView view(RelayKey key, Node node) {
        return new RelayView(
                key, node.role, List.copyOf(node.provenAt.keySet()), Optional.ofNullable(node.descriptor), node.linked);
    }
}
