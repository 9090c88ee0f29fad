package live.tributary.mesh.net;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import live.tributary.mesh.swarm.NeighbourChoice;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;

/**
 * The endpoints at which nodes of one stream may be, and when each may be dialled (again).
 *
 * <p>Strangers' words are cheap, so a dial is rationed: at most {@link #DIALS_PER_MINUTE} a minute to one node's endpoints, and
 * an address that failed waits an hour, unless the operator named it, a node was proven there lately, or the network is private.
 * Where a link stood until a moment ago the node may just restart: it is dialled twice a second for a quarter of a minute, since
 * viewers hold no more than seconds, and every two seconds for a minute.
 * Used on the stream's own thread.
 */
final class Candidates {
    static final int MAX_CANDIDATES = 512;
    static final int DIALS_PER_MINUTE = 4;
    static final Duration STRANGER_BACK_OFF = Duration.ofHours(1);

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration FIRST_BACK_OFF = Duration.ofSeconds(1);
    private static final Duration LONGEST_BACK_OFF = Duration.ofMinutes(1);
    private static final Duration BACK_OFF_OF_A_RESTART = Duration.ofSeconds(2);
    private static final Duration LONGEST_RESTART = Duration.ofMinutes(1);
    private static final Duration BACK_OFF_OF_A_QUICK_RESTART = Duration.ofMillis(500);
    private static final Duration QUICK_RESTART = Duration.ofSeconds(15);
    private static final Duration PROVEN_LATELY = Duration.ofMinutes(10);
    private static final int MAX_DOUBLINGS = 6;

    /** Where an endpoint comes from, the most trusted first. */
    enum Source {
        /** {@code --peer}. */
        OPERATOR,
        /** The origin's signed head. */
        HEAD,
        RENDEZVOUS,
        /** A node's descriptor. */
        GOSSIP
    }

    private static final class Candidate {
        private final Endpoint endpoint;
        private Source source;
        private Optional<RelayKey> key = Optional.empty();
        private int failures;
        private long notBefore;
        private Optional<Long> provenAt = Optional.empty();
        private Optional<Long> linkedUntil = Optional.empty();
        private long rtt = NeighbourChoice.UNKNOWN;
        private boolean self;
        private boolean dialling;

        Candidate(Endpoint endpoint, Source source, long now) {
            this.endpoint = endpoint;
            this.source = source;
            this.notBefore = now;
        }
    }

    private final AddressPolicy policy;
    private final Random random;
    private final Map<Endpoint, Candidate> candidates = new LinkedHashMap<>();
    private final Map<RelayKey, ArrayDeque<Long>> dials = new HashMap<>();

    Candidates(AddressPolicy policy, Random random) {
        this.policy = policy;
        this.random = random;
    }

    /** Takes an endpoint in; false where the policy forbids to dial it, or there are too many. */
    boolean add(Endpoint endpoint, Source source, Optional<RelayKey> key, long now) {
        if (source != Source.OPERATOR && !policy.mayDial(endpoint)) {
            return false;
        }
        Candidate candidate = candidates.get(endpoint);
        if (candidate == null) {
            if (candidates.size() >= MAX_CANDIDATES && !makeRoom(now)) {
                return false;
            }
            candidate = new Candidate(endpoint, source, now);
            candidates.put(endpoint, candidate);
        }
        if (source.compareTo(candidate.source) < 0) {
            candidate.source = source;
            candidate.notBefore = Math.min(candidate.notBefore, now + LONGEST_BACK_OFF.toNanos());
        }
        if (candidate.key.isEmpty()) {
            candidate.key = key;
        }
        return true;
    }

    /** The one that failed most often makes room, a stranger before one where a node was lately; the operator's never does. */
    private boolean makeRoom(long now) {
        return candidates.values().stream()
                .filter(candidate -> candidate.source != Source.OPERATOR && !candidate.dialling && !candidate.self)
                .max(Comparator.comparing((Candidate candidate) -> !isFamiliar(candidate, now))
                        .thenComparingInt(candidate -> candidate.failures))
                .map(candidate -> candidates.remove(candidate.endpoint))
                .isPresent();
    }

    /**
     * The endpoints that may be dialled now: the operator's first, then the origin's, then near ones and a few of any; each counts
     * as dialled from now on.
     *
     * @param isKnown nodes that need no dial: linked already, or banned
     * @param neighbourhoods those of the links that stand, of which no second one is taken from strangers
     */
    List<Endpoint> take(int max, Predicate<RelayKey> isKnown, Set<Object> neighbourhoods, long now) {
        List<Candidate> due = new ArrayList<>();
        for (Candidate candidate : candidates.values()) {
            if (!candidate.self
                    && !candidate.dialling
                    && candidate.notBefore - now <= 0
                    && candidate.key.filter(isKnown).isEmpty()) {
                due.add(candidate);
            }
        }
        due = NeighbourChoice.inOrder(due, candidate -> candidate.rtt, random);
        due.sort(Comparator.comparing(candidate -> Math.min(candidate.source.ordinal(), Source.RENDEZVOUS.ordinal())));
        Set<Object> taken = new HashSet<>(neighbourhoods);
        List<Endpoint> chosen = new ArrayList<>();
        for (Candidate candidate : due) {
            boolean operators = candidate.source == Source.OPERATOR;
            if ((chosen.size() >= max && !operators)
                    || !(operators || policy.allowsPrivate() || taken.add(neighbourhood(candidate)))
                    || !(isFamiliar(candidate, now)
                            || candidate.key.map(key -> mayDial(key, now)).orElse(true))) {
                continue;
            }
            candidate.dialling = true;
            chosen.add(candidate.endpoint);
        }
        return chosen;
    }

