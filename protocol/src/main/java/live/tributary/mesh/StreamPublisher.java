package live.tributary.mesh;

import io.netty.buffer.ByteBuf;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;

/** The origin's hand on its own stream; callable from any thread. */
public interface StreamPublisher {
    StreamView view();

    /** Takes a chunk that was just signed, and its bytes (copied into the store), and offers it to the mesh. */
    void publish(ChunkRecord record, ByteBuf bytes);

    /** Offers a chunk of an earlier run once more, where the store does not have it; the mesh may hold it already. */
    void publishAgain(ChunkRecord record, ByteBuf bytes);

    /** Sends a new head over links; the DHT is told by the rendezvous. */
    void publish(SignedHead head);

    void publish(About about);

    void publish(LiveMessage.Stored stored);

    /** Hands a request to the relay that it names, where a link to it stands. */
    void send(LiveMessage.Put put);
}
