package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.Arrays;

/** The first bits of an address, by which addresses in one hand are told. */
record Network(long bits, int length) {
    private static final int IPV4_BYTES = 4;

    /** One customer of a network: the IPv4 address itself, or the IPv6 /64. */
    static Network customer(InetAddress address) {
        return of(address, 32, 64);
    }

    /** One site: IPv4 /24, IPv6 /48. */
    static Network site(InetAddress address) {
        return of(address, 24, 48);
    }

    /** Stands for an autonomous system where no table of them is at hand: IPv4 /16, IPv6 /32. */
    static Network operator(InetAddress address) {
        return of(address, 16, 32);
    }

    private static Network of(InetAddress address, int ipv4Bits, int ipv6Bits) {
        byte[] raw = address.getAddress();
        int length = raw.length == IPV4_BYTES ? ipv4Bits : ipv6Bits;
        byte[] prefix = Arrays.copyOf(raw, Long.BYTES);
        long bits = 0;
        for (byte b : prefix) {
            bits = bits << Byte.SIZE | b & 0xff;
        }
        // The length tells the families apart: no IPv4 prefix here is as long as an IPv6 one of the same purpose.
        return new Network(bits & -1L << (Long.SIZE - length), length);
    }
}
