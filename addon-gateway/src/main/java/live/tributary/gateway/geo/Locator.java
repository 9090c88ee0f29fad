package live.tributary.gateway.geo;

import java.net.InetAddress;

/** Tells where addresses are; answers at once, from any thread. */
public interface Locator {
    /** Knows nothing: every distance is the same. */
    Locator NOWHERE = address -> Location.UNKNOWN;

    Location locate(InetAddress address);
}
