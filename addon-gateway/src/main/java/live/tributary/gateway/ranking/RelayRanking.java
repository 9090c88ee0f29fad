package live.tributary.gateway.ranking;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Network;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Digests;
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
    private static final double NEAR_FACTOR = 1.5;
    /** Within this, distance says nothing: databases err by more. */
    private static final double FLOOR_KM = 100;
    /** What stands for a distance where the viewer's place is known and the relay's is not. */
    private static final double UNKNOWN_KM = 5_000;

    private static final Duration SLOT = Duration.ofMinutes(10);
    private static final double SAME_AS_FACTOR = 0.5;
    private static final double MIN_WEIGHT = 0.05;
    private static final double USUAL_UPLOAD = 10e6;
    private static final double MAX_UPLOAD_WEIGHT = 4;
    private static final double PER_MILLE = 1000;
    private static final int FULL_PER_MILLE = 950;

    /** A verdict of health that is forgotten shows that much later. */
    private static final Duration OUTLOOK_KEPT = Duration.ofSeconds(5);

    /** Relays in all outlooks together, each some 200 bytes. */
    private static final long MAX_OUTLOOK_RELAYS = 400_000;

    private final Cache<Seen, Outlook> outlooks = Caffeine.newBuilder()
            .maximumWeight(MAX_OUTLOOK_RELAYS)
            .weigher((Seen seen, Outlook outlook) -> 1 + seen.relays.size())
            .expireAfterWrite(OUTLOOK_KEPT)
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
        Seen seen = new Seen(
                viewer.network(),
                viewer.location(),
                viewer.isIpv4(),
                viewer.tlsOnly(),
                health.verdicts(),
                List.copyOf(relays));
        Outlook outlook = outlooks.get(seen, missing -> outlook(viewer, missing.relays));
        return outlook.ranking(choice(stream, viewer, now), privateMode);
    }

    /** What an outlook depends on. Relays are compared one by one, and hashed by the keys of a few. */
    private record Seen(
            Network network, Location location, boolean ipv4, boolean tlsOnly, long verdicts, List<RelayView> relays) {
        private static final int HASHED_RELAYS = 16;

        @Override
        public int hashCode() {
            int hash = Objects.hash(network, location, ipv4, tlsOnly, verdicts);
            int step = 1 + relays.size() / HASHED_RELAYS;
            for (int i = 0; i < relays.size(); i += step) {
                hash = 31 * hash + relays.get(i).key().hashCode();
            }
            return 31 * hash + relays.size();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Seen seen
                    && verdicts == seen.verdicts
                    && ipv4 == seen.ipv4
                    && tlsOnly == seen.tlsOnly
                    && network.equals(seen.network)
                    && location.equals(seen.location)
                    && same(relays, seen.relays);
        }

        private static boolean same(List<RelayView> some, List<RelayView> others) {
            if (some.size() != others.size()) {
                return false;
            }
            for (int i = 0; i < some.size(); i++) {
                if (some.get(i) != others.get(i) && !some.get(i).equals(others.get(i))) {
                    return false;
                }
            }
            return true;
        }
    }

    private Outlook outlook(Viewer viewer, List<RelayView> relays) {
        List<LeftOut> leftOut = new ArrayList<>();
        List<Candidate> candidates = new ArrayList<>();
        for (RelayView relay : relays) {
            Optional<Endpoint> endpoint = endpoint(relay, viewer);
            Optional<LeftOut.Reason> against = against(relay, viewer, endpoint);
            if (against.isPresent()) {
                leftOut.add(new LeftOut(relay, against.get()));
            } else {
                candidates.add(candidate(relay, endpoint.orElseThrow(), viewer));
            }
        }
        double nearest =
                candidates.stream().mapToDouble(Candidate::kilometres).min().orElse(0);
        return new Outlook(
                candidates.stream()
                        .map(candidate -> candidate.ranked(viewer, nearest))
                        .toList(),
                candidates.stream()
                        .mapToDouble(candidate -> weight(candidate.relay))
                        .toArray(),
                leftOut);
    }

    private record Candidate(RelayView relay, Endpoint endpoint, OptionalLong as, double kilometres) {
        RankedRelay ranked(Viewer viewer, double nearest) {
            return new RankedRelay(
                    relay,
                    endpoint,
                    viewer.tlsOnly() ? tlsName(relay) : Optional.empty(),
                    as,
                    kilometres,
                    nearness(viewer, nearest),
                    0);
        }

        private RankedRelay.Nearness nearness(Viewer viewer, double nearest) {
            if (Math.max(kilometres, FLOOR_KM) > NEAR_FACTOR * Math.max(nearest, FLOOR_KM)) {
                return RankedRelay.Nearness.FAR;
            }
            if (load(relay) >= FULL_PER_MILLE) {
                return RankedRelay.Nearness.NEAR;
            }
            if (Network.of(endpoint.address()).equals(viewer.network())) {
                return RankedRelay.Nearness.SAME_NETWORK;
            }
            return as.isPresent() && as.equals(viewer.location().autonomousSystem())
                    ? RankedRelay.Nearness.SAME_AS
                    : RankedRelay.Nearness.NEAR;
        }
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

    private Candidate candidate(RelayView relay, Endpoint endpoint, Viewer viewer) {
        Location location = locator.locate(endpoint.address());
        return new Candidate(
                relay, endpoint, location.autonomousSystem(), kilometres(location, endpoint.address(), viewer));
    }

    private static double kilometres(Location relay, InetAddress address, Viewer viewer) {
        if (Network.of(address).equals(viewer.network())) {
            return 0;
        }
        if (viewer.location().place().isEmpty()) {
            return 0;
        }
        double kilometres = relay.place()
                .map(place -> place.kilometresTo(viewer.location().place().orElseThrow()))
                .orElse(UNKNOWN_KM);
        boolean sameAs = relay.autonomousSystem().isPresent()
                && relay.autonomousSystem().equals(viewer.location().autonomousSystem());
        return sameAs ? kilometres * SAME_AS_FACTOR : kilometres;
    }

    private static long choice(StreamKey stream, Viewer viewer, Instant now) {
        byte[] network = viewer.network().bytes();
        // Each network's slots begin at a time of their own, or all viewers would move at once.
        long shift = Math.floorMod(viewer.network().hashCode(), SLOT.toMillis());
        long slot = Math.floorDiv(now.toEpochMilli() + shift, SLOT.toMillis());
        ByteBuffer choice = ByteBuffer.allocate(StreamKey.LENGTH + network.length + Long.BYTES)
                .put(stream.bytes())
                .put(network)
                .putLong(slot);
        return ByteBuffer.wrap(Digests.sha256().digest(choice.array())).getLong();
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
