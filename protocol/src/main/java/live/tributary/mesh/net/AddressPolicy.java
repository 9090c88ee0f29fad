package live.tributary.mesh.net;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import live.tributary.protocol.stream.Endpoint;

/**
 * Which addresses of strangers count: global unicast only, unless private networks were asked for.
 *
 * @param allowsPrivate {@code --dht-private}: loopback and private addresses count too
 */
record AddressPolicy(boolean allowsPrivate) {
    private static final int MIN_PORT = 1024;
    private static final int V4_PREFIX = 3;
    private static final int V6_PREFIX = 6;

    /** Whether a stranger's word is enough to dial this. Ports below 1024 belong to services that never asked for our bytes. */
    boolean mayDial(Endpoint endpoint) {
        return endpoint.port() >= MIN_PORT && mayBeReached(endpoint.address());
    }

    boolean mayBeReached(InetAddress address) {
        if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
            return false;
        }
        return allowsPrivate || Endpoint.isGlobalUnicast(address);
    }

    /** The /24 of an IPv4 address, the /48 of an IPv6 one: what one owner can fill with nodes. */
    Object neighbourhood(InetAddress address) {
        byte[] raw = address.getAddress();
        return ByteBuffer.wrap(raw, 0, raw.length == 4 ? V4_PREFIX : V6_PREFIX).slice();
    }
}
