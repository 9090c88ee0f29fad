package live.tributary.mesh;

import java.util.List;
import java.util.Optional;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/** A running mesh node: its port is bound, its streams are carried until it is closed. */
public interface MeshNode extends AutoCloseable {
    RelayKey key();

    /** The endpoints at which others can reach this node, as far as it knows. */
    List<Endpoint> endpoints();

    /** Carries a stream from now on, as a relay or a listener: finds its nodes, links to them, hears and (relay) fetches. */
    StreamView carry(StreamKey stream, NodeRole role);

    /** Carries one's own stream. */
    StreamPublisher publish(SigningKey streamKey);

    /** The way in for news of a stream that is carried. */
    Optional<StreamIntake> intake(StreamKey stream);

    /** Carries a stream no longer: its links are closed, its records forgotten. */
    void leave(StreamKey stream);

    ChunkBytes chunks();

    @Override
    void close();
}
