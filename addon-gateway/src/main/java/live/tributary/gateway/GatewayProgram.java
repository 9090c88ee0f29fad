package live.tributary.gateway;

import io.netty.bootstrap.Bootstrap;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import live.tributary.gateway.geo.Cidr;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.GeoDatabase;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.PieceFetch;
import live.tributary.gateway.http.WirePieceFetch;
import live.tributary.gateway.live.FollowedStreams;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.notify.NotifyLimits;
import live.tributary.gateway.notify.NotifyService;
import live.tributary.gateway.probe.TorrentFetch;
import live.tributary.gateway.ranking.Probes;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayHealth.Via;
import live.tributary.gateway.ranking.WireProbes;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.NodeStatus;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.MeshNodeConfig;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.node.ProgramNode;
import live.tributary.mesh.node.StreamMemory;
import live.tributary.mesh.program.BitRate;
import live.tributary.mesh.program.DenyList;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.Lifecycle;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.Program;
import live.tributary.mesh.program.ProgramKind;
import live.tributary.mesh.program.ProgramVersion;
import live.tributary.mesh.program.Ready;
import live.tributary.mesh.program.StartException;
import live.tributary.mesh.program.StateDirectory;
import live.tributary.mesh.program.UsageException;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.mesh.tracker.TrackerLimits;
import live.tributary.mesh.tracker.WebSocketTracker;
import live.tributary.mesh.tracker.WebTracker;
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
                "Listens to streams' meshes and sends each viewer to the best relays: Stremio add-on, live playlists,"
                        + " web page.")