    /** The nearest that was reached before and may be dialled now; it counts as dialled, if {@code isNearEnough}. */
    Optional<Endpoint> takeNearest(
            Predicate<RelayKey> isKnown, Set<Object> neighbourhoods, LongPredicate isNearEnough, long now) {
        Optional<Candidate> nearest = candidates.values().stream()
                .filter(candidate -> !candidate.self
                        && !candidate.dialling
                        && candidate.rtt != NeighbourChoice.UNKNOWN
                        && candidate.notBefore - now <= 0
                        && candidate.key.filter(isKnown).isEmpty()
                        && (policy.allowsPrivate() || !neighbourhoods.contains(neighbourhood(candidate))))
                .min(Comparator.comparingLong(candidate -> candidate.rtt))
                .filter(candidate -> isNearEnough.test(candidate.rtt));
        nearest.ifPresent(candidate -> candidate.dialling = true); // Where it was reached it is no stranger.
        return nearest.map(candidate -> candidate.endpoint);
    }

    /** As {@link #take}, for one endpoint that a node claims. */
    boolean takeOne(Endpoint endpoint, RelayKey key, long now) {
        if (!add(endpoint, Source.GOSSIP, Optional.of(key), now)) {
            return false;
        }
        Candidate candidate = candidates.get(endpoint);
        if (candidate == null
                || candidate.self
                || candidate.dialling
                || candidate.notBefore - now > 0
                || !mayDial(key, now)) {
            return false;
        }
        candidate.dialling = true;
        return true;
    }

    private Object neighbourhood(Candidate candidate) {
        return policy.neighbourhood(candidate.endpoint.address());
    }

    private boolean mayDial(RelayKey key, long now) {
        dials.values().removeIf(times -> times.isEmpty() || now - times.getLast() > MINUTE.toNanos());
        ArrayDeque<Long> times = dials.computeIfAbsent(key, k -> new ArrayDeque<>());
        times.removeIf(at -> now - at > MINUTE.toNanos());
        if (times.size() >= DIALS_PER_MINUTE) {
            return false;
        }
        times.add(now);
        return true;
    }

    /** The node with this key proved itself at the endpoint, so far away. */
    void proven(Endpoint endpoint, RelayKey key, Duration rtt, long now) {
        Candidate candidate = candidates.get(endpoint);
        if (candidate != null) {
            candidate.key = Optional.of(key);
            candidate.provenAt = Optional.of(now);
            candidate.rtt = rtt.toNanos();
            candidate.failures = 0;
            candidate.notBefore = now;
        }
    }

    /** The dial is over: what it opened has closed, or never came to be. */
    void ended(Endpoint endpoint, boolean failed, long now) {
        Candidate candidate = candidates.get(endpoint);
        if (candidate == null) {
            return;
        }
        candidate.dialling = false;
        candidate.failures = failed ? candidate.failures + 1 : 0;
        if (!failed) {
            candidate.linkedUntil = Optional.of(now);
        }
        candidate.notBefore = now + backOff(candidate, now).toNanos();
    }

    /** The round trip to it, nanoseconds; {@link NeighbourChoice#UNKNOWN} until it was reached. */
    long rtt(Endpoint endpoint) {
        Candidate candidate = candidates.get(endpoint);
        return candidate == null ? NeighbourChoice.UNKNOWN : candidate.rtt;
    }

    /** Whether the operator named it, so that it is never given up for another. */
    boolean isOperators(Endpoint endpoint) {
        Candidate candidate = candidates.get(endpoint);
        return candidate != null && candidate.source == Source.OPERATOR;
    }

    /** How often in a row dials to it failed. */
    int failures(Endpoint endpoint) {
        Candidate candidate = candidates.get(endpoint);
        return candidate == null ? 0 : candidate.failures;
    }

    /** Whether its address is no stranger's word: the operator's, or one at which a node proved itself or was linked lately. */
    private static boolean isFamiliar(Candidate candidate, long now) {
        return candidate.source == Source.OPERATOR
                || isWithin(PROVEN_LATELY, candidate.provenAt, now)
                || isWithin(PROVEN_LATELY, candidate.linkedUntil, now);
    }

    private static boolean isWithin(Duration time, Optional<Long> since, long now) {
        return since.filter(at -> now - at < time.toNanos()).isPresent();
    }

    private Duration backOff(Candidate candidate, long now) {
        if (candidate.failures > 0 && !policy.allowsPrivate() && !isFamiliar(candidate, now)) {
            return STRANGER_BACK_OFF;
        }
        Duration longest = LONGEST_BACK_OFF;
        if (candidate.failures > 0 && isWithin(QUICK_RESTART, candidate.linkedUntil, now)) {
            longest = BACK_OFF_OF_A_QUICK_RESTART;
        } else if (isWithin(LONGEST_RESTART, candidate.linkedUntil, now)) {
            longest = BACK_OFF_OF_A_RESTART;
        }
        long doubled = FIRST_BACK_OFF.toMillis() << Math.min(candidate.failures, MAX_DOUBLINGS);
        long millis = Math.min(longest.toMillis(), doubled);
        return Duration.ofMillis(
                millis / 2 + random.nextLong(millis / 2 + 1)); // Jitter, so that a mesh does not dial in step.
    }

    /** This node itself answers there. */
    void isSelf(Endpoint endpoint) {
        Candidate candidate = candidates.get(endpoint);
        if (candidate != null) {
            candidate.self = true;
        }
    }
}
