package live.tributary.gateway;

import io.netty.channel.EventLoopGroup;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import live.tributary.gateway.geo.Cidr;
import live.tributary.gateway.geo.GeoDatabase;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.PieceFetch;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.Probes;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.admin.AdminService;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.NodeStatus;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.MeshNodeConfig;
import live.tributary.mesh.net.MeshParts;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.ServerTls;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.net.Transport;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.program.BitRate;
import live.tributary.mesh.program.HostPort;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.Lifecycle;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.Program;
import live.tributary.mesh.program.ProgramKind;
import live.tributary.mesh.program.ProgramVersion;
import live.tributary.mesh.program.Ready;
import live.tributary.mesh.program.StartException;
import live.tributary.mesh.program.StateDirectory;
import live.tributary.mesh.program.TlsFiles;
import live.tributary.mesh.program.UsageException;
import live.tributary.mesh.rendezvous.DhtRendezvous;
import live.tributary.mesh.rendezvous.DhtSettings;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The gateway: its options, and how its parts are wired. */
@Command(
        name = "addon-gateway",
        description =
                "Listens to streams' meshes and sends each viewer to the best relays: Stremio add-on, live playlists, web page.")
final class GatewayProgram implements Program {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayProgram.class);
    private static final String ADDON_ID = "live.tributary.gateway";
    private static final String ADDON_NAME = "Tributary";
    private static final int MAX_NET_THREADS = 4;
    private static final long STOP_SECONDS = 2;
    /** A listener fetches no chunks. */
    private static final long NO_CHUNKS = 1;

    private static final long USUAL_UPLOAD = MeshNodeConfig.DEFAULT_UPLOAD;

    @Mixin
    private NodeOptions node = new NodeOptions();

    @Option(
            names = "--stream",
            paramLabel = "KEY",
            split = ",",
            description = "Stream to list: its key, tributary:<key>, or a gateway's URL of it; repeatable.")
    private List<StreamKey> streams = new ArrayList<>();

    @Option(
            names = "--public-url",
            paramLabel = "URL",
            description = "URL by which viewers reach this gateway (what their requests name unless given).")
    private Optional<URI> publicUrl = Optional.empty();

    @Option(
            names = "--geo-db",
            paramLabel = "FILE",
            split = ",",
            description = "MMDB file with coordinates, countries or autonomous systems; repeatable, they add up.")
    private List<Path> geoDatabases = new ArrayList<>();

    @Option(
            names = "--trusted-proxy",
            paramLabel = "CIDR",
            split = ",",
            converter = CidrConverter.class,
            description = "Proxies whose X-Forwarded-* and CF-* headers count; repeatable (none unless given).")
    private List<Cidr> trustedProxies = new ArrayList<>();

    @Option(
            names = "--fallback-only",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Send viewers to the broadcaster's storage alone, and to no relay.")
    private boolean fallbackOnly;

    /** Of a block of addresses. */
    static final class CidrConverter implements ITypeConverter<Cidr> {
        @Override
        public Cidr convert(String value) {
            try {
                return Cidr.parse(value);
            } catch (IllegalArgumentException e) {
                TypeConversionException refused = new TypeConversionException(e.getMessage());
                refused.initCause(e);
                throw refused;
            }
        }
    }

    @Override
    public ProgramKind kind() {
        return ProgramKind.GATEWAY;
    }

    @Override
    public Ready start(Lifecycle life) throws Exception {
        check();
        StateDirectory state = life.add(StateDirectory.open(node.data()));
        SecureRandom random = new SecureRandom();
        SigningKey key = KeyFile.readOrCreate(state.resolve("gateway.key"), random);
        Locator locator = locator(life);

        Meters meters = new Meters();
        Transport transport = Transport.best();
        EventLoopGroup loops = transport.newGroup(
                "gateway-net", Math.min(MAX_NET_THREADS, Runtime.getRuntime().availableProcessors()));
        life.add(() ->
                loops.shutdownGracefully(0, STOP_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly());
        ChunkStore store = life.add(ChunkStore.inMemory(NO_CHUNKS));
        Rendezvous rendezvous = Rendezvous.none();
        Optional<InetSocketAddress> dht = Optional.empty();
        if (node.dht()) {
            DhtRendezvous started = life.add(DhtRendezvous.start(DhtSettings.of(node, state.path()), random));
            rendezvous = started;
            dht = Optional.of(started.address());
            meters.gauge(started::tableSize, Meter.DHT_NODES);
            meters.gauge(started::storedItems, Meter.DHT_ITEMS);
        }
        long upload = node.maxUpload().map(BitRate::bitsPerSecond).orElse(USUAL_UPLOAD);
        UploadBudget budget = new UploadBudget(upload, System::nanoTime);
        TcpMeshNode mesh = life.add(new TcpMeshNode(
                config(key, upload), MeshParts.of(transport, loops, store, rendezvous, budget, meters)));

        ListedStreams listed = new ListedStreams();
        InstantSource clock = InstantSource.system();
        RelayHealth health = new RelayHealth();
        HttpService gateway = Gateway.of(policy(), listed, locator, health, meters, clock, System::nanoTime);
        BoundPort port = life.add(BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(node.bind().stream().toList(), node.port()),
                new PortServices(List.of(mesh), HttpServer.of(gateway), tls()),
                Optional.empty()));
        mesh.listeningOn(port.port());
        streams.forEach(stream -> listed.add(mesh.carry(stream, NodeRole.LISTENER)));
        if (!fallbackOnly) {
            life.add(probing(health, listed, new PieceFetch(transport.client(loops)), random));
        }
        NodeStatus status = new NodeStatus(kind(), key.relayKey(), meters, listed::all, clock);
        status.note("geo", () -> geoDatabases.isEmpty() ? "none: all relays count as equally near" : "from --geo-db");
        BoundPort admin = life.add(admin(transport, loops, meters, status));

        Ready ready = Ready.of(kind(), key.relayKey().text()).tcp(port.tcp().get(0));
        return (dht.isPresent() ? ready.dht(dht.get()) : ready)
                .http(port.tcp().get(0))
                .admin(admin.tcp().get(0));
    }

    /** Asks relays for pieces from a thread of its own; what comes of it is written down by the event loops. */
    private static AutoCloseable probing(
            RelayHealth health, ListedStreams listed, PieceFetch pieces, SecureRandom random) {
        Probes probes = new Probes(health, new SplittableRandom(random.nextLong()));
        ScheduledExecutorService thread =
                Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("gateway-probes", true));
        Runnable round = () -> {
            try {
                probes.due(listed.all(), System.nanoTime())
                        .forEach(probe -> pieces.fetch(probe.endpoint(), probe.record(), probe.piece())
                                .thenAccept(outcome -> health.record(probe.relay(), probe.endpoint(), outcome)));
            } catch (RuntimeException e) {
                LOG.error("a round of probes failed", e);
            }
        };
        thread.scheduleAtFixedRate(round, 1, 1, TimeUnit.SECONDS);
        return thread::shutdownNow;
    }

    private void check() {
        if (streams.isEmpty()) {
            throw new UsageException("--stream: none (expected: at least one)");
        }
        publicUrl
                .filter(url -> !"http".equals(url.getScheme()) && !"https".equals(url.getScheme()))
                .ifPresent(url -> {
                    throw new UsageException("--public-url: " + url + " (expected: http or https)");
                });
    }

    private Gateway.Policy policy() {
        return new Gateway.Policy(
                new AddonIdentity(ADDON_ID, ADDON_NAME, AddonIdentity.semver(ProgramVersion.current())),
                publicUrl,
                trustedProxies,
                node.dhtPrivate(),
                fallbackOnly);
    }

    private Locator locator(Lifecycle life) throws StartException {
        if (geoDatabases.isEmpty()) {
            LOG.info("no --geo-db: all relays count as equally near");
            return Locator.NOWHERE;
        }
        try {
            return life.add(GeoDatabase.open(geoDatabases));
        } catch (IOException e) {
            throw new StartException("--geo-db: " + e.getMessage() + " (expected: a readable MMDB file)", e);
        }
    }

    private MeshNodeConfig config(SigningKey key, long upload) {
        return MeshNodeConfig.of(key)
                .withPeers(node.peers().stream().map(GatewayProgram::unresolved).toList())
                .withPublicAddresses(publicAddresses())
                .withPrivateAddresses(node.dhtPrivate())
                .withUploadBitsPerSecond(upload)
                .withSoftware("tributary " + ProgramVersion.current());
    }

    private static InetSocketAddress unresolved(HostPort peer) {
        return InetSocketAddress.createUnresolved(peer.host(), peer.port());
    }

    private List<InetAddress> publicAddresses() {
        if (node.publicHost().isEmpty()) {
            return List.of();
        }
        try {
            return List.of(InetAddress.getAllByName(node.publicHost().get()));
        } catch (UnknownHostException e) {
            throw new UsageException("--public-host: " + node.publicHost().get() + " (expected: a name or address)");
        }
    }

    private BoundPort admin(Transport transport, EventLoopGroup loops, Meters meters, NodeStatus status)
            throws IOException {
        HttpServer http = HttpServer.of(new AdminService(meters, status, loops));
        InetSocketAddress address = node.admin().resolve();
        if (address.isUnresolved()) {
            throw new UsageException("--admin: " + node.admin() + " (expected: an address of this machine)");
        }
        return BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(address.getAddress()), address.getPort()),
                new PortServices(List.of(), http, Optional.empty()),
                Optional.empty());
    }

    private Optional<SslContext> tls() throws StartException {
        Optional<TlsFiles> files = node.tls();
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
}
