package live.tributary.mesh.net;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import live.tributary.mesh.relays.RelayDirectory;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.wire.LiveMessage;

/**
 * The descriptors of relays that neighbours tell one another: this node's own first, then those whose every endpoint it has
 * found to be theirs. What a neighbour claims is a candidate, and what it claims of itself is tried.
 */
final class RelayGossip {
    private static final Duration EVERY = Duration.ofSeconds(60);
    /** What changed is told no more often than this. */
    private static final Duration ON_CHANGE = Duration.ofSeconds(2);
    /** A load that differs by so much from what was told is news, though no more often than this. */
    private static final int LOAD_NEWS = 250;

    private static final Duration LOAD_NEWS_EVERY = Duration.ofSeconds(10);
    /** A neighbour that sends its list more often is not listened to. */
    private static final Duration TAKEN = Duration.ofSeconds(1);

    private static final Duration DESCRIPTOR_LIFETIME = Duration.ofMinutes(5);
    private static final Duration PROOF_RENEWED = Duration.ofMinutes(6);

    private final NodeContext node;
    private final EventLoop loop;
    private final NodeRole role;
    private final StreamLinks neighbours;
    private final Candidates candidates;
    private final RelayDirectory directory;
    private final Listener listener;

    private final Map<RelayKey, Long> taken = new HashMap<>();
    private final Map<RelayKey, Long> told = new HashMap<>();
    private List<Endpoint> toldEndpoints = List.of();
    private int toldLoad;
    private long dueAt;
    private long toldAt;

    /** The stream. */
    interface Listener {
        /** What a neighbour signs of itself. */
        void described(Link link, RelayDescriptor descriptor);

        /** A neighbour sent a descriptor with a bad signature. */
        void forged(Link link);
    }

    RelayGossip(
            NodeContext node,
            EventLoop loop,
            NodeRole role,
            StreamLinks neighbours,
            Candidates candidates,
            RelayDirectory directory,
            Listener listener) {
        this.node = node;
        this.loop = loop;
        this.role = role;
        this.neighbours = neighbours;
        this.candidates = candidates;
        this.directory = directory;
        this.listener = listener;
        this.dueAt = now();
        this.toldAt = dueAt - ON_CHANGE.toNanos();
    }

    void received(Link link, List<RelayDescriptor> relays) {
        long now = now();
        Long before = taken.get(link.peerKey());
        if (before != null && now - before < TAKEN.toNanos()) {
            return;
        }
        taken.put(link.peerKey(), now);
        node.checks()
                .ask(
                        loop,
                        () -> relays.stream().filter(RelayDescriptor::verifies).toList(),
                        genuine -> heard(link, relays.size(), genuine));
    }

    private void heard(Link link, int sent, List<RelayDescriptor> genuine) {
        if (genuine.size() < sent) {
            listener.forged(link);
            return;
        }
        for (RelayDescriptor descriptor : genuine) {
            RelayKey relay = descriptor.body().relay();
            if (relay.equals(link.peerKey())) {
                listener.described(link, descriptor);
            }
            boolean news = directory.heard(descriptor);
            if (!news || relay.equals(node.key().relayKey())) {
                continue;
            }
            for (Endpoint endpoint : descriptor.body().endpoints()) {
                // A neighbour's word about itself is dialled back at once, but only to where it comes from.
                if (relay.equals(link.peerKey())
                        && endpoint.address().equals(link.remote().getAddress())
                        && !directory.isProven(relay, endpoint)) {
                    neighbours.challenge(relay, endpoint);
                } else if (neighbours.neighbour(relay).isEmpty()) {
                    candidates.add(endpoint, Candidates.Source.GOSSIP, Optional.of(relay), now());
                }
            }
        }
    }

    /** Takes in genuine descriptors that came by no link. */
    void heard(List<RelayDescriptor> genuine) {
        for (RelayDescriptor descriptor : genuine) {
            RelayKey relay = descriptor.body().relay();
            if (directory.heard(descriptor) && neighbours.neighbour(relay).isEmpty()) {
                descriptor
                        .body()
                        .endpoints()
                        .forEach(endpoint ->
                                candidates.add(endpoint, Candidates.Source.GOSSIP, Optional.of(relay), now()));
            }
        }
    }

    void forget(RelayKey relay) {
        taken.remove(relay);
        told.remove(relay);
    }

    /** Tells all neighbours soon: there is news. */
    void soon() {
        dueAt = Math.min(dueAt, Math.max(now(), toldAt + ON_CHANGE.toNanos()));
    }

    /** Tells what is due to be told. */
    void tick(long now) {
        if (!toldEndpoints.equals(ownEndpoints())) {
            soon();
        }
        if (now - toldAt >= LOAD_NEWS_EVERY.toNanos()
                && Math.abs(node.budget().loadPerMille() - toldLoad) >= LOAD_NEWS) {
            soon();
        }
        if (now - dueAt >= 0) {
            toldAt = now;
            dueAt = now + EVERY.toNanos();
            neighbours.neighbours().forEach(link -> tellInTime(link, now));
        }
    }

    /** A neighbour that was told a moment ago would not listen, and hears it a little later. */
    private void tellInTime(Link link, long now) {
        Long before = told.get(link.peerKey());
        if (before == null || now - before >= ON_CHANGE.toNanos()) {
            tell(link);
        } else {
            dueAt = Math.min(dueAt, before + ON_CHANGE.toNanos());
        }
    }

    /** Tries again what is claimed but was not proven lately. */
    void challengeClaims() {
        Instant renew = node.parts().clock().instant().minus(PROOF_RENEWED);
        directory.claims(renew).forEach((relay, endpoints) -> {
            Optional<Endpoint> dialled = neighbours.neighbour(relay).flatMap(Link::dialled);
            for (Endpoint endpoint : endpoints) {
                if (!dialled.equals(Optional.of(endpoint))) {
                    neighbours.challenge(relay, endpoint);
                }
            }
        });
    }

    void tell(Link link) {
        List<RelayDescriptor> relays = new ArrayList<>();
        relays.add(describe());
        relays.addAll(directory.vouched(LiveMessage.MAX_RELAYS - 1));
        told.put(link.peerKey(), now());
        link.send(new LiveMessage.Relays(relays));
    }

    private RelayDescriptor describe() {
        toldEndpoints = ownEndpoints();
        toldLoad = node.budget().loadPerMille();
        return RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        node.key().relayKey(),
                        role,
                        toldEndpoints,
                        node.config().tlsName(),
                        node.config().renditions(),
                        node.config().region(),
                        node.config().uploadBitsPerSecond(),
                        toldLoad,
                        node.config().software(),
                        Optional.empty(),
                        node.parts().clock().instant().plus(DESCRIPTOR_LIFETIME)),
                node.key());
    }

    private List<Endpoint> ownEndpoints() {
        return role == NodeRole.LISTENER ? List.of() : node.own().all();
    }

    private long now() {
        return node.parts().nanoTime().getAsLong();
    }
}
