package live.tributary.relay;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.AdminService;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.NodeStatus;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.admin.Via;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.Pace;
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
import live.tributary.mesh.serve.PeerDialler;
import live.tributary.mesh.serve.ServeLimits;
import live.tributary.mesh.serve.TorrentServer;
import live.tributary.mesh.serve.UtpRefusal;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.mesh.tracker.HttpTracker;
import live.tributary.mesh.tracker.Tracker;
import live.tributary.mesh.tracker.TrackerLimits;
import live.tributary.mesh.tracker.UdpTracker;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.relay.edge.Admission;
import live.tributary.relay.edge.Arrivals;
import live.tributary.relay.edge.CardService;
import live.tributary.relay.edge.ChunkAnswers;
import live.tributary.relay.edge.EdgeService;
import live.tributary.relay.edge.TorrentService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The relay: its options, and how its parts are wired. */
@Command(
        name = "relay",
        description = "Carries streams for others: fetches and verifies their chunks, and serves them to anybody.",
        subcommands = {Doctor.class, Purge.class})
final class RelayProgram implements Program {
    /** The name of the line of /status that says whether others can reach this relay. */
    static final String REACHABLE = "reachable";

    private static final Logger LOG = LoggerFactory.getLogger(RelayProgram.class);
    private static final int MAX_NET_THREADS = 4;
    private static final long STOP_SECONDS = 2;
    /** What the network stack may take outside the heap beside the chunks. */
    private static final long NETWORK_MEMORY = 256L * 1024 * 1024;

    @Mixin
    private NodeOptions node = new NodeOptions();

    @Mixin
    private CacheOptions cache = new CacheOptions();

    @Option(
            names = "--stream",
            paramLabel = "KEY",
            split = ",",
            description = "Stream to carry: its key, tributary:<key>, or a gateway's URL of it; repeatable.")
    private List<StreamKey> streams = new ArrayList<>();

    @Option(
            names = "--rendition",
            paramLabel = "NUMBER",
            split = ",",
            description = "Rendition to name as carried; repeatable (all unless given). All are fetched still.")
    private List<Integer> renditions = new ArrayList<>();

    @Option(
            names = "--max-peers",
            paramLabel = "NUMBER",
            defaultValue = "500",
            description = "Most BitTorrent clients served at a time.")
    private int maxPeers;

    @Option(
            names = "--deny",
            paramLabel = "FILE",
            description = "File of streams not to carry, and addresses or networks not to serve, one a line.")
    private Optional<Path> deny = Optional.empty();

