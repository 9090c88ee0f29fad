package live.tributary.gateway.ranking;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Network;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.StreamKey;

/**
 * Orders the relays of a stream for one viewer: distance is the prior, health decides, and a hash spreads viewers.
 *
 * <p>Relays within 1.5 × the nearest's distance are near; first those of the viewer's own network, then those of his AS, unless they
 * say that they are full. Among these the order is that of a weighted rendezvous hash of
 * (stream, the viewer's network, ten-minute slot, relay key): spread over viewers, the same for one viewer as long as the slot
 * lasts, and the same in two gateways that know the same. A relay that goes away moves only its own viewers. Farther ones follow by
 * distance.
 *
 * <p>A relay's place is that of the address at which it answered this gateway's challenge, never the one that it tells.
 */
public final class RelayRanking {
    private static final Duration SLOT = Duration.ofMinutes(10);
    private static final double MIN_WEIGHT = 0.05;
    private static final double USUAL_UPLOAD = 10e6;
    private static final double MAX_UPLOAD_WEIGHT = 4;
    private static final double PER_MILLE = 1000;
    private static final int FULL_PER_MILLE = 950;

    /** A verdict of health that is forgotten shows that much later, and a relay's place that is looked up anew. */
    private static final Duration TABLE_KEPT = Duration.ofSeconds(5);

    private static final long MAX_SETS = 4_000;
    private static final Duration SET_KEPT = Duration.ofSeconds(30);

    private final Cache<Relays, RelaySet> sets = Caffeine.newBuilder()
            .maximumSize(MAX_SETS)
            .expireAfterAccess(SET_KEPT)
            .build();
    private final Locator locator;
    private final RelayHealth health;
    private final boolean privateMode;
    private final boolean fallbackOnly;

    /**
     * @param privateMode whether private and loopback addresses are real ones: then all may be in one network
     * @param fallbackOnly whether no viewer is sent to any relay
     */
    public RelayRanking(Locator locator, RelayHealth health, boolean privateMode, boolean fallbackOnly) {
        this.locator = locator;
        this.health = health;
        this.privateMode = privateMode;
        this.fallbackOnly = fallbackOnly;
    }

    public RelayRanking(Locator locator, RelayHealth health, boolean privateMode) {
        this(locator, health, privateMode, false);
    }

    public Ranking rank(StreamKey stream, Viewer viewer, Collection<RelayView> relays, Instant now) {
        return rank(stream, viewer, set(relays), now);
    }

    public Ranking rank(StreamKey stream, Viewer viewer, RelaySet relays, Instant now) {
        return new Ranking(table(relays, viewer), viewer, choice(stream, viewer, now), privateMode);
    }

    /** These relays as one thing that can be kept and ranked again and again; equal ones are the same. */
    public RelaySet set(Collection<RelayView> relays) {
        return sets.get(new Relays(List.copyOf(relays)), missing -> new RelaySet(missing.relays));
    }

    /** Compared one by one, and hashed by the keys of a few. */
    private record Relays(List<RelayView> relays) {
        private static final int HASHED = 4;

        @Override
        public int hashCode() {
            int hash = relays.size();
            int step = 1 + relays.size() / HASHED;
            for (int i = 0; i < relays.size(); i += step) {
                hash = 31 * hash + relays.get(i).key().hashCode();
            }
            return hash;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Relays others && relays.equals(others.relays);
        }
    }

    private RelayTable table(RelaySet relays, Viewer viewer) {
        long now = System.nanoTime();
        long verdicts = health.verdicts();
        int kind = RelaySet.kind(viewer);
        RelayTable known = relays.table(kind);
        if (known != null && known.verdicts == verdicts && now - known.madeAt < TABLE_KEPT.toNanos()) {
            return known;
        }
        List<LeftOut> leftOut = new ArrayList<>();
        List<RelayTable.Row> rows = new ArrayList<>();
        for (RelayView relay : relays.relays()) {
            Optional<Endpoint> endpoint = endpoint(relay, viewer);
            Optional<LeftOut.Reason> against = against(relay, viewer, endpoint);
            if (against.isPresent()) {
                leftOut.add(new LeftOut(relay, against.get()));
            } else {
                rows.add(row(relay, endpoint.orElseThrow(), viewer));
            }
        }
        RelayTable table = new RelayTable(kind, rows, leftOut, verdicts, now);
        relays.keep(table);
        return table;
    }