final class GatewayProgram implements Program {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayProgram.class);
    private static final String ADDON_ID = "live.tributary.gateway";
    private static final String WEB_SOCKET_TRACKER = "/ws";
    private static final String ADDON_NAME = "Tributary";
    private static final int MAX_NET_THREADS = 4;
    private static final Duration WIRE_PATIENCE = Duration.ofSeconds(20);
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

    @Option(
            names = "--open",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "List any stream whose origin pushes it to /notify, too.")
    private boolean open;

    @Option(
            names = "--open-streams",
            paramLabel = "NUMBER",
            defaultValue = "32",
            description = "Most streams that --open lists at a time.")
    private int openStreams;

    @Option(
            names = "--deny",
            paramLabel = "FILE",
            description = "File of streams not to list, and addresses or networks not to serve, one a line.")
    private Optional<Path> deny = Optional.empty();

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
        DenyList denied = DenyList.readOrEmpty(deny);
        check(denied);
        StateDirectory state = life.add(StateDirectory.open(node.data()));
        SecureRandom random = new SecureRandom();
        SigningKey key = KeyFile.readOrCreate(state.resolve("gateway.key"), random);
        Locator locator = locator(life);

        long upload = node.maxUpload().map(BitRate::bitsPerSecond).orElse(USUAL_UPLOAD);
        ProgramNode own = new ProgramNode(
                node,
                life,
                new ProgramNode.Plan(kind(), key, MAX_NET_THREADS, upload, upload, state.path()),
                ChunkStore.inMemory(NO_CHUNKS),
                config -> {},
                random);
        TcpMeshNode mesh = own.mesh();

        ListedStreams listed = new ListedStreams();
        InstantSource clock = InstantSource.system();
        RelayHealth health = new RelayHealth();
        HttpService gateway = Gateway.of(policy(), listed, locator, health, own.meters(), clock, System::nanoTime);
        NotifyService notify = life.add(notify(key, mesh, listed, denied, own.meters(), clock, random));
        BoundPort port = life.add(BoundPort.bind(
                own.transport(),
                own.loops(),
                BoundPort.Config.of(node.bind().stream().toList(), node.port()).refusing(denied::denies),
                own.services(List.of(mesh), http(gateway, notify, listed, own.meters(), random)),
                Optional.empty()));
        mesh.listeningOn(port.port());
        life.add(FollowedStreams.start(streams, denied::denies, listed, StreamMemory.open(state.path()), mesh));
        if (!fallbackOnly) {
            life.add(probing(health, listed, own.transport().client(own.loops()), random));
            life.add(wireProbing(health, listed, life.add(new TorrentFetch(dialledFrom(), WIRE_PATIENCE))));
        }
        NodeStatus status = new NodeStatus(kind(), key.relayKey(), own.meters(), listed::all, clock);
        status.note("geo", () -> geoDatabases.isEmpty() ? "none: all relays count as equally near" : "from --geo-db");
        return own.ready(key.relayKey().text(), port, status);
    }

    /** All paths, and at {@code /ws} the tracker for browsers. */
    private HttpServer http(
            HttpService gateway, NotifyService notify, ListedStreams listed, Meters meters, SecureRandom random) {
        ClientAddress client = new ClientAddress(trustedProxies);
        WebSocketTracker tracker = new WebSocketTracker(
                new WebTracker(TrackerLimits.DEFAULT, listed::all, random, System.nanoTime()),
                WEB_SOCKET_TRACKER::equals,
                query -> client.of(query.remote().getAddress(), query.headers()),
                meters,
                System::nanoTime);
        return new HttpServer(List.of(gateway), List.of(tracker, notify), HttpLimits.DEFAULT, Pace.UNLIMITED);
    }

    /** Asks relays for pieces from a thread of its own; what comes of it is written down by the event loops. */
    private static AutoCloseable probing(
            RelayHealth health, ListedStreams listed, Bootstrap dialling, SecureRandom random) {
        SplittableRandom jitter = new SplittableRandom(random.nextLong());
        Probes probes = new Probes(health, jitter);
        PieceFetch byHttp = new PieceFetch(dialling);
        WirePieceFetch byWire = new WirePieceFetch(dialling, jitter);
        ScheduledExecutorService thread =
                Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("gateway-probes", true));
        Runnable round = () -> {
            try {
                probes.due(listed.all(), System.nanoTime())
                        .forEach(probe -> (switch (probe.via()) {
                                    case HTTP -> byHttp.fetch(probe.endpoint(), probe.record(), probe.piece());
                                    case WIRE -> byWire.fetch(probe.endpoint(), probe.record(), probe.piece());
                                })
                                .thenAccept(outcome ->
                                        health.record(probe.relay(), probe.endpoint(), probe.via(), outcome)));
            } catch (RuntimeException e) {
                LOG.error("a round of probes failed", e);
            }
        };
        thread.scheduleAtFixedRate(round, 1, 1, TimeUnit.SECONDS);
        return thread::shutdownNow;
    }

    /** Asks a relay for a chunk as a BitTorrent client, now and then; all on one thread. */
    private static AutoCloseable wireProbing(RelayHealth health, ListedStreams listed, TorrentFetch torrents) {
        WireProbes probes = new WireProbes(health, torrents::takes);
        ScheduledExecutorService thread =
                Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("gateway-wire-probes", true));
        Runnable round = () -> {
            try {
                probes.due(listed.all(), System.nanoTime())
                        .ifPresent(probe -> torrents.fetch(probe.endpoint(), probe.record())
                                .whenCompleteAsync(
                                        (outcome, failure) -> {
                                            probes.done();
                                            if (outcome != null) {
                                                health.record(probe.relay(), probe.endpoint(), Via.WIRE, outcome);
                                            }
                                        },
                                        thread));
            } catch (RuntimeException e) {
                probes.done();
                LOG.error("a relay could not be asked as a BitTorrent client", e);
            }
        };
        thread.scheduleAtFixedRate(round, 1, 1, TimeUnit.SECONDS);
        return thread::shutdownNow;
    }

    private InetAddress dialledFrom() {
        return node.bind().orElseGet(() -> new InetSocketAddress(0).getAddress());
    }

    private NotifyService notify(
            SigningKey key,
            TcpMeshNode mesh,
            ListedStreams listed,
            DenyList denied,
            Meters meters,
            InstantSource clock,
            SecureRandom random) {
        NotifyLimits limits = NotifyLimits.DEFAULT.withOpenStreams(openStreams);
        ClientAddress addresses = new ClientAddress(trustedProxies);
        return new NotifyService(
                new NotifyService.Policy(
                        open,
                        denied::denies,
                        node.dhtPrivate() ? limits.withoutNetworks() : limits,
                        MeshNodeConfig.DEFAULT_HISTORY),
                key,
                mesh,
                listed,
                query -> addresses.of(query.remote().getAddress(), query.headers()),
                meters,
                clock,
                random);
    }

    private void check(DenyList denied) {
        if (streams.isEmpty() && !open) {
            throw new UsageException("--stream: none (expected: at least one, or --open)");
        }
        if (openStreams <= 0) {
            throw new UsageException("--open-streams: " + openStreams + " (expected: > 0)");
        }
        streams.stream().filter(denied::denies).findFirst().ifPresent(stream -> {
            throw new UsageException("--stream: " + stream + " (expected: none that --deny names)");
        });
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
}
