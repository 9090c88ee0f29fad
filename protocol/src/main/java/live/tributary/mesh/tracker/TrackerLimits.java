package live.tributary.mesh.tracker;

import java.time.Duration;

/**
 * What a tracker allows.
 *
 * @param interval what clients are asked to keep between announces
 * @param peersPerSwarm the most peers remembered of one torrent
 * @param peersPerAddress the most of these from one IPv4 address or IPv6 /64
 * @param requestsPerSecond what one IPv4 address or IPv6 /64 may ask in the long run: many viewers share one, and a Stremio player asks
 *     for each torrent and source every 30 s
 * @param burst how many it may ask at once
 */
public record TrackerLimits(
        Duration interval, int peersPerSwarm, int peersPerAddress, int requestsPerSecond, int burst) {
    public static final TrackerLimits DEFAULT = new TrackerLimits(Duration.ofSeconds(120), 2000, 64, 200, 1000);

    public TrackerLimits {
        if (interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("interval: " + interval + " (expected: > 0)");
        }
        requirePositive("peers per swarm", peersPerSwarm);
        requirePositive("peers per address", peersPerAddress);
        requirePositive("requests per second", requestsPerSecond);
        requirePositive("burst", burst);
    }

    private static void requirePositive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
        }
    }

    /** After how long a peer that says nothing is forgotten: two intervals and some patience. */
    Duration peerLifetime() {
        return interval.multipliedBy(2).plusSeconds(30);
    }
}
