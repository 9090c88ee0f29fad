package live.tributary.mesh.swarm;

import java.time.Duration;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;

/**
 * Who is at the other end of a link, proven by its hello.
 *
 * @param relay its key
 * @param role what it says that it does for the stream
 * @param dialled whether this node opened the connection
 * @param rtt the round trip of the hello, a first estimate
 */
public record LinkPeer(RelayKey relay, NodeRole role, boolean dialled, Duration rtt) {}
