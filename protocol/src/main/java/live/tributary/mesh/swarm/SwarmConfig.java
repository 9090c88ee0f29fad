package live.tributary.mesh.swarm;

import java.time.Duration;
import java.util.Set;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.StreamKey;

/**
 * What a swarm core is told at its start.
 *
 * @param uploadBitsPerSecond the node's whole upload budget above TCP, as far as it is known
 * @param history how long chunks are kept and records count as live
 * @param catchUp how far back a node that joins fetches, at most the history
 * @param spreading how pieces travel; anything but trees is for comparison
 * @param renditions those whose chunks are fetched; empty for all. The records of all are kept, for the chain
 */
public record SwarmConfig(
        StreamKey stream,
        RelayKey self,
        NodeRole role,
        long uploadBitsPerSecond,
        Duration history,
        Duration catchUp,
        Spreading spreading,
        Set<Integer> renditions) {
    /** A newest window and what has come since it closed. */
    private static final Duration USUAL_CATCH_UP = WindowId.LENGTH.plus(WindowId.STEP);

    /** How pieces travel. In the plain ways the origin gives each piece to one of its neighbours, to all of them in turn. */
    public enum Spreading {
        /** Pushed along one tree a stripe, with requests as repair. */
        TREES,
        /**
         * Plain: only requested, after HAVE, and at once of whoever shows it first, six at a time of each, the others in any
         * order; who is asked serves in the order of the requests.
         */
        PULL,
        /** Plain: pushed along every link whose other end has not shown it; links take turns, a piece at a time. */
        FLOOD
    }

    public SwarmConfig {
        renditions = Set.copyOf(renditions);
        if (uploadBitsPerSecond <= 0) {
            throw new IllegalArgumentException("upload: " + uploadBitsPerSecond + " (expected: > 0)");
        }
        if (history.isNegative() || history.isZero() || catchUp.compareTo(history) > 0) {
            throw new IllegalArgumentException("history: " + history + ", catch up: " + catchUp
                    + " (expected: > 0, and to catch up no further than that)");
        }
    }

    /** Of all renditions. */
    public SwarmConfig(
            StreamKey stream,
            RelayKey self,
            NodeRole role,
            long uploadBitsPerSecond,
            Duration history,
            Duration catchUp,
            Spreading spreading) {
        this(stream, self, role, uploadBitsPerSecond, history, catchUp, spreading, Set.of());
    }

    public SwarmConfig(StreamKey stream, RelayKey self, NodeRole role, long uploadBitsPerSecond, Duration history) {
        this(
                stream,
                self,
                role,
                uploadBitsPerSecond,
                history,
                history.compareTo(USUAL_CATCH_UP) < 0 ? history : USUAL_CATCH_UP,
                Spreading.TREES);
    }

    /** The same, fetching only these renditions; all, if there are none. */
    public SwarmConfig fetching(Set<Integer> only) {
        return new SwarmConfig(stream, self, role, uploadBitsPerSecond, history, catchUp, spreading, only);
    }

    /** Whether pieces travel in a way that is here for comparison. */
    boolean isPlain() {
        return spreading != Spreading.TREES;
    }

    boolean pullOnly() {
        return spreading == Spreading.PULL;
    }

    boolean floods() {
        return spreading == Spreading.FLOOD;
    }

    boolean fetches(int rendition) {
        return renditions.isEmpty() || renditions.contains(rendition);
    }
}
