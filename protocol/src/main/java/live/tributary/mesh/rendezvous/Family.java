package live.tributary.mesh.rendezvous;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import lbms.plugins.mldht.kad.DHT.DHTtype;

/** IPv4 and IPv6: each has a DHT of its own (BEP 32). */
enum Family {
    IPV4(DHTtype.IPV4_DHT, Inet4Address.class),
    IPV6(DHTtype.IPV6_DHT, Inet6Address.class);

    private final DHTtype type;
    private final Class<? extends InetAddress> addressClass;

    Family(DHTtype type, Class<? extends InetAddress> addressClass) {
        this.type = type;
        this.addressClass = addressClass;
    }

    DHTtype type() {
        return type;
    }

    Class<? extends InetAddress> addressClass() {
        return addressClass;
    }

    boolean has(InetAddress address) {
        return addressClass.isInstance(address);
    }

    boolean has(InetSocketAddress address) {
        return has(address.getAddress());
    }

    static Family of(InetAddress address) {
        return address instanceof Inet4Address ? IPV4 : IPV6;
    }
}
