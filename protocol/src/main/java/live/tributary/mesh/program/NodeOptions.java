package live.tributary.mesh.program;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that every program has; a picocli mixin. */
public final class NodeOptions {
    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "Address to listen on (all addresses, IPv4 and IPv6, unless given).")
    private Optional<InetAddress> bind = Optional.empty();

    @Option(
            names = "--port",
            paramLabel = "PORT",
            converter = Converters.Port.class,
            description = "TCP and UDP port; 0 takes a free one.")
    private int port;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            converter = Converters.HomePath.class,
            description = "State directory: keys, caches, what must outlast a restart.")
    private Path data = Path.of("");

    @Option(
            names = "--dht-port",
            paramLabel = "PORT",
            converter = Converters.Port.class,
            description = "UDP port of the DHT; 0 takes a free one.")
    private int dhtPort;

    @Option(
            names = "--dht-bootstrap",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "DHT nodes to join by (the public routers unless given).")
    private List<HostPort> dhtBootstrap = new ArrayList<>();

    @Option(
            names = "--dht-private",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Accept loopback and private addresses: labs, LANs, venues cut off from the internet.")
    private boolean dhtPrivate;

    @Option(
            names = "--no-dht",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Do without the DHT; nodes are found by --peer and by other nodes.")
    private boolean noDht;

    @Option(
            names = "--peer",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "Link to this mesh node directly; repeatable.")
    private List<HostPort> peers = new ArrayList<>();

    @Option(
            names = "--max-upload",
            paramLabel = "RATE",
            description = "Upload budget, such as 20Mbit (no limit unless given).")
    private Optional<BitRate> maxUpload = Optional.empty();

    @Option(
            names = "--admin",
            paramLabel = "HOST:PORT",
            description = "Where /metrics, /status and the status page are served.")
    private HostPort admin = new HostPort("127.0.0.1", 0);

    @Option(
            names = "--tls-cert",
            paramLabel = "FILE",
            converter = Converters.HomePath.class,
            description = "Certificate chain (PEM); with --tls-key.")
    private Optional<Path> tlsCertificate = Optional.empty();

    @Option(
            names = "--tls-key",
            paramLabel = "FILE",
            converter = Converters.HomePath.class,
            description = "Private key of the certificate (PEM).")
    private Optional<Path> tlsKey = Optional.empty();

    @Option(
            names = "--public-host",
            paramLabel = "HOST",
            description = "Name or address by which others reach this node (found out unless given).")
    private Optional<String> publicHost = Optional.empty();

    public Optional<InetAddress> bind() {
        return bind;
    }

    public int port() {
        return port;
    }

    public Path data() {
        return data;
    }

    public int dhtPort() {
        return dhtPort;
    }

    /** Empty: the public routers. */
    public List<HostPort> dhtBootstrap() {
        return List.copyOf(dhtBootstrap);
    }

    public boolean dhtPrivate() {
        return dhtPrivate;
    }

    public boolean dht() {
        return !noDht;
    }

    public List<HostPort> peers() {
        return List.copyOf(peers);
    }

    /** Empty: no limit. */
    public Optional<BitRate> maxUpload() {
        return maxUpload;
    }

    public HostPort admin() {
        return admin;
    }

    public Optional<TlsFiles> tls() {
        if (tlsCertificate.isPresent() != tlsKey.isPresent()) {
            String given = tlsCertificate.isPresent() ? "--tls-cert" : "--tls-key";
            throw new UsageException(given + ": alone (expected: --tls-cert and --tls-key together)");
        }
        return tlsCertificate.flatMap(certificate -> tlsKey.map(key -> new TlsFiles(certificate, key)));
    }

    public Optional<String> publicHost() {
        return publicHost;
    }
}
