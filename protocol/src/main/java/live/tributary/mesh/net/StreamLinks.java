package live.tributary.mesh.net;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import live.tributary.mesh.relays.RelayDirectory;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.mesh.swarm.NeighbourChoice;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.wire.LiveMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The links of one stream, and the dialling that keeps their number up.
 *
 * <p>One link a node: a second one to the same key replaces the first or is refused, by a rule that both ends follow alike.
 */
final class StreamLinks {
    /** A node that has fewer links dials for more. */
    static final int ENOUGH_LINKS = 8;

    private static final Logger LOG = LoggerFactory.getLogger(StreamLinks.class);
    private static final int DIALS_AT_ONCE = 8;
    private static final int CHALLENGES_AT_ONCE = 4;
    /** A proven endpoint is kept until this many dials in a row failed. */
    private static final int FAILURES_TO_FORGET = 2;
    /** A link that lasted less was no success. */
    private static final Duration SHORT_LINK = Duration.ofSeconds(10);
    /** How often a neighbour may be given up for a nearer one. */
    private static final Duration CHANGE_EVERY = Duration.ofSeconds(60);

    private final NodeContext node;
    private final EventLoop loop;
    private final Dialler dialler;
    private final Candidates candidates;
    private final RelayDirectory directory;
    private final LinkMaker maker;

    private final Map<LinkId, Link> links = new HashMap<>();
    private final Map<RelayKey, Link> byKey = new HashMap<>();
    private final Map<LinkId, Long> upSince = new HashMap<>();
    /** Who is given up for whom, once he is linked. */
    private final Map<Endpoint, Link> replaced = new HashMap<>();

    private long changeAt;
    private int dialling;
    private int challenging;
    private boolean linkedOnce;

    /** Makes the link of a channel. */
    @FunctionalInterface
    interface LinkMaker {
        Link make(LinkId id, Channel channel, Link.Purpose purpose, Optional<Endpoint> dialled);
    }

    /** What became of a link whose other end has proven itself. */
    enum Standing {
        /** It was a challenge: the endpoint is known to be the node's. */
        CHALLENGED,
        NEIGHBOUR,
        /** There are links enough, or a better one to this node. */
        REFUSED
    }

    StreamLinks(
            NodeContext node,
            EventLoop loop,
            InfoHash mesh,
            Candidates candidates,
            RelayDirectory directory,
            LinkMaker maker) {
        this.node = node;
        this.loop = loop;
        this.dialler = new Dialler(node, loop, mesh);
        this.candidates = candidates;
        this.directory = directory;
        this.maker = maker;
        this.changeAt = now() + CHANGE_EVERY.toNanos();
    }

    /** An inbound connection whose handshake named the stream; called on its channel's loop. */
    Link install(Channel channel, LinkId id) {
        Link link = maker.make(id, channel, Link.Purpose.LINK, Optional.empty());
        dialler.install(channel, link);
        return link;
    }

    boolean isFull() {
        return links.size() >= 2 * node.config().maxLinks();
    }

    void begin(Link link) {
        links.put(link.id(), link);
        node.own().local(link.local().getAddress());
        link.start();
    }

    private void dial(Endpoint endpoint, Link.Purpose purpose) {
        boolean challenge = purpose == Link.Purpose.CHALLENGE;
        challenging += challenge ? 1 : 0;
        dialling += challenge ? 0 : 1;
        dialler.dial(
                endpoint,
                channel -> maker.make(LinkIds.next(), channel, purpose, Optional.of(endpoint)),
                this::begin,
                () -> {
                    challenging -= challenge ? 1 : 0;
                    dialling -= challenge ? 0 : 1;
                    dialFailed(endpoint);
                });
    }

    private void dialFailed(Endpoint endpoint) {
        LOG.debug("dialled {} in vain", endpoint);
        candidates.ended(endpoint, true, now());
        replaced.remove(endpoint);
        if (candidates.failures(endpoint) >= FAILURES_TO_FORGET) {
            directory.failed(endpoint);
        }
    }

    /** The other end of a link has proven its key. */
    Standing proven(Link link) {
        LiveMessage.Hello peer = link.peer().orElseThrow();
        long now = now();
        link.dialled().ifPresent(endpoint -> {
            candidates.proven(endpoint, peer.relay(), link.rtt(), now);
            directory.proven(peer.relay(), peer.role(), endpoint);
        });
        peer.seen()
                .ifPresent(seen -> node.own()
                        .seen(seen.address(), peer.relay(), link.remote().getAddress()));
        if (link.purpose() == Link.Purpose.CHALLENGE) {
            return Standing.CHALLENGED;
        }
        Link other = byKey.get(peer.relay());
        if (other != null) {
            boolean refused = keeps(other, link, peer.relay());
            LOG.debug("two links to {}: the {} one is closed", peer.relay(), refused ? "new" : "old");
            if (refused) {
                return Standing.REFUSED;
            }
            other.close();
        }
        if (byKey.size() >= node.config().maxLinks() || peer.role() == NodeRole.RELAY && relays() >= mostRelays()) {
            LOG.debug("link to {} refused: there are enough", peer.relay());
            return Standing.REFUSED;
        }
        dialling -= link.dialled().isPresent() ? 1 : 0;
        if (!linkedOnce) {
            linkedOnce = true; // Once: strangers may come and go as they like.
            LOG.info("linked to the mesh by {} {}", peer.role(), peer.relay());
        }
        byKey.put(peer.relay(), link);
        LOG.debug("link {} stands: {} {}", byKey.size(), peer.role(), peer.relay());
        upSince.put(link.id(), now);
        directory.linked(peer.relay(), peer.role());
        link.dialled().map(replaced::remove).filter(Link::isUp).ifPresent(Link::close);
        return Standing.NEIGHBOUR;
    }