    @Option(
            names = "--no-port-mapping",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Ask no router to forward the port (this version never does).")
    private boolean noPortMapping;

    @Override
    public ProgramKind kind() {
        return ProgramKind.RELAY;
    }

    @Override
    public Ready start(Lifecycle life) throws Exception {
        DenyList denied = denyList();
        check(denied);
        long memory = cache.memoryBytes();
        System.setProperty("io.netty.maxDirectMemory", Long.toString(memory + NETWORK_MEMORY));
        StateDirectory state = life.add(StateDirectory.open(node.data()));
        SecureRandom random = new SecureRandom();
        SigningKey key = KeyFile.readOrCreate(state.resolve("relay.key"), random);
        BitRate upload =
                node.maxUpload().orElseThrow(() -> new UsageException("--max-upload: none (expected: a rate)"));
        LOG.info("sends at most {} (--max-upload)", upload);

        Meters meters = new Meters();
        Transport transport = Transport.best();
        EventLoopGroup loops = transport.newGroup(
                "relay-net", Math.min(MAX_NET_THREADS, Runtime.getRuntime().availableProcessors()));
        life.add(() ->
                loops.shutdownGracefully(0, STOP_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly());
        ChunkStore store = life.add(store(memory));
        meters.gauge(store::memoryBytes, Meter.CACHE, "memory");
        meters.gauge(store::diskBytes, Meter.CACHE, "disk");
        Rendezvous rendezvous = Rendezvous.none();
        Optional<InetSocketAddress> dht = Optional.empty();
        if (node.dht()) {
            DhtRendezvous started = life.add(DhtRendezvous.start(DhtSettings.of(node, state.path()), random));
            rendezvous = started;
            dht = Optional.of(started.address());
            meters.gauge(started::tableSize, Meter.DHT_NODES);
            meters.gauge(started::storedItems, Meter.DHT_ITEMS);
        }
        UploadBudget budget = new UploadBudget(upload.bitsPerSecond(), System::nanoTime);
        TcpMeshNode mesh = life.add(new TcpMeshNode(
                config(key, upload), MeshParts.of(transport, loops, store, rendezvous, budget, meters)));

        Map<StreamKey, StreamView> carried = new ConcurrentHashMap<>();
        InstantSource clock = InstantSource.system();
        TorrentServer torrents = new TorrentServer(
                store,
                budget,
                ServeLimits.of(maxPeers, upload.bitsPerSecond()),
                meters,
                random,
                System::nanoTime,
                clock);
        meters.gauge(torrents::peers, Meter.PEERS);
        Tracker tracker = new Tracker(
                TrackerLimits.DEFAULT,
                node.dhtPrivate(),
                mesh::endpoints,
                new PeerDialler(torrents, transport.client(loops), node.dhtPrivate(), System::nanoTime),
                new SplittableRandom(random.nextLong()),
                System.nanoTime());
        Arrivals arrivals = new Arrivals();
        OwnCard.Facts facts = new OwnCard.Facts(
                mesh::endpoints, tlsName(), List.copyOf(renditions), upload.bitsPerSecond(), budget::loadPerMille);
        HttpServer http = new HttpServer(
                List.of(
                        new HttpTracker(tracker, meters, System::nanoTime),
                        new EdgeService(
                                stream -> Optional.ofNullable(carried.get(stream)),
                                new ChunkAnswers(store, arrivals, loops, clock),
                                new Admission(upload.bitsPerSecond(), budget::sent, System::nanoTime),
                                clock),
                        new TorrentService(carried::values, mesh::endpoints),
                        new CardService(new OwnCard(key, facts, clock), carried::values)),
                List.of(),
                HttpLimits.DEFAULT,
                pace(budget, meters));
        BoundPort port = life.add(BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(node.bind().stream().toList(), node.port()).refusing(denied::denies),
                new PortServices(List.of(mesh, torrents), http, tls()),
                Optional.of(() -> datagrams(new UdpTracker(tracker, meters, random, System::nanoTime)))));
        mesh.listeningOn(port.port());
        for (StreamKey stream : streams) {
            StreamView view = mesh.carry(stream, NodeRole.RELAY);
            view.addListener(arrivals);
            carried.put(stream, view);
            tracker.carry(view);
            torrents.carry(view);
        }
        NodeStatus status = new NodeStatus(kind(), key.relayKey(), meters, carried::values, clock);
        status.note(
                REACHABLE,
                new Reachability(mesh::endpoints, () -> port.fromOutside(true), () -> port.fromOutside(false))::text);
        status.note("port-mapping", () -> noPortMapping ? "none, as told" : "none: this version asks no router");
        BoundPort admin = life.add(admin(transport, loops, meters, status));
        mesh.restore().thenAccept(found -> {
            if (found.chunks() > 0 || found.damaged() > 0) {
                LOG.info(
                        "cache on disk: {} chunks from before, {} damaged files set aside",
                        found.chunks(),
                        found.damaged());
            }
        });

        Ready ready = Ready.of(kind(), key.relayKey().text())
                .tcp(port.tcp().get(0))
                .udp(port.udp().get(0));
        return (dht.isPresent() ? ready.dht(dht.get()) : ready)
                .http(port.tcp().get(0))
                .admin(admin.tcp().get(0));
    }

    /** What is spoken on the UDP port: the tracker, and to those who try uTP that they had better use TCP. */
    private static ChannelHandler datagrams(UdpTracker tracker) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(tracker, new UtpRefusal());
            }
        };
    }

    private DenyList denyList() throws StartException {
        if (deny.isEmpty()) {
            return DenyList.EMPTY;
        }
        try {
            return DenyList.read(deny.get());
        } catch (IOException e) {
            throw new StartException("--deny: " + e.getMessage(), e);
        }
    }

    private void check(DenyList denied) {
        if (streams.isEmpty()) {
            throw new UsageException(
                    "--stream: none (expected: at least one; a relay carries only what it is told to)");
        }
        streams.stream().filter(denied::denies).findFirst().ifPresent(stream -> {
            throw new UsageException("--stream: " + stream + " (expected: none that --deny names)");
        });
        for (int rendition : renditions) {
            if (rendition < 0 || rendition > ChunkId.MAX_RENDITION) {
                throw new UsageException("--rendition: " + rendition + " (expected: 0.." + ChunkId.MAX_RENDITION + ")");
            }
        }
        if (maxPeers <= 0) {
            throw new UsageException("--max-peers: " + maxPeers + " (expected: > 0)");
        }
    }

    private ChunkStore store(long memory) throws StartException {
        if (cache.diskBytes() == 0) {
            return ChunkStore.inMemory(memory);
        }
        try {
            return ChunkStore.withDisk(memory, CacheOptions.directory(node), cache.diskBytes());
        } catch (IOException e) {
            throw new StartException(CacheOptions.directory(node) + ": not usable as cache (" + e + ")", e);
        }
    }

    private MeshNodeConfig config(SigningKey key, BitRate upload) {
        return MeshNodeConfig.of(key)
                .withPeers(node.peers().stream().map(RelayProgram::unresolved).toList())
                .withPublicAddresses(publicAddresses())
                .withPrivateAddresses(node.dhtPrivate())
                .withUploadBitsPerSecond(upload.bitsPerSecond())
                .withRenditions(renditions)
                .withTlsName(tlsName())
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

    /** Known only where the operator names it; whether it is in the certificate, clients see. */
    private Optional<String> tlsName() {
        return node.tls().flatMap(files -> node.publicHost());
    }

    private BoundPort admin(Transport transport, EventLoopGroup loops, Meters meters, NodeStatus status)
            throws IOException {
        HttpServer http = HttpServer.of(new AdminService(meters, status, loops));
        InetSocketAddress address =
                new InetSocketAddress(node.admin().host(), node.admin().port());
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

    private static Pace pace(UploadBudget budget, Meters meters) {
        Tally sent = meters.tally(Meter.SENT, PeerKind.VIEWER, Via.HTTP);
        return bytes -> {
            long wait = budget.take(UploadBudget.Purpose.LIVE_TO_VIEWERS, bytes);
            if (wait == 0) {
                sent.add(bytes);
            }
            return wait;
        };
    }
}
