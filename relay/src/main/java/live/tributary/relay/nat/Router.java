package live.tributary.relay.nat;

import java.io.IOException;
import java.time.Duration;
import live.tributary.protocol.stream.Endpoint;

/** A router that maps ports, by whichever protocol it speaks. Its methods wait for the router's answer. */
public interface Router {
    /** How it is spoken to, for the operator: {@code UPnP}, {@code NAT-PMP} or {@code PCP}. */
    String protocol();

    /**
     * Asks for a mapping of this machine's port, TCP and UDP alike.
     *
     * @throws IOException if the router refuses, or maps TCP and UDP to different ports
     */
    Lease map(int port, Duration lifetime) throws IOException, InterruptedException;

    /** A mapping that stands until its lifetime is over. */
    interface Lease {
        /** Where the world reaches the port. */
        Endpoint outside();

        Duration lifetime();

        /** Asks for more time. */
        Lease renew(Duration longer) throws IOException, InterruptedException;

        void release() throws IOException, InterruptedException;
    }
}