    /** Relays leave room for those who only listen, and cost more: each hears of every piece. */
    private int mostRelays() {
        return Math.max(1, node.config().maxLinks() / 2);
    }

    private long relays() {
        return byKey.values().stream()
                .filter(link -> link.peer().orElseThrow().role() == NodeRole.RELAY)
                .count();
    }

    /** Of two links to one node both ends keep the same: the one that the lower key dialled, of two such the newer. */
    private boolean keeps(Link standing, Link fresh, RelayKey peer) {
        boolean lower = node.key().relayKey().compareTo(peer) < 0;
        boolean standingIsRight = standing.dialled().isPresent() == lower;
        boolean freshIsRight = fresh.dialled().isPresent() == lower;
        return standingIsRight && !freshIsRight;
    }

    /** A link is no more; returns whether it was a neighbour's. */
    boolean closed(Link link) {
        links.remove(link.id());
        long now = now();
        boolean challenge = link.purpose() == Link.Purpose.CHALLENGE;
        Long since = upSince.remove(link.id());
        link.dialled().ifPresent(endpoint -> {
            challenging -= challenge ? 1 : 0;
            dialling -= challenge || since != null ? 0 : 1;
            boolean failed = challenge
                    ? !link.isVerified()
                    : since == null ? !link.isVerified() : now - since < SHORT_LINK.toNanos();
            if (link.peer()
                    .filter(peer -> peer.relay().equals(node.key().relayKey()))
                    .isPresent()) {
                candidates.isSelf(endpoint);
            }
            replaced.remove(endpoint);
            if (failed && since == null) {
                dialFailed(endpoint);
            } else {
                boolean turnedAway = !challenge && since == null; // It is full, and is not asked again soon.
                candidates.ended(endpoint, failed || turnedAway, now);
            }
        });
        if (since == null) {
            return false;
        }
        RelayKey peer = link.peerKey();
        byKey.remove(peer, link);
        if (!byKey.containsKey(peer)) {
            directory.unlinked(peer);
            LOG.debug("link to {} is down: {} are left", peer, byKey.size());
        }
        return true;
    }

    void ban(Link link) {
        if (link.isVerified()) {
            node.bans().add(link.peerKey());
        } else if (!node.config().privateAddresses() && link.dialled().isEmpty()) {
            node.bans().add(link.remote().getAddress()); // On a private network many nodes share one.
        }
    }

    /** Asks who is at an endpoint that a node claims. */
    void challenge(RelayKey relay, Endpoint endpoint) {
        if (challenging < CHALLENGES_AT_ONCE && candidates.takeOne(endpoint, relay, now())) {
            dial(endpoint, Link.Purpose.CHALLENGE);
        }
    }

    /** Dials for more links where there are too few. */
    void dialMore(long now) {
        int wanted = Math.min(ENOUGH_LINKS, node.config().maxLinks()) - byKey.size() - dialling;
        int most = Math.min(DIALS_AT_ONCE - dialling, Math.max(0, wanted));
        if (dialling >= DIALS_AT_ONCE) {
            return;
        }
        Set<Object> neighbourhoods = new HashSet<>();
        byKey.values()
                .forEach(link -> neighbourhoods.add(
                        node.policy().neighbourhood(link.remote().getAddress())));
        candidates
                .take(most, this::needsNoDial, neighbourhoods, now)
                .forEach(endpoint -> dial(endpoint, Link.Purpose.LINK));
        if (wanted <= 0 && dialling == 0 && now - changeAt >= 0) {
            changeAt = now + CHANGE_EVERY.toNanos();
            dialNearer(neighbourhoods, now);
        }
    }

    private boolean needsNoDial(RelayKey relay) {
        return byKey.containsKey(relay) || node.bans().has(relay);
    }

    /** A far neighbour is given up for a near one, once that is linked. */
    private void dialNearer(Set<Object> neighbourhoods, long now) {
        List<Link> own = byKey.values().stream()
                .filter(link -> link.dialled()
                        .filter(endpoint -> !candidates.isOperators(endpoint))
                        .isPresent())
                .filter(link -> link.peer().orElseThrow().role() == NodeRole.RELAY)
                .toList();
        candidates
                .takeNearest(
                        this::needsNoDial,
                        neighbourhoods,
                        rtt -> givenUpFor(rtt, own).isPresent(),
                        now)
                .ifPresent(endpoint -> {
                    givenUpFor(candidates.rtt(endpoint), own).ifPresent(link -> replaced.put(endpoint, link));
                    dial(endpoint, Link.Purpose.LINK);
                });
    }

    private static Optional<Link> givenUpFor(long rtt, List<Link> own) {
        return NeighbourChoice.givenUpFor(rtt, own, link -> link.rtt().toNanos());
    }

    void closeStalled(long now) {
        for (Link link : neighbours()) {
            if (link.isStalled(now)) {
                LOG.debug("link closed: it took nothing for {}", LinkOutput.STALLED);
                link.close();
            }
        }
    }

    /** The links that carry something. */
    List<Link> neighbours() {
        return List.copyOf(byKey.values());
    }

    int size() {
        return byKey.size();
    }

    Optional<Link> neighbour(RelayKey relay) {
        return Optional.ofNullable(byKey.get(relay));
    }

    Optional<Link> up(LinkId id) {
        return Optional.ofNullable(links.get(id)).filter(Link::isUp);
    }

    void closeAll() {
        List.copyOf(links.values()).forEach(Link::close);
    }

    private long now() {
        return node.parts().nanoTime().getAsLong();
    }
}
