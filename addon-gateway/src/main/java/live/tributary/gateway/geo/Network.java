package live.tributary.gateway.geo;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HexFormat;

/** The /24 (IPv4) or /48 (IPv6) that an address is in: as near as the gateway looks at a viewer, and one relay's share of an answer. */
public final class Network {
    private static final int V4_BYTES = 3;
    private static final int V6_BYTES = 6;

    private final byte[] prefix;

    private Network(byte[] prefix) {
        this.prefix = prefix;
    }

    public static Network of(InetAddress address) {
        return new Network(Arrays.copyOf(address.getAddress(), address instanceof Inet4Address ? V4_BYTES : V6_BYTES));
    }

    public byte[] bytes() {
        return prefix.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other == this || other instanceof Network network && Arrays.equals(prefix, network.prefix);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(prefix);
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(prefix) + "/" + 8 * prefix.length;
    }
}
