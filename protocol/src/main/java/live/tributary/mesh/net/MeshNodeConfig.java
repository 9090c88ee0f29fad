package live.tributary.mesh.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SigningKey;

/**
 * What a mesh node is told at its start.
 *
 * @param key the node's own
 * @param peers nodes to link to whatever else is found; unresolved ones are looked up again and again
 * @param publicAddresses the addresses by which others reach this node, as far as they were told ({@code --public-host})
 * @param privateAddresses whether loopback and private addresses count ({@code --dht-private})
 * @param history how long chunks are kept and records count as live
 * @param uploadBitsPerSecond what the node may send, as its descriptor and its swarms say
 * @param maxLinks the most links of one stream
 * @param renditions those carried, for the descriptor; empty for all
 * @param region where the node is, for the descriptor
 * @param tlsName the DNS name of its certificate, for the descriptor
 * @param contact of its operator, for the descriptor
 * @param software name and version
 */
public record MeshNodeConfig(
        SigningKey key,
        List<InetSocketAddress> peers,
        List<InetAddress> publicAddresses,
        boolean privateAddresses,
        Duration history,
        long uploadBitsPerSecond,
        int maxLinks,
        List<Integer> renditions,
        Optional<RelayDescriptor.Region> region,
        Optional<String> tlsName,
        Optional<String> contact,
        String software) {
    public static final Duration DEFAULT_HISTORY = Duration.ofHours(1);
    public static final long DEFAULT_UPLOAD = 10_000_000;
    public static final int DEFAULT_MAX_LINKS = 40;

    public MeshNodeConfig {
        peers = List.copyOf(peers);
        publicAddresses = List.copyOf(publicAddresses);
        renditions = List.copyOf(renditions);
        if (history.isNegative() || history.isZero()) {
            throw new IllegalArgumentException("history: " + history + " (expected: > 0)");
        }
        if (uploadBitsPerSecond <= 0) {
            throw new IllegalArgumentException("upload: " + uploadBitsPerSecond + " (expected: > 0)");
        }
        if (maxLinks <= 0) {
            throw new IllegalArgumentException("links: " + maxLinks + " (expected: > 0)");
        }
    }

    /** The defaults, to be changed by the methods below. */
    public static MeshNodeConfig of(SigningKey key) {
        return new MeshNodeConfig(
                key,
                List.of(),
                List.of(),
                false,
                DEFAULT_HISTORY,
                DEFAULT_UPLOAD,
                DEFAULT_MAX_LINKS,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "tributary");
    }

    public MeshNodeConfig withPeers(List<InetSocketAddress> value) {
        return new MeshNodeConfig(
                key,
                value,
                publicAddresses,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withPublicAddresses(List<InetAddress> value) {
        return new MeshNodeConfig(
                key,
                peers,
                value,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withPrivateAddresses(boolean value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                value,
                history,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withHistory(Duration value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                value,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withUploadBitsPerSecond(long value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                history,
                value,
                maxLinks,
                renditions,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withMaxLinks(int value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                value,
                renditions,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withRenditions(List<Integer> value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                maxLinks,
                value,
                region,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withRegion(Optional<RelayDescriptor.Region> value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                value,
                tlsName,
                contact,
                software);
    }

    public MeshNodeConfig withTlsName(Optional<String> value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                region,
                value,
                contact,
                software);
    }

    public MeshNodeConfig withSoftware(String value) {
        return new MeshNodeConfig(
                key,
                peers,
                publicAddresses,
                privateAddresses,
                history,
                uploadBitsPerSecond,
                maxLinks,
                renditions,
                region,
                tlsName,
                contact,
                value);
    }
}
