package live.tributary.protocol.stream;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import live.tributary.protocol.bencode.FormatException;

/** An IP address and a port, numeric always; compact form 6 bytes (IPv4) or 18 (IPv6), as BEP 5 and BEP 7 have them. */
public record Endpoint(InetAddress address, int port) {
    public static final int COMPACT_V4 = 6;
    public static final int COMPACT_V6 = 18;

    public Endpoint {
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port: " + port + " (expected: 1..65535)");
        }
    }

    public static Endpoint of(InetSocketAddress address) {
        return new Endpoint(address.getAddress(), address.getPort());
    }

    public static Endpoint fromCompact(byte[] compact) throws FormatException {
        if (compact.length != COMPACT_V4 && compact.length != COMPACT_V6) {
            throw new FormatException("endpoint: " + compact.length + " bytes (expected: 6 or 18)");
        }
        int split = compact.length - 2;
        int port = (compact[split] & 0xff) << 8 | compact[split + 1] & 0xff;
        if (port == 0) {
            throw new FormatException("endpoint: port 0 (expected: 1..65535)");
        }
        try {
            return new Endpoint(InetAddress.getByAddress(java.util.Arrays.copyOf(compact, split)), port);
        } catch (UnknownHostException e) {
            throw new FormatException("endpoint: not an address", e);
        }
    }

    public byte[] compact() {
        byte[] raw = address.getAddress();
        byte[] compact = java.util.Arrays.copyOf(raw, raw.length + 2);
        compact[raw.length] = (byte) (port >> 8);
        compact[raw.length + 1] = (byte) port;
        return compact;
    }

    public boolean isIpv4() {
        return address instanceof Inet4Address;
    }

    /**
     * Whether the address is one that routers on the internet carry to one host: none of a LAN, a loopback, a link, a carrier's
     * NAT, a tunnel broker or a document (RFC 6890).
     */
    public static boolean isGlobalUnicast(InetAddress address) {
        byte[] raw = address.getAddress();
        int a = raw[0] & 0xff;
        int b = raw[1] & 0xff;
        int c = raw[2] & 0xff;
        if (raw.length == COMPACT_V4 - 2) {
            return !(a == 0
                    || a == 10
                    || a == 100 && (b & 0xc0) == 64
                    || a == 127
                    || a == 169 && b == 254
                    || a == 172 && (b & 0xf0) == 16
                    || a == 192 && (b == 168 || b == 0 && (c == 0 || c == 2) || b == 88 && c == 99)
                    || a == 198 && ((b & 0xfe) == 18 || b == 51 && c == 100)
                    || a == 203 && b == 0 && c == 113
                    || a >= 224);
        }
        boolean special = a == 0x20 && b == 0x01 && ((c & 0xfe) == 0 || c == 0x0d && (raw[3] & 0xff) == 0xb8)
                || a == 0x20 && b == 0x02
                || a == 0x3f && b == 0xff && (c & 0xf0) == 0;
        return (a & 0xe0) == 0x20 && !special;
    }

    public InetSocketAddress socketAddress() {
        return new InetSocketAddress(address, port);
    }

    /** {@code host:port}, with brackets around an IPv6 host. */
    public String text() {
        return (isIpv4()
                        ? address.getHostAddress()
                        : "[" + address.getHostAddress().replaceAll("%.*", "") + "]") + ":" + port;
    }

    @Override
    public String toString() {
        return text();
    }
}
