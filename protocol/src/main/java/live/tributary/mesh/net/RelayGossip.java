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
    private final TellingTimes times;
    private final OwnLoad load;
    private List<Endpoint> toldEndpoints = List.of();

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
        this.times = new TellingTimes(now());
        this.load = new OwnLoad(CarriedStream.HOUSEKEEPING, now());
    }

    void received(Link link, List<RelayDescriptor> relays) {
        long now = now();
        Long before = taken.get(link.peerKey());
        if (before != null && now - before < TAKEN.toNanos()) {
            return;
        }
        taken.put(link.peerKey(), now);
        List<RelayDescriptor> looked = relays.stream()
                .filter(descriptor ->
                        descriptor.body().relay().equals(link.peerKey()) || directory.wouldBeNews(descriptor))
                .toList();
        node.checks()
                .ask(
                        loop,
                        () -> looked.stream().filter(RelayDescriptor::verifies).toList(),
                        genuine -> heard(link, looked.size(), genuine));
    }

    private void heard(Link link, int looked, List<RelayDescriptor> genuine) {
        if (genuine.size() < looked) {
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
        times.forget(relay);
    }

    /** Tells all neighbours soon: there is news. */
    void soon() {
        times.soon(now());
    }

    /** Tells what is due to be told; called at each housekeeping. */
    void tick(long now) {
        if (!toldEndpoints.equals(ownEndpoints())) {
            soon();
        }
        load.sample(node.budget().loadPerMille());
        if (load.isNews(now)) {
            soon();
        }
        List<RelayKey> due =
                times.take(neighbours.neighbours().stream().map(Link::peerKey).toList(), now);
        if (!due.isEmpty()) {
            LiveMessage.Relays list = list(now);
            due.forEach(relay -> neighbours.neighbour(relay).ifPresent(link -> link.send(list)));
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

    /** Tells a new neighbour. */
    void tell(Link link) {
        long now = now();
        times.told(link.peerKey(), now);
        link.send(list(now));
    }

    private LiveMessage.Relays list(long now) {
        List<RelayDescriptor> relays = new ArrayList<>();
        relays.add(describe(now));
        relays.addAll(directory.vouched(LiveMessage.MAX_RELAYS - 1));
        return new LiveMessage.Relays(relays);
    }

    private RelayDescriptor describe(long now) {
        toldEndpoints = ownEndpoints();
        return RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        node.key().relayKey(),
                        role,
                        toldEndpoints,
                        node.config().tlsName(),
                        node.config().renditions(),
                        node.config().region(),
                        node.config().uploadBitsPerSecond(),
                        load.tell(now),
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
