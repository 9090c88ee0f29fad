package live.tributary.mesh.net;

import io.netty.channel.EventLoop;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The search for a stream's nodes beyond its links: at the rendezvous, and at the peers that the operator names. */
final class PeerSearch {
    private static final Logger LOG = LoggerFactory.getLogger(PeerSearch.class);

    private final NodeContext node;
    private final EventLoop loop;
    private final NodeRole role;
    private final StreamView stream;
    private final InfoHash mesh;
    private final Candidates candidates;
    private final StreamEntrance entrance;
    private final Runnable heardOf;
    private final RendezvousSchedule schedule;

    /** @param heardOf is told on the loop that there may be somebody to dial */
    PeerSearch(
            NodeContext node,
            EventLoop loop,
            NodeRole role,
            StreamView stream,
            Candidates candidates,
            StreamEntrance entrance,
            Runnable heardOf) {
        this.node = node;
        this.loop = loop;
        this.role = role;
        this.stream = stream;
        this.mesh = InfoHash.ofMesh(stream.key());
        this.candidates = candidates;
        this.entrance = entrance;
        this.heardOf = heardOf;
        this.schedule = new RendezvousSchedule(node.config().privateAddresses());
    }

    void begin() {
        if (role != NodeRole.LISTENER) {
            rendezvous().announce(mesh, node.own().port());
        }
        resolvePeers();
    }

    /** Asks again if that is due where there are so many links. */
    void tick(int links, long now) {
        if (!schedule.isDue(links, now)) {
            return;
        }
        rendezvous().findPeers(mesh, endpoint -> entrance.run(() -> candidate(endpoint, Candidates.Source.RENDEZVOUS)));
        if (role != NodeRole.ORIGIN || stream.head().isEmpty()) { // An origin may have forgotten its own.
            rendezvous().get(stream.key(), entrance::take);
        }
        resolvePeers();
    }

    void end() {
        rendezvous().withdraw(mesh);
    }

    /** The operator's peers are named by hosts, whose addresses may change. */
    private void resolvePeers() {
        List<InetSocketAddress> peers = node.config().peers();
        if (!peers.isEmpty()) {
            node.names()
                    .ask(
                            loop,
                            () -> resolved(peers),
                            endpoints ->
                                    endpoints.forEach(endpoint -> candidate(endpoint, Candidates.Source.OPERATOR)));
        }
    }

    private static List<Endpoint> resolved(List<InetSocketAddress> peers) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (InetSocketAddress peer : peers) {
            if (!peer.isUnresolved()) {
                endpoints.add(Endpoint.of(peer));
                continue;
            }
            try {
                for (InetAddress address : InetAddress.getAllByName(peer.getHostString())) {
                    endpoints.add(new Endpoint(address, peer.getPort()));
                }
            } catch (UnknownHostException e) {
                LOG.warn("peer {}: its name is not known", peer.getHostString());
            }
        }
        return endpoints;
    }

    private void candidate(Endpoint endpoint, Candidates.Source source) {
        if (candidates.add(
                endpoint, source, Optional.empty(), node.parts().nanoTime().getAsLong())) {
            heardOf.run();
        }
    }

    private Rendezvous rendezvous() {
        return node.parts().rendezvous();
    }
}
