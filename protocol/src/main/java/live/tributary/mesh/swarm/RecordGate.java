package live.tributary.mesh.swarm;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkRecord;

/** The cheap checks that a record passes before its signature is looked at, so that a flood of bad ones costs little. */
final class RecordGate {
    /** Unseen records that one link may send in a second, and at once after a pause. */
    static final int RECORDS_PER_SECOND = 20;
    /** So many records beyond the rate in one go are a flood. */
    static final int FLOOD = 200;
    /** How far ahead of the newest record one may be. */
    static final int MAX_AHEAD = 64;

    static final Duration MAX_FUTURE = Duration.ofSeconds(30);

    private static final double NANOS = 1e9;

    private final SwarmConfig config;
    private final InstantSource wallClock;

    RecordGate(SwarmConfig config, InstantSource wallClock) {
        this.config = config;
        this.wallClock = wallClock;
    }

    /**
     * Why a record that is not known yet is refused; empty where its signature is worth checking.
     *
     * @param chain what is known of its rendition
     * @param highestTerm the highest term of any head or record
     * @param live whether there is an unexpired head
     * @param asked whether this node asked for it
     */
    Optional<RecordResult> refusal(
            ChunkRecord record,
            Neighbour from,
            RecordChain chain,
            long highestTerm,
            boolean live,
            boolean asked,
            long now) {
        if (!record.body().stream().equals(config.stream())) {
            return Optional.of(RecordResult.WRONG_STREAM);
        }
        Optional<ChunkRecord> newest = chain.newest();
        if (!asked
                && record.term() < highestTerm
                && newest.map(n -> record.seq() > n.seq()).orElse(true)) {
            return Optional.of(RecordResult.STALE_TERM);
        }
        if (newest.isPresent() && !inRange(record, newest.get())) {
            return Optional.of(RecordResult.OUT_OF_RANGE);
        }
        if (record.encodedLength() > ChunkRecord.MAX_ENCODED) {
            return Optional.of(RecordResult.OVERSIZED);
        }
        if (!live || !publishedInTime(record)) {
            return Optional.of(RecordResult.NOT_LIVE);
        }
        if (!asked && !withinRate(from, now)) {
            return Optional.of(RecordResult.RATE_LIMITED);
        }
        return Optional.empty();
    }

    boolean publishedInTime(ChunkRecord record) {
        Instant now = wallClock.instant();
        Instant published = record.body().published();
        return !published.isBefore(now.minus(config.history())) && !published.isAfter(now.plus(MAX_FUTURE));
    }

    private boolean inRange(ChunkRecord record, ChunkRecord newest) {
        if (record.term() > newest.term()) {
            return true; // An origin that remembers nothing starts at unix seconds.
        }
        long history =
                Math.max(MAX_AHEAD, config.history().toSeconds()); // No feed's segments are shorter than a second.
        return record.seq() <= newest.seq() + MAX_AHEAD && record.seq() >= newest.seq() - history;
    }

    private boolean withinRate(Neighbour from, long now) {
        from.recordTokens += (now - from.recordTokensAt) / NANOS * RECORDS_PER_SECOND;
        from.recordTokensAt = now;
        if (from.recordTokens >= RECORDS_PER_SECOND) {
            from.recordTokens = RECORDS_PER_SECOND;
            from.recordsOverLimit = 0;
        }
        if (from.recordTokens < 1) {
            from.recordsOverLimit++;
            return false;
        }
        from.recordTokens--;
        return true;
    }
}
