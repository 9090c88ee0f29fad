package live.tributary.mesh.rendezvous;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.program.HostPort;
import live.tributary.mesh.program.NodeOptions;

/**
 * How a node takes part in the DHT.
 *
 * @param bind empty for all addresses
 * @param port UDP; 0 for a free one
 * @param state where the node's id and table outlast a restart
 * @param bootstrap empty for the public routers, or for none in a private DHT
 * @param privateAddresses whether loopback and private addresses are nodes too
 */
public record DhtSettings(
        Optional<InetAddress> bind, int port, Path state, List<HostPort> bootstrap, boolean privateAddresses) {
    /** Where everybody joins the Mainline DHT. */
    static final List<HostPort> PUBLIC_ROUTERS = List.of(
            new HostPort("router.bittorrent.com", 6881),
            new HostPort("dht.transmissionbt.com", 6881),
            new HostPort("dht.libtorrent.org", 25401),
            new HostPort("router.utorrent.com", 6881));

    public DhtSettings {
        bootstrap = List.copyOf(bootstrap);
    }

    /** As the operator said. */
    public static DhtSettings of(NodeOptions options, Path state) {
        return new DhtSettings(options.bind(), options.dhtPort(), state, options.dhtBootstrap(), options.dhtPrivate());
    }

    List<HostPort> entryNodes() {
        return bootstrap.isEmpty() && !privateAddresses ? PUBLIC_ROUTERS : bootstrap;
    }
}
