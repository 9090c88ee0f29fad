package live.tributary.mesh;

import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;

/**
 * A mesh node as this one knows it.
 *
 * @param endpoints those that answered this node's challenge; empty where it cannot be reached from outside
 * @param descriptor its own signed word, if it gave one
 * @param linked whether a link to it stands now
 */
public record RelayView(
        RelayKey key, NodeRole role, List<Endpoint> endpoints, Optional<RelayDescriptor> descriptor, boolean linked) {
    public RelayView {
        endpoints = List.copyOf(endpoints);
    }
}
