package lbms.plugins.mldht.kad;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import lbms.plugins.mldht.kad.utils.AddressUtils;

/**
 * Tributary's own class in the place of bt-dht's one of this name: a peer of an infohash, in BEP 5's compact form.
 *
 * <p>bt-dht takes two peers of one address for the same, whatever their ports, so that a machine can announce one program. In
 * private mode a whole mesh may sit behind one address, and the port counts.
 */
public class PeerAddressDBItem extends DBItem {
    private static final int V4_LENGTH = 6;
    private static final int V6_LENGTH = 18;

    /** bt-dht's database reads the field. */
    final boolean seed;

    private final InetSocketAddress address;

    public PeerAddressDBItem(byte[] compact, boolean seed) {
        super(compact);
        if (compact.length != V4_LENGTH && compact.length != V6_LENGTH) {
            throw new IllegalArgumentException("length: " + compact.length + " (expected: 6 or 18)");
        }
        this.address = AddressUtils.unpackAddress(compact);
        this.seed = seed;
    }

    public static PeerAddressDBItem createFromAddress(InetAddress address, int port, boolean seed) {
        return new PeerAddressDBItem(AddressUtils.packAddress(new InetSocketAddress(address, port)), seed);
    }

    /** Not kept: nothing asks for it. */
    public void setVersion(byte[] version) {}

    public InetAddress getInetAddress() {
        return address.getAddress();
    }

    public InetSocketAddress toSocketAddress() {
        return address;
    }

    public String getAddressAsString() {
        return address.getAddress().getHostAddress();
    }

    public Class<? extends InetAddress> getAddressType() {
        return address.getAddress() instanceof Inet4Address ? Inet4Address.class : Inet6Address.class;
    }

    public int getPort() {
        return address.getPort();
    }

    public boolean isSeed() {
        return seed;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PeerAddressDBItem peer && Arrays.equals(identity(), peer.identity());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(identity());
    }

    private byte[] identity() {
        byte[] compact = getData();
        return AddressUtils.isPrivateAccepted() ? compact : Arrays.copyOf(compact, compact.length - Short.BYTES);
    }

    @Override
    public String toString() {
        return AddressUtils.toString(address);
    }
}
