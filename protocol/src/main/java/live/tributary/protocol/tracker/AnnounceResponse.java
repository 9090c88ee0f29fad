package live.tributary.protocol.tracker;

import java.time.Duration;
import java.util.List;
import live.tributary.protocol.stream.Endpoint;

/**
 * A tracker's answer to an announce.
 *
 * @param interval until the client should announce again
 * @param seeders peers with the whole torrent
 * @param leechers the others
 * @param peers some of them, in the order in which they are best tried
 */
public record AnnounceResponse(Duration interval, int seeders, int leechers, List<Endpoint> peers) {
    public AnnounceResponse {
        peers = CompactPeers.of(peers);
        if (interval.isNegative() || interval.toSeconds() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("interval: " + interval + " (expected: 0..2^31 s)");
        }
        if (seeders < 0 || leechers < 0) {
            throw new IllegalArgumentException("peers: " + seeders + ", " + leechers + " (expected: >= 0)");
        }
    }

    /** The peers as they leave. */
    CompactPeers compactPeers() {
        return CompactPeers.of(peers);
    }
}
