package live.tributary.mesh.node;

import io.netty.channel.EventLoopGroup;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import live.tributary.mesh.admin.AdminService;
import live.tributary.mesh.admin.Drops;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.NodeStatus;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Via;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.mse.KeyExchanges;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.LinePackets;
import live.tributary.mesh.net.MeshNodeConfig;
import live.tributary.mesh.net.MeshParts;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.ServerTls;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.net.Transport;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.net.ViewerPace;
import live.tributary.mesh.net.WireService;
import live.tributary.mesh.program.HostPort;
import live.tributary.mesh.program.Lifecycle;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.ProgramKind;
import live.tributary.mesh.program.ProgramVersion;
import live.tributary.mesh.program.Ready;
import live.tributary.mesh.program.StartException;
import live.tributary.mesh.program.TlsFiles;
import live.tributary.mesh.program.UsageException;
import live.tributary.mesh.rendezvous.DhtRendezvous;
import live.tributary.mesh.rendezvous.DhtSettings;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SigningKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mesh node of a program and what it stands on: event loops, meters, upload budget, DHT; made from the options that every
 * program has, and closed with its life.
 *
 * <p>What is particular to a program stays with it: which store, which services listen on the port, which streams.
 */
public final class ProgramNode {
    /** The name of the line of /status that says what the DHT does; there is none without a DHT. */
    public static final String DHT = "dht";

    private static final Logger LOG = LoggerFactory.getLogger(ProgramNode.class);
    private static final long STOP_SECONDS = 2;

    private final NodeOptions options;
    private final Lifecycle life;
    private final ProgramKind kind;
    private final Meters meters;
    private final Transport transport;
    private final EventLoopGroup loops;
    private final UploadBudget budget;
    private final long bitsPerSecond;
    private final Optional<DhtRendezvous> dht;
    private final KeyExchanges exchanges;
    private final TcpMeshNode mesh;

    /**
     * What a program decides for itself.
     *
     * @param maxThreads the most event loops; no more than there are processors are started
     * @param budget bits a second that may be sent at all
     * @param planned bits a second that the swarms plan with
     * @param state where the DHT's table outlasts a restart
     * @param region where the node is, if its operator says so; told with every meter
     */
    public record Plan(
            ProgramKind kind,
            SigningKey key,
            int maxThreads,
            long budget,
            long planned,
            Path state,
            Optional<String> region) {
        public Plan(ProgramKind kind, SigningKey key, int maxThreads, long budget, long planned, Path state) {
            this(kind, key, maxThreads, budget, planned, state, Optional.empty());
        }
    }

