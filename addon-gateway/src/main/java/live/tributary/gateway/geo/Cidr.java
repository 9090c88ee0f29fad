package live.tributary.gateway.geo;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/** A block of addresses, {@code 10.0.0.0/8} or one single address. */
public record Cidr(InetAddress network, int prefixLength) {
    private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

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
        boolean digits =
                !text.isEmpty() && text.chars().allMatch(c -> Character.digit(c, 16) >= 0 || c == '.' || c == ':');
        if (!digits || (text.indexOf(':') < 0 && !IPV4.matcher(text).matches())) {
            throw new IllegalArgumentException("address: " + text + " (expected: digits)");
        }
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("address: " + text + " (expected: IPv4 or IPv6)", e);
        }
    }
}