    private RelayTable.Row row(RelayView relay, Endpoint endpoint, Viewer viewer) {
        Optional<String> tlsName = viewer.tlsOnly() ? tlsName(relay) : Optional.empty();
        return new RelayTable.Row(
                relay,
                endpoint,
                tlsName,
                new RelayUrls(endpoint, tlsName),
                locator.locate(endpoint.address()),
                Network.of(endpoint.address()),
                weight(relay),
                load(relay) >= FULL_PER_MILLE);
    }

    private Optional<LeftOut.Reason> against(RelayView relay, Viewer viewer, Optional<Endpoint> endpoint) {
        if (relay.role() != NodeRole.RELAY) {
            return Optional.of(LeftOut.Reason.NOT_A_RELAY);
        }
        if (fallbackOnly) {
            return Optional.of(LeftOut.Reason.FALLBACK_ONLY);
        }
        if (!relay.linked()) {
            return Optional.of(LeftOut.Reason.NOT_LINKED);
        }
        if (relay.endpoints().isEmpty()) {
            return Optional.of(LeftOut.Reason.NOT_REACHABLE);
        }
        if (endpoint.isEmpty()) {
            return Optional.of(LeftOut.Reason.OTHER_ADDRESS_FAMILY);
        }
        if (viewer.tlsOnly() && tlsName(relay).isEmpty()) {
            return Optional.of(LeftOut.Reason.NO_TLS);
        }
        return health.failing(relay.key(), endpoint.get()) ? Optional.of(LeftOut.Reason.FAILING) : Optional.empty();
    }

    /** Who comes by IPv6 has IPv4 too, as a rule; the reverse does not hold. */
    private static Optional<Endpoint> endpoint(RelayView relay, Viewer viewer) {
        return relay.endpoints().stream()
                .filter(endpoint -> endpoint.isIpv4() || !viewer.isIpv4())
                .min(Comparator.comparing(endpoint -> endpoint.isIpv4() != viewer.isIpv4()));
    }

    private static long choice(StreamKey stream, Viewer viewer, Instant now) {
        Network of = viewer.network();
        byte[] network = of.bytes();
        // Each network's slots begin at a time of their own, or all viewers would move at once.
        long shift = Math.floorMod(of.hashCode(), SLOT.toMillis());
        long slot = Math.floorDiv(now.toEpochMilli() + shift, SLOT.toMillis());
        long hash = Ranking.mixed(slot);
        for (ByteBuffer key = ByteBuffer.wrap(stream.bytes()); key.hasRemaining(); ) {
            hash = Ranking.mixed(hash ^ key.getLong());
        }
        long prefix = network.length;
        for (byte part : network) {
            prefix = prefix << Byte.SIZE | part & 0xff;
        }
        return Ranking.mixed(hash ^ prefix);
    }

    /** What a relay says of its load only ever makes it less wanted or at most four times the usual one's worth. */
    private static double weight(RelayView relay) {
        return relay.descriptor()
                .map(RelayDescriptor::body)
                .map(body -> {
                    double free = 1 - body.loadPerMille() / PER_MILLE;
                    double upload = Math.min(MAX_UPLOAD_WEIGHT, body.uploadBitsPerSecond() / USUAL_UPLOAD);
                    return Math.max(MIN_WEIGHT, free * upload);
                })
                .orElse(1.0);
    }

    private static int load(RelayView relay) {
        return relay.descriptor()
                .map(descriptor -> descriptor.body().loadPerMille())
                .orElse(0);
    }

    private static Optional<String> tlsName(RelayView relay) {
        return relay.descriptor().flatMap(descriptor -> descriptor.body().tlsName());
    }
}