    /**
     * Starts the node, which listens nowhere yet and carries nothing.
     *
     * @param store the node's from now on
     * @param own adds what the program has to say about the node
     */
    public ProgramNode(
            NodeOptions options,
            Lifecycle life,
            Plan plan,
            ChunkStore store,
            Consumer<MeshNodeConfig.Builder> own,
            SecureRandom random)
            throws Exception {
        this.options = options;
        this.life = life;
        this.kind = plan.kind();
        // First, since options that do not go together shall start nothing.
        MeshNodeConfig.Builder builder = config(options, plan);
        own.accept(builder);
        MeshNodeConfig config = builder.build();
        this.meters = new Meters(plan.region());
        this.transport = Transport.best();
        this.loops = transport.newGroup(
                kind.text() + "-net",
                Math.min(plan.maxThreads(), Runtime.getRuntime().availableProcessors()));
        life.add(() ->
                loops.shutdownGracefully(0, STOP_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly());
        life.add(store);
        Rendezvous rendezvous = Rendezvous.none();
        if (options.dht()) {
            DhtRendezvous started = life.add(DhtRendezvous.start(DhtSettings.of(options, plan.state()), random));
            meters.gauge(started::tableSize, Meter.DHT_NODES);
            meters.gauge(started::storedItems, Meter.DHT_ITEMS);
            rendezvous = started;
            dht = Optional.of(started);
        } else {
            dht = Optional.empty();
        }
        this.bitsPerSecond = LinePackets.aboveTcp(plan.budget());
        this.budget = new UploadBudget(bitsPerSecond, System::nanoTime);
        this.exchanges = life.add(KeyExchanges.start(random, System::nanoTime));
        this.mesh =
                life.add(new TcpMeshNode(config, MeshParts.of(transport, loops, store, rendezvous, budget, meters)));
    }

    private static MeshNodeConfig.Builder config(NodeOptions options, Plan plan) {
        return MeshNodeConfig.builder(plan.key())
                .peers(options.peers().stream().map(HostPort::unresolved).toList())
                .publicAddresses(publicAddresses(options))
                .privateAddresses(options.dhtPrivate())
                .uploadBitsPerSecond(LinePackets.aboveTcp(plan.planned()))
                .tlsName(tlsName(options))
                .software("tributary " + ProgramVersion.current());
    }

    private static List<InetAddress> publicAddresses(NodeOptions options) {
        if (options.publicHost().isEmpty()) {
            return List.of();
        }
        String host = options.publicHost().get();
        try {
            return List.of(InetAddress.getAllByName(host));
        } catch (UnknownHostException e) {
            throw new UsageException("--public-host: " + host + " (expected: a name or address)");
        }
    }

    private static Optional<String> tlsName(NodeOptions options) {
        return options.tls().flatMap(files -> options.publicHost()).filter(RelayDescriptor::isHostName);
    }

    public Meters meters() {
        return meters;
    }

    public Transport transport() {
        return transport;
    }

    public EventLoopGroup loops() {
        return loops;
    }

    public UploadBudget budget() {
        return budget;
    }

    public TcpMeshNode mesh() {
        return mesh;
    }

    /** For encrypted handshakes of the peer wire. */
    public KeyExchanges exchanges() {
        return exchanges;
    }

    /** What is spoken on the node's port: these services' wire, plain and encrypted, and HTTP, plain and within TLS. */
    public PortServices services(List<WireService> wire, HttpServer http) throws StartException {
        return new PortServices(wire, http, tls(), Optional.of(exchanges), new Drops(meters));
    }

    /** The name in the node's certificate: known only where the operator names it; whether it is in there, clients see. */
    public Optional<String> tlsName() {
        return tlsName(options);
    }

    /** The TLS that the operator gave certificate and key for. */
    public Optional<SslContext> tls() throws StartException {
        Optional<TlsFiles> files = options.tls();
        if (files.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    ServerTls.of(files.get().certificate(), files.get().key()));
        } catch (IOException e) {
            throw new StartException("--tls-cert: " + e.getMessage(), e);
        }
    }

    /** The pace of bodies for viewers, counted as sent. */
    public Pace viewersPace() {
        return new ViewerPace(budget, bitsPerSecond, meters.tally(Meter.SENT, PeerKind.VIEWER, Via.HTTP));
    }

    /** Offers again what the cache on disk still holds, and says what was found; once the streams are carried. */
    public void restore() {
        mesh.restore().thenAccept(found -> {
            if (found.chunks() > 0 || found.damaged() > 0) {
                LOG.info(
                        "cache on disk: {} chunks from before, {} damaged files set aside",
                        found.chunks(),
                        found.damaged());
            }
        });
    }

    private static String told(long nodes) {
        return nodes == 0
                ? "no node answers yet: let UDP out, or name one with --dht-bootstrap"
                : nodes + " nodes known";
    }

    /** Binds the operator's own port, which is the last that a program binds; returns what it then says of itself. */
    public Ready ready(String id, BoundPort port, NodeStatus status) throws IOException {
        InetSocketAddress address = options.admin().resolve();
        if (address.isUnresolved()) {
            throw new UsageException("--admin: " + options.admin() + " (expected: an address of this machine)");
        }
        HttpServer http = HttpServer.of(life.add(new AdminService(meters, status)));
        BoundPort admin = life.add(BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(address.getAddress()), address.getPort()),
                new PortServices(List.of(), http, Optional.empty()),
                Optional.empty()));
        Ready ready = Ready.of(kind, id).tcp(port.tcp().get(0));
        if (!port.udp().isEmpty()) {
            ready = ready.udp(port.udp().get(0));
        }
        if (dht.isPresent()) {
            ready = ready.dht(dht.get().address());
            status.note(DHT, () -> told(dht.get().tableSize()));
        }
        return ready.http(port.tcp().get(0)).admin(admin.tcp().get(0));
    }
}
