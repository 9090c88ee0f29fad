package live.tributary.gateway.ranking;

import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import live.tributary.gateway.ranking.RelayHealth.Via;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;

/**
 * Which relay is next asked for a whole chunk by a BitTorrent client, now and then: who answers HTTP well may still serve no peer.
 *
 * <p>One at a time, those in doubt first, then who has not been asked for the longest; a chunk's bytes are paid for by waiting. Not
 * thread-safe: one thread drives it.
 */
public final class WireProbes {
    private static final Duration LEAST_WAIT = Duration.ofSeconds(15);
    /** A quarter of a Mbit/s. */
    private static final int BYTES_A_SECOND = 250_000 / 8;

    private static final double NANOS_PER_SECOND = 1e9;

    private final RelayHealth health;
    private final Predicate<ChunkRecord> eligible;
    private final Map<Target, Long> askedAt = new HashMap<>();
    private boolean asking;
    private long notBefore;
    private boolean begun;

    private record Target(RelayKey relay, Endpoint endpoint) {}

    private record Candidate(Target target, StreamView stream) {}

    /** A chunk to be fetched from one endpoint of a relay over the peer wire. */
    public record Probe(RelayKey relay, Endpoint endpoint, ChunkRecord record) {}

    /** @param eligible whether a chunk can be fetched */
    public WireProbes(RelayHealth health, Predicate<ChunkRecord> eligible) {
        this.health = health;
        this.eligible = eligible;
    }

    /**
     * What is to be fetched now, if anything; {@link #done} is to follow.
     *
     * @param now monotonic, nanoseconds
     */
    public Optional<Probe> due(Collection<StreamView> streams, long now) {
        if (!begun) {
            begun = true;
            notBefore = now + LEAST_WAIT.toNanos();
        }
        if (asking || now - notBefore < 0) {
            return Optional.empty();
        }
        Map<Target, Candidate> candidates = candidates(streams);
        askedAt.keySet().retainAll(candidates.keySet());
        Comparator<Candidate> order = Comparator.<Candidate, Boolean>comparing(
                        each -> !health.inDoubt(each.target.relay, each.target.endpoint, Via.WIRE))
                .thenComparing(each -> askedAt.containsKey(each.target))
                .thenComparingLong(each -> askedAt.getOrDefault(each.target, now) - now);
        Set<Candidate> without = new HashSet<>();
        while (without.size() < candidates.size()) {
            Candidate next = candidates.values().stream()
                    .filter(each -> !without.contains(each))
                    .min(order)
                    .orElseThrow();
            Optional<ChunkRecord> chunk = Probes.newestHeld(next.stream, next.target.relay, eligible);
            if (chunk.isPresent()) {
                asking = true;
                askedAt.put(next.target, now);
                long paid = (long) (chunk.get().length() * NANOS_PER_SECOND / BYTES_A_SECOND);
                notBefore = now + Math.max(LEAST_WAIT.toNanos(), paid);
                return Optional.of(new Probe(next.target.relay, next.target.endpoint, chunk.get()));
            }
            without.add(next);
        }
        return Optional.empty();
    }

    /** The last one has come to its end. */
    public void done() {
        asking = false;
    }

    private static Map<Target, Candidate> candidates(Collection<StreamView> streams) {
        Map<Target, Candidate> candidates = new HashMap<>();
        for (StreamView stream : streams) {
            for (RelayView relay : stream.relays()) {
                if (relay.role() == NodeRole.RELAY && relay.linked()) {
                    for (Endpoint endpoint : relay.endpoints()) {
                        Target target = new Target(relay.key(), endpoint);
                        candidates.putIfAbsent(target, new Candidate(target, stream));
                    }
                }
            }
        }
        return candidates;
    }
}
