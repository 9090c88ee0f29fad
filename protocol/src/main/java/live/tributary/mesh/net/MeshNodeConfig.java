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

    /** The defaults, to be changed before they are {@linkplain Builder#build() built}. */
    public static Builder builder(SigningKey key) {
        return new Builder(key);
    }

    /** A config in the making; each method sets the component of its name. */
    public static final class Builder {
        private final SigningKey key;
        private List<InetSocketAddress> peers = List.of();
        private List<InetAddress> publicAddresses = List.of();
        private boolean privateAddresses;
        private Duration history = DEFAULT_HISTORY;
        private long uploadBitsPerSecond = DEFAULT_UPLOAD;
        private int maxLinks = DEFAULT_MAX_LINKS;
        private List<Integer> renditions = List.of();
        private Optional<RelayDescriptor.Region> region = Optional.empty();
        private Optional<String> tlsName = Optional.empty();
        private String software = "tributary";

        private Builder(SigningKey key) {
            this.key = key;
        }

        public Builder peers(List<InetSocketAddress> value) {
            peers = value;
            return this;
        }

        public Builder publicAddresses(List<InetAddress> value) {
            publicAddresses = value;
            return this;
        }

        public Builder privateAddresses(boolean value) {
            privateAddresses = value;
            return this;
        }

        public Builder history(Duration value) {
            history = value;
            return this;
        }

        public Builder uploadBitsPerSecond(long value) {
            uploadBitsPerSecond = value;
            return this;
        }

        public Builder maxLinks(int value) {
            maxLinks = value;
            return this;
        }

        public Builder renditions(List<Integer> value) {
            renditions = value;
            return this;
        }

        public Builder region(Optional<RelayDescriptor.Region> value) {
            region = value;
            return this;
        }

        public Builder tlsName(Optional<String> value) {
            tlsName = value;
            return this;
        }

        public Builder software(String value) {
            software = value;
            return this;
        }

        /** @throws IllegalArgumentException for a component out of its bounds */
        public MeshNodeConfig build() {
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
                    software);
        }
    }
}
