package live.tributary.gateway.geo;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/** A block of addresses, {@code 10.0.0.0/8} or one single address. */
public record Cidr(InetAddress network, int prefixLength) {
    private static final int IPV4_BYTES = 4;

    /**
     * Reads a numeric block.
     *
     * @throws IllegalArgumentException naming the text and what was expected
     */
    public static Cidr parse(String text) {
        int slash = text.indexOf('/');
        InetAddress network = numeric(slash < 0 ? text : text.substring(0, slash));
        int bits = network.getAddress().length * 8;
        try {
            int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
            if (prefix >= 0 && prefix <= bits) {
                return new Cidr(network, prefix);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("CIDR: " + text + " (expected: address/bits)", e);
        }
        throw new IllegalArgumentException("CIDR: " + text + " (expected: 0.." + bits + " bits)");
    }

    public boolean contains(InetAddress address) {
        if (address.equals(network)) {
            return true;
        }
        byte[] a = address.getAddress();
        byte[] b = network.getAddress();
        if (a.length != b.length) {
            return false;
        }
        int whole = prefixLength / 8;
        if (!Arrays.equals(a, 0, whole, b, 0, whole)) {
            return false;
        }
        int rest = prefixLength % 8;
        return rest == 0 || ((a[whole] ^ b[whole]) & 0xff) >> 8 - rest == 0;
    }

    /** An address from its digits; names are refused, so nothing is looked up. */
    static InetAddress numeric(String text) {
        try {
            if (text.indexOf(':') < 0) {
                return InetAddress.getByAddress(ipv4(text));
            }
            if (text.chars().allMatch(c -> Character.digit(c, 16) >= 0 || c == '.' || c == ':')) {
                return InetAddress.getByName(text);
            }
            throw new IllegalArgumentException("address: " + text + " (expected: digits)");
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("address: " + text + " (expected: IPv4 or IPv6)", e);
        }
    }

    /** Four numbers of one to three digits with a dot between them. */
    private static byte[] ipv4(String text) {
        byte[] bytes = new byte[IPV4_BYTES];
        int at = 0;
        int number = 0;
        int digits = 0;
        for (int i = 0; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : '.';
            if (c >= '0' && c <= '9' && digits < 3) {
                number = 10 * number + c - '0';
                digits++;
            } else if (c == '.' && digits > 0 && number < 256 && at < IPV4_BYTES) {
                bytes[at++] = (byte) number;
                number = 0;
                digits = 0;
            } else {
                throw new IllegalArgumentException("address: " + text + " (expected: digits)");
            }
        }
        if (at != IPV4_BYTES) {
            throw new IllegalArgumentException("address: " + text + " (expected: digits)");
        }
        return bytes;
    }
}
