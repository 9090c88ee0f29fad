package live.tributary.relay;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.NodeStatus;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.admin.Via;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpTallies;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.node.ProgramNode;
import live.tributary.mesh.node.StreamMemory;
import live.tributary.mesh.program.BitRate;
import live.tributary.mesh.program.DenyList;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.Lifecycle;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.Program;
import live.tributary.mesh.program.ProgramKind;
import live.tributary.mesh.program.Ready;
import live.tributary.mesh.program.StartException;
import live.tributary.mesh.program.StateDirectory;
import live.tributary.mesh.program.UsageException;
import live.tributary.mesh.serve.PeerDialler;
import live.tributary.mesh.serve.ServeLimits;
import live.tributary.mesh.serve.TorrentServer;
import live.tributary.mesh.serve.UtpRefusal;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.mesh.tracker.HttpTracker;
import live.tributary.mesh.tracker.Tracker;
import live.tributary.mesh.tracker.TrackerLimits;
import live.tributary.mesh.tracker.UdpTracker;
import live.tributary.mesh.tracker.WebSocketTracker;
import live.tributary.mesh.tracker.WebTracker;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.relay.bucket.Courier;
import live.tributary.relay.bucket.PinnedPut;
import live.tributary.relay.cache.RegionalCache;
import live.tributary.relay.edge.Admission;
import live.tributary.relay.edge.Arrivals;
import live.tributary.relay.edge.CardService;
import live.tributary.relay.edge.ChunkAnswers;
import live.tributary.relay.edge.EdgeService;
import live.tributary.relay.edge.TorrentService;
import live.tributary.relay.nat.HomeRouters;
import live.tributary.relay.nat.PortMapper;
import live.tributary.relay.nat.UdpChecks;
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
    /** The name of the line that says what the router does. */
    static final String PORT_MAPPING = "port-mapping";

    private static final Logger LOG = LoggerFactory.getLogger(RelayProgram.class);
    /** How often the region is looked at. */
    private static final long REGION_SECONDS = 10;
    /** How often those are looked for whose UDP port is to be checked. */
    private static final long UDP_SECONDS = 15;

    private static final int MAX_NET_THREADS = 4;
    /** How long a relay that stops waits for its viewers to come by and be sent elsewhere. */
    private static final Duration SENDING_ELSEWHERE = Duration.ofSeconds(2);
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
            description = "Rendition to carry; repeatable (all unless given).")
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
            description = "Ask no router to forward the port.")
    private boolean noPortMapping;

    @Option(
            names = "--no-bucket-uploads",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Write no chunk to the origin's bucket in its stead; it then does so itself.")
    private boolean noBucketUploads;

    @Override
    public ProgramKind kind() {
        return ProgramKind.RELAY;
    }

    @Override
    public Ready start(Lifecycle life) throws Exception {
        DenyList denied = DenyList.readOrEmpty(deny);
        check(denied);
        long memory = cache.memoryBytes();
        Duration history = cache.history();
        System.setProperty("io.netty.maxDirectMemory", Long.toString(memory + NETWORK_MEMORY));
        StateDirectory state = life.add(StateDirectory.open(node.data()));
        SecureRandom random = new SecureRandom();
        SigningKey key = KeyFile.readOrCreate(state.resolve("relay.key"), random);
        BitRate upload =
                node.maxUpload().orElseThrow(() -> new UsageException("--max-upload: none (expected: a rate)"));
        ChunkStore store = store(memory);
        ProgramNode own = new ProgramNode(
                node,
                life,
                new ProgramNode.Plan(
                        kind(),
                        key,
                        MAX_NET_THREADS,
                        upload.bitsPerSecond(),
                        upload.bitsPerSecond(),
                        state.path(),
                        cache.region().map(place -> place.latitude() + "," + place.longitude())),
                store,
                config -> config.renditions(renditions).region(cache.region()).history(history),
                random);
        LOG.info("sends at most {} (--max-upload)", upload);
        Meters meters = own.meters();
        meters.gauge(store::memoryBytes, Meter.CACHE, "memory");
        meters.gauge(store::diskBytes, Meter.CACHE, "disk");
        UploadBudget budget = own.budget();
        TcpMeshNode mesh = own.mesh();

        CarriedStreams carried = life.add(new CarriedStreams());
        InstantSource clock = InstantSource.system();
        TorrentServer torrents = new TorrentServer(
                store,
                budget,
                ServeLimits.of(maxPeers, upload.bitsPerSecond()),
                node.dhtPrivate(),
                meters,
                random,
                System::nanoTime,
                clock);
        RegionalCache region = new RegionalCache(key.relayKey(), cache.region(), carried::all, mesh::fetch, clock);
        store.keep(region::isOurs);
        meters.gauge(region::held, Meter.REGION_SHARE, "held");
        meters.gauge(region::lacking, Meter.REGION_SHARE, "lacking");
        Tracker tracker = new Tracker(
                TrackerLimits.DEFAULT,
                node.dhtPrivate(),
                mesh::endpoints,
                region::isNear,
                new PeerDialler(
                        torrents,
                        own.transport().client(own.loops()),
                        own.exchanges(),
                        node.dhtPrivate(),
                        System::nanoTime),
                new SplittableRandom(random.nextLong()),
                System.nanoTime());
        Arrivals arrivals = new Arrivals();
        OwnCard.Facts facts = new OwnCard.Facts(
                mesh::endpoints,
                own.tlsName(),
                List.copyOf(renditions),
                cache.region(),
                upload.bitsPerSecond(),
                budget::loadPerMille);
        Admission admission = new Admission(upload.bitsPerSecond(), budget::sent, System::nanoTime);
        HttpTracker httpTracker = new HttpTracker(tracker, meters, System::nanoTime);
        HttpServer http = new HttpServer(
                List.of(
                        httpTracker,
                        new EdgeService(
                                carried::find,
                                new ChunkAnswers(store, arrivals, own.loops(), region::keepers, clock),
                                admission,
                                clock),
                        new TorrentService(carried::all, mesh::endpoints),
                        new CardService(new OwnCard(key, facts, clock), carried::all)),
                List.of(WebSocketTracker.everywhere(
                        new WebTracker(TrackerLimits.DEFAULT, carried::all, random, System.nanoTime()),
                        meters,
                        System::nanoTime)),
                HttpLimits.DEFAULT,
                own.viewersPace(),
                new HttpTallies(meters),
                Optional.of(httpTracker));
        BoundPort port = life.add(BoundPort.bind(
                own.transport(),
                own.loops(),
                BoundPort.Config.of(node.bind().stream().toList(), node.port()).refusing(denied::denies),
                own.services(List.of(mesh, torrents), http),
                Optional.of(() -> datagrams(new UdpTracker(tracker, meters, random, System::nanoTime)))));
        mesh.listeningOn(port.port());
        Tally toBuckets = meters.tally(Meter.SENT, PeerKind.BUCKET, Via.HTTP);
        PinnedPut put = life.add(new PinnedPut(
                node.dhtPrivate(), bytes -> budget.take(UploadBudget.Purpose.BUCKET, bytes), toBuckets::add));
        CarriedStreams.Carrying carrying = stream -> {
            StreamView view = mesh.carry(stream, NodeRole.RELAY);
            view.addListener(arrivals);
            if (!noBucketUploads) {
                view.addListener(
                        life.add(new Courier(stream, view::record, key.relayKey(), mesh.chunks(), put, clock)));
            }
            tracker.carry(view);
            torrents.carry(view);
            return view;
        };
        carried.start(streams, denied::denies, carrying, StreamMemory.open(state.path()), mesh);
        NodeStatus status = new NodeStatus(kind(), key.relayKey(), meters, carried::all, clock);
        status.note(
                REACHABLE,
                new Reachability(
                        mesh::endpoints,
                        new Reachability.Incoming(() -> port.fromOutside(true), () -> port.datagramFromOutside(true)),
                        new Reachability.Incoming(() -> port.fromOutside(false), () -> port.datagramFromOutside(false)),
                        () -> meters.sum(Meter.SENT))::text);
        Optional<PortMapper> mapper = mapsPort() ? Optional.of(life.add(mapper(mesh, port.port()))) : Optional.empty();
        status.note(
                PORT_MAPPING,
                mapper.<Supplier<String>>map(running -> running::text).orElse(this::notMapped));
        for (String protocol : HomeRouters.PROTOCOLS) {
            meters.gauge(
                    () -> mapper.flatMap(PortMapper::protocol).equals(Optional.of(protocol)) ? 1 : 0,
                    Meter.PORT_MAPPED,
                    protocol);
        }
        UdpChecks udp = new UdpChecks(carried::relayEndpoints, port::send, random, System::nanoTime);
        own.loops().scheduleWithFixedDelay(region::look, REGION_SECONDS, REGION_SECONDS, TimeUnit.SECONDS);
        own.loops().next().scheduleWithFixedDelay(udp::look, UDP_SECONDS, UDP_SECONDS, TimeUnit.SECONDS);
        Ready ready = own.ready(key.relayKey().text(), port, status);
        own.restore();
        life.add(() -> {
            admission.leave(SENDING_ELSEWHERE); // The first thing that ends: all else still works.
            mapper.ifPresent(PortMapper::stopSoon); // The router may take its time, while the rest ends.
        });
        return ready;
    }

    private boolean mapsPort() {
        return !noPortMapping && !onLoopbackOnly();
    }

    private String notMapped() {
        return noPortMapping ? "none, as told" : "none: bound to this machine alone";
    }

    /** Asks the router in the background. */
    private PortMapper mapper(TcpMeshNode mesh, int port) {
        return new PortMapper(
                new HomeRouters(),
                port,
                address -> node.dhtPrivate() || Endpoint.isGlobalUnicast(address),
                mesh::mapped,
                mesh::unmapped);
    }

    private boolean onLoopbackOnly() {
        return node.bind().map(InetAddress::isLoopbackAddress).orElse(false);
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
}
