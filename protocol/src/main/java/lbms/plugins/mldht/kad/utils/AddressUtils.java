package lbms.plugins.mldht.kad.utils;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.Stream;
import lbms.plugins.mldht.kad.PeerAddressDBItem;

/**
 * Tributary's own class in the place of bt-dht's one of this name, which it shadows on the class path and in the programs' jars.
 *
 * <p>bt-dht 1.10 rejects loopback and private addresses always and has no switch for it; {@code --dht-private} needs one. Out of
 * private mode the filter is as strict as the one it replaces.
 */
public final class AddressUtils {
    private static final int V4_COMPACT = 6;
    private static final int V6_COMPACT = 18;
    private static final int V4_MAPPED_PREFIX = 12;

    private static volatile boolean privateAccepted;

    private AddressUtils() {}

    /** Whether loopback, link-local and private addresses count as usable, in this whole virtual machine. */
    public static void acceptPrivate(boolean accept) {
        privateAccepted = accept;
    }

    public static boolean isPrivateAccepted() {
        return privateAccepted;
    }

    public static boolean isBogon(PeerAddressDBItem item) {
        return isBogon(item.getInetAddress(), item.getPort());
    }

    public static boolean isBogon(InetSocketAddress address) {
        return isBogon(address.getAddress(), address.getPort());
    }

    public static boolean isBogon(InetAddress address, int port) {
        return port < 1 || port > 0xffff || !isGlobalUnicast(address);
    }

    public static boolean isGlobalUnicast(InetAddress address) {
        if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
            return false;
        }
        byte[] raw = address.getAddress();
        boolean nowhere = address instanceof Inet4Address
                ? raw[0] == 0 || (raw[0] & raw[1] & raw[2] & raw[3]) == -1
                : carriesIpv4(raw);
        if (nowhere) {
            return false;
        }
        boolean local = address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || (address instanceof Inet6Address && (raw[0] & 0xfe) == 0xfc); // RFC 4193
        return privateAccepted || !local;
    }

    /** IPv4 written as IPv6, mapped or compatible; {@code ::1} is neither. */
    private static boolean carriesIpv4(byte[] raw) {
        for (int i = 0; i < V4_MAPPED_PREFIX - 2; i++) {
            if (raw[i] != 0) {
                return false;
            }
        }
        boolean mapped = raw[10] == -1 && raw[11] == -1;
        boolean compatible = raw[10] == 0 && raw[11] == 0 && (raw[12] != 0 || raw[13] != 0);
        return mapped || compatible;
    }

    public static byte[] packAddress(InetSocketAddress address) {
        byte[] raw = address.getAddress().getAddress();
        return ByteBuffer.allocate(raw.length + Short.BYTES)
                .put(raw)
                .putShort((short) address.getPort())
                .array();
    }

    /** The address of these bytes in their own family: IPv4 mapped into IPv6 stays IPv6. */
    public static InetAddress fromBytesVerbatim(byte[] raw) throws UnknownHostException {
        return raw.length == 16 ? Inet6Address.getByAddress(null, raw, -1) : InetAddress.getByAddress(raw);
    }

    public static InetSocketAddress unpackAddress(byte[] compact) {
        if (compact.length != V4_COMPACT && compact.length != V6_COMPACT) {
            throw new IllegalArgumentException("length: " + compact.length + " (expected: 6 or 18)");
        }
        int split = compact.length - Short.BYTES;
        int port = Short.toUnsignedInt(ByteBuffer.wrap(compact).getShort(split));
        try {
            return new InetSocketAddress(fromBytesVerbatim(Arrays.copyOf(compact, split)), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("address of " + split + " bytes (expected: 4 or 16)", e);
        }
    }

    public static Stream<InetAddress> allAddresses() {
        try {
            return NetworkInterface.networkInterfaces()
                    .filter(AddressUtils::isUp)
                    .flatMap(NetworkInterface::inetAddresses)
                    .toList()
                    .stream();
        } catch (SocketException e) {
            return Stream.empty(); // No interfaces: nothing to bind to.
        }
    }

    /** What may be bound to. */
    public static Stream<InetAddress> nonlocalAddresses() {
        return allAddresses()
                .filter(address -> !address.isAnyLocalAddress() && (privateAccepted || !address.isLoopbackAddress()));
    }

    public static Stream<InetAddress> availableGloballyRoutableAddrs(
            Stream<InetAddress> addresses, Class<? extends InetAddress> family) {
        Comparator<InetAddress> byBytes = (a, b) -> Arrays.compareUnsigned(a.getAddress(), b.getAddress());
        return addresses
                .filter(family::isInstance)
                .filter(AddressUtils::isGlobalUnicast)
                .sorted(byBytes);
    }

    public static boolean isValidBindAddress(InetAddress address) {
        if (address.isAnyLocalAddress()) {
            return true;
        }
        try {
            NetworkInterface owner = NetworkInterface.getByInetAddress(address);
            return owner != null && owner.isUp() && (privateAccepted || !owner.isLoopback());
        } catch (SocketException e) {
            return false;
        }
    }

    public static InetAddress getAnyLocalAddress(Class<? extends InetAddress> family) {
        try {
            return InetAddress.getByAddress(new byte[family == Inet4Address.class ? 4 : 16]);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 and 16 bytes are an address", e);
        }
    }

    /** Where to bind when no address is asked for: everywhere, so that neighbours on this machine and outside both get through. */
    public static InetAddress getDefaultRoute(Class<? extends InetAddress> family) {
        return getAnyLocalAddress(family);
    }

    public static String toString(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        String text = host instanceof Inet6Address ? "[" + host.getHostAddress() + "]" : host.getHostAddress();
        return text + ":" + address.getPort();
    }

    private static boolean isUp(NetworkInterface network) {
        try {
            return network.isUp();
        } catch (SocketException e) {
            return false; // Gone since it was listed.
        }
    }
}
