package live.tributary.mesh.net;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import live.tributary.protocol.stream.RelayKey;

/**
 * When each neighbour is told this node's list of relays: all of them in rounds, a minute apart or sooner where there is news, and
 * nobody twice within two seconds, since he would not listen.
 */
final class TellingTimes {
    static final Duration EVERY = Duration.ofSeconds(60);
    /** What changed is told no more often than this. */
    static final Duration ON_CHANGE = Duration.ofSeconds(2);

    private final Map<RelayKey, Long> told = new HashMap<>();
    /** Who has not been told in this round: he was told a moment before it. */
    private final Set<RelayKey> owed = new HashSet<>();

    private long roundAt;
    private long dueAt;

    TellingTimes(long now) {
        this.dueAt = now;
        this.roundAt = now - ON_CHANGE.toNanos();
    }

    /** There is news for all. */
    void soon(long now) {
        long earliest = Math.max(now, roundAt + ON_CHANGE.toNanos());
        dueAt = dueAt - earliest > 0 ? earliest : dueAt;
    }

    /** Those of the neighbours that are to be told now, and count as told. */
    List<RelayKey> take(Collection<RelayKey> neighbours, long now) {
        if (now - dueAt >= 0) {
            roundAt = now;
            dueAt = now + EVERY.toNanos();
            owed.clear();
            owed.addAll(neighbours);
        }
        List<RelayKey> ready = new ArrayList<>();
        for (RelayKey neighbour : neighbours) {
            if (owed.contains(neighbour) && listens(neighbour, now)) {
                ready.add(neighbour);
            }
        }
        ready.forEach(neighbour -> told(neighbour, now));
        return ready;
    }

    private boolean listens(RelayKey neighbour, long now) {
        Long before = told.get(neighbour);
        return before == null || now - before >= ON_CHANGE.toNanos();
    }

    /** A neighbour is told, whether or not it was its time. */
    void told(RelayKey neighbour, long now) {
        told.put(neighbour, now);
        owed.remove(neighbour);
    }

    void forget(RelayKey neighbour) {
        told.remove(neighbour);
        owed.remove(neighbour);
    }
}
