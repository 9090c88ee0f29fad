package live.tributary.mesh;

import java.util.List;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;

/**
 * Takes in news of a carried stream that came by another way than links: {@code /notify}, the disk, the operator.
 *
 * <p>Whoever calls has checked the signatures; callable from any thread. What was taken goes on over links like any other news.
 */
public interface StreamIntake {
    void take(SignedHead head);

    void take(About about);

    void take(ChunkRecord record);

    void take(LiveMessage.Stored stored);

    void take(KeyEnd end);

    /** Nodes to link to; each counts only once it has proven itself here. */
    void take(List<RelayDescriptor> relays);
}
