package live.tributary.relay.edge;

import java.util.List;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.ChunkRecord;

/** Who else has a chunk, in the order in which a viewer is to be sent there. */
@FunctionalInterface
public interface Keepers {
    List<RelayView> of(StreamView stream, ChunkRecord record);
}
