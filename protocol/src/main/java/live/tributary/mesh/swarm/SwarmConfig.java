package live.tributary.mesh.swarm;

import java.time.Duration;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.StreamKey;

/**
 * What a swarm core is told at its start.
 *
 * @param uploadBitsPerSecond the node's whole upload budget, as far as it is known
 * @param history how long chunks are kept and records count as live
 */
public record SwarmConfig(StreamKey stream, RelayKey self, NodeRole role, long uploadBitsPerSecond, Duration history) {
    public SwarmConfig {
        if (uploadBitsPerSecond <= 0) {
            throw new IllegalArgumentException("upload: " + uploadBitsPerSecond + " (expected: > 0)");
        }
    }
}
