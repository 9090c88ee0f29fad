package live.tributary.origin;

import io.netty.buffer.ByteBufUtil;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.admin.ChunkOutcome;
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
import live.tributary.mesh.program.BitRate;
import live.tributary.mesh.program.ByteSize;
import live.tributary.mesh.program.DirectMemory;
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
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.mesh.tracker.HttpTracker;
import live.tributary.mesh.tracker.Tracker;
import live.tributary.mesh.tracker.TrackerLimits;
import live.tributary.mesh.tracker.UdpTracker;
import live.tributary.origin.fallback.Bucket;
import live.tributary.origin.fallback.BucketSettings;
import live.tributary.origin.http.OriginService;
import live.tributary.origin.http.OwnServices;
import live.tributary.origin.ingest.FeedIngest;
import live.tributary.origin.ingest.FeedName;
import live.tributary.origin.keys.FormerKeys;
import live.tributary.origin.keys.FormerStream;
import live.tributary.origin.notify.GatewayPush;
import live.tributary.origin.notify.NotifyTarget;
import live.tributary.origin.owncast.HookToken;
import live.tributary.origin.owncast.Owncast;
import live.tributary.origin.publish.AboutText;
import live.tributary.origin.publish.StreamOrigin;
import live.tributary.origin.standby.OwnStream;
import live.tributary.origin.standby.Standby;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The origin: its options, and how its parts are wired. */
@Command(
        name = "origin",
        description = "Publishes a feed to the mesh: signs its chunks, and sends each once.",
        subcommands = {Keygen.class, Id.class, Rotate.class, Revoke.class, Cost.class})
final class OriginProgram implements Program {
    private static final Logger log = LoggerFactory.getLogger(OriginProgram.class);

    private static final int MAX_NET_THREADS = 2;
    private static final long MAX_MEMORY = 128_000_000;
    /** What the network stack may take outside the heap beside the chunks. */
    private static final long NETWORK_MEMORY = 128L * 1024 * 1024;
    /** The most BitTorrent clients that the origin itself serves: relays are there for them. */
    private static final int MAX_PEERS = 50;
    /** What the swarm may plan with where nobody said how wide the uplink is. */
    private static final long UNKNOWN_UPLINK = 100_000_000;

    /** How long an origin that stands by listens before it believes that nobody publishes. */
    private static final Duration LOOK_AROUND = Duration.ofSeconds(15);

    private static final long NO_LIMIT = 100_000_000_000L;
    /** A key younger than this has no past that the mesh could remember. */
    private static final Duration FRESH_KEY = Duration.ofMinutes(10);

    @Mixin
    private NodeOptions node = new NodeOptions();

    @Mixin
    private BucketOptions bucketOptions = new BucketOptions();

    @Option(
            names = "--hls",
            paramLabel = "PATH|URL",
            description = "The feed: a folder, a media or master playlist, or its http(s) URL.")
    private Optional<String> hls = Optional.empty();

    @Option(
            names = "--loop",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Play a finished feed as live, over and over.")
    private boolean loop;

    @Option(
            names = "--hls-allow-host",
            paramLabel = "HOST",
            split = ",",
            description = "Further host that a feed on the web may name; repeatable.")
    private Set<String> allowedHosts = new LinkedHashSet<>();

    @Option(names = "--name", paramLabel = "NAME", defaultValue = "Live", description = "What the stream is called.")
    private String name = "Live";

    @Option(
            names = "--key",
            paramLabel = "FILE",
            description = "The stream's private key (stream.key in --data unless given; made if missing).")
    private Optional<Path> keyFile = Optional.empty();

    @Option(
            names = "--history",
            paramLabel = "TIME",
            defaultValue = "1h",
            description = "How long chunks are kept, here and in the bucket.")
    private Duration history = Duration.ofHours(1);

    @Option(
            names = "--owncast",
            paramLabel = "URL",
            description = "The Owncast whose feed this is: its name, title and tags are the stream's.")
    private Optional<URI> owncast = Optional.empty();

    @Option(
            names = "--standby",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "One of two origins with the same key: follow the other, and publish while it is quiet.")
    private boolean standby;

    @Option(
            names = "--last-words",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description =
                    "Publish nothing: say that the former keys in --data were rotated or revoked, to all who link.")
    private boolean lastWords;

    @Option(
            names = "--notify",
            paramLabel = "WS-URL",
            split = ",",
            converter = NotifyConverter.class,
            description = "Gateway to push the stream to: ws[s]://host:port/notify, with #<its key> to take no other;"
                    + " repeatable.")
    private List<NotifyTarget> gateways = new ArrayList<>();

    @Option(
            names = "--owncast-public-url",
            paramLabel = "URL",
            description =
                    "Where viewers find it, https: its logo there is the stream's poster (--owncast unless given).")
    private Optional<URI> owncastForViewers = Optional.empty();

    @Option(
            names = "--cache-disk",
            paramLabel = "SIZE",
            defaultValue = "5GB",
            description = "Disk for the history's chunks, under --data.")
    private ByteSize disk = new ByteSize(0);

    /** Of a gateway's {@code /notify}. */
    static final class NotifyConverter implements ITypeConverter<NotifyTarget> {
        @Override
        public NotifyTarget convert(String value) {
            try {
                return NotifyTarget.parse(value);
            } catch (IllegalArgumentException e) {
                TypeConversionException refused = new TypeConversionException(e.getMessage());
                refused.initCause(e);
                throw refused;
            }
        }
    }

    @Override
    public ProgramKind kind() {
        return ProgramKind.ORIGIN;
    }

    @Override
    public Ready start(Lifecycle life) throws Exception {
        String feed = feed();
        if (history.isNegative() || history.isZero()) {
            throw new UsageException("--history: " + history + " (expected: > 0, as 1h)");
        }
        Optional<BucketSettings> bucketSettings = bucketOptions.settings();
        long memory = Math.max(ChunkRecord.MAX_CHUNK, Math.min(MAX_MEMORY, DirectMemory.forChunks()));
        System.setProperty("io.netty.maxDirectMemory", Long.toString(memory + NETWORK_MEMORY));
        StateDirectory state = life.add(StateDirectory.open(node.data()));
        SecureRandom random = new SecureRandom();
        SigningKey nodeKey = KeyFile.readOrCreate(state.resolve("node.key"), random);
        List<FormerKeys.Former> formers = new FormerKeys(state.path()).all();
        Path streamKeyFile = keyFile.orElse(state.resolve("stream.key"));
        boolean oldKey = isOld(streamKeyFile);
        SigningKey streamKey = lastWords ? lastOf(formers, state) : KeyFile.readOrCreate(streamKeyFile, random);
        if (new FeedName(feed).isOutputOf(streamKey.streamKey())) {
            throw new UsageException("--hls: " + feed + " (expected: the encoder's feed, not this stream itself)");
        }

        InstantSource clock = InstantSource.system();
        ChunkStore store = store(memory);
        ProgramNode ownNode = new ProgramNode(
                node,
                life,
                new ProgramNode.Plan(
                        kind(),
                        nodeKey,
                        MAX_NET_THREADS,
                        node.maxUpload().map(BitRate::bitsPerSecond).orElse(NO_LIMIT),
                        uplink(),
                        state.path()),
                store,
                config -> config.history(history),
                random);
        Meters meters = ownNode.meters();
        meters.gauge(store::memoryBytes, Meter.CACHE, "memory");
        meters.gauge(store::diskBytes, Meter.CACHE, "disk");
        UploadBudget budget = ownNode.budget();
        TcpMeshNode mesh = ownNode.mesh();
        TorrentServer torrents = new TorrentServer(
                store,
                budget,
                ServeLimits.of(MAX_PEERS, uplink()),
                node.dhtPrivate(),
                meters,
                random,
                System::nanoTime,
                clock);
        meters.gauge(torrents::peers, Meter.PEERS);
        Tracker tracker = new Tracker(
                TrackerLimits.DEFAULT,
                node.dhtPrivate(),
                mesh::endpoints,
                relay -> false,
                new PeerDialler(
                        torrents,
                        ownNode.transport().client(ownNode.loops()),
                        ownNode.exchanges(),
                        node.dhtPrivate(),
                        System::nanoTime),
                new SplittableRandom(random.nextLong()),
                System.nanoTime());
        OwnServices own = new OwnServices();
        HttpTracker httpTracker = new HttpTracker(tracker, meters, System::nanoTime);
        HttpServer http = new HttpServer(
                List.of(httpTracker, own),
                List.of(),
                HttpLimits.DEFAULT,
                ownNode.viewersPace(),
                new HttpTallies(meters),
                Optional.of(httpTracker));
        BoundPort port = life.add(BoundPort.bind(
                ownNode.transport(),
                ownNode.loops(),
                BoundPort.Config.of(node.bind().stream().toList(), node.port()),
                ownNode.services(List.of(mesh, torrents), http),
                Optional.of(() -> new UdpTracker(tracker, meters, random, System::nanoTime))));
        mesh.listeningOn(port.port());
        Optional<OwnStream> following = standby ? Optional.of(new OwnStream(mesh, streamKey)) : Optional.empty();
        StreamPublisher publisher =
                following.<StreamPublisher>map(stream -> stream).orElseGet(() -> mesh.publish(streamKey));
        tracker.carry(publisher.view());
        torrents.carry(publisher.view());
        own.add(new OriginService(publisher.view(), mesh.chunks()));
        NodeStatus status =
                new NodeStatus(kind(), streamKey.streamKey(), meters, () -> List.of(publisher.view()), clock);
        Ready ready = ownNode.ready(streamKey.streamKey().text(), port, status);
        ownNode.restore();

        Standby.Term terms = (known, head) ->
                term(known, head, publisher, streamKey, bucketSettings, state, clock, ownNode, random, store::isOnDisk);
        List<GatewayPush.Pushed> pushed = new ArrayList<>();
        if (!lastWords) {
            pushed.add(new GatewayPush.Pushed(streamKey, publisher.view()));
        }
        for (FormerKeys.Former former : formers) {
            log.info("{}: said to whoever asks for the old key", former.end());
            FormerStream said = life.add(new FormerStream(former, name, mesh, mesh::endpoints, clock));
            pushed.add(new GatewayPush.Pushed(former.key(), said.view()));
        }
        notifyGateways(life, ownNode, pushed, status, random);
        if (lastWords) {
            return ready;
        }
        Consumer<AboutText> words;
        Runnable hint;
        if (following.isPresent()) {
            Standby pair = life.add(new Standby(
                    following.get(),
                    new FeedIngest.Config(feed, loop, allowedHosts, Map.of()),
                    terms,
                    clock,
                    System::nanoTime,
                    LOOK_AROUND));
            status.note("feed", pair::feedText);
            status.alarm("feed", pair::alarm);
            meters.gauge(pair::silenceSeconds, Meter.FEED_SILENCE);
            status.note("origin", pair::text);
            words = pair::describe;
            hint = pair::hint;
            pair.start();
        } else {
            Standby.Tenure tenure = terms.begin(List.of(), Optional.empty());
            tenure.parts().forEach(life::add);
            StreamOrigin origin = tenure.origin();
            FeedIngest.Config ingest = new FeedIngest.Config(feed, loop, allowedHosts, origin.lastSegments());
            Broadcast broadcast = life.add(
                    new Broadcast(new Broadcast.Feed(ingest, oldKey && !origin.remembers()), origin, publisher, clock));
            status.note("feed", origin::feedText);
            status.alarm("feed", origin::alarm);
            meters.gauge(origin::silenceSeconds, Meter.FEED_SILENCE);
            status.note("origin", broadcast::text);
            words = origin::describe;
            hint = broadcast::hint;
            broadcast.start();
        }
        if (owncast.isPresent()) {
            String token = HookToken.readOrCreate(state.resolve("owncast.token"), random);
            Owncast asked = life.add(new Owncast(owncast.get(), owncastForViewers, token, name, words, hint));
            own.add(asked);
            asked.start();
            log.info("Owncast's webhook for this origin: POST /owncast/{} on port {}", token, port.port());
        }
        return ready;
    }

    private String feed() {
        if (lastWords) {
            if (hls.isPresent() || standby) {
                throw new UsageException("--last-words: with a feed (expected: neither --hls nor --standby)");
            }
            return "";
        }
        String feed =
                hls.orElseThrow(() -> new UsageException("--hls: none (expected: a folder, a playlist, or a URL)"));
        try {
            return FeedName.parse(feed).text();
        } catch (IllegalArgumentException e) {
            throw new UsageException("--hls: " + e.getMessage());
        }
    }

    private static SigningKey lastOf(List<FormerKeys.Former> formers, StateDirectory state) throws StartException {
        if (formers.isEmpty()) {
            throw new StartException(
                    "--last-words: no former key in " + state.path() + " (expected: one that was rotated or revoked)");
        }
        return formers.get(formers.size() - 1).key();
    }

    /** Begins a term: what publishes in it, and the bucket's copy. */
    private Standby.Tenure term(
            List<ChunkRecord> known,
            Optional<SignedHead> head,
            StreamPublisher publisher,
            SigningKey streamKey,
            Optional<BucketSettings> bucket,
            StateDirectory state,
            InstantSource clock,
            ProgramNode own,
            SecureRandom random,
            Predicate<ChunkRecord> safe)
            throws IOException {
        List<StreamOrigin.ChunkListener> copies = new CopyOnWriteArrayList<>();
        StreamOrigin origin = new StreamOrigin(
                new StreamOrigin.Config(
                        streamKey,
                        state.resolve("publish.state"),
                        AboutText.named(name),
                        term -> bucket.map(settings -> Bucket.publicUrl(settings, streamKey, term))),
                publisher,
                new StreamOrigin.Surroundings(
                        clock,
                        System::nanoTime,
                        own.mesh()::endpoints,
                        own.meters().tally(Meter.CHUNKS, ChunkOutcome.MISSED)::add,
                        safe,
                        (record, bytes) -> copies.forEach(copy -> copy.published(record, bytes))));
        origin.adopt(known, head);
        if (bucket.isEmpty()) {
            return new Standby.Tenure(origin, List.of());
        }
        Tally sent = own.meters().tally(Meter.SENT, PeerKind.BUCKET, Via.HTTP);
        Bucket copy = new Bucket(
                bucket.get(),
                streamKey,
                origin.term(),
                state.resolve("bucket.journal"),
                history,
                publisher,
                new Bucket.Surroundings(
                        clock,
                        System::nanoTime,
                        new SplittableRandom(random.nextLong()),
                        bucketOptions.byRelays(node.dhtPrivate()),
                        bytes -> own.budget().take(UploadBudget.Purpose.BUCKET, bytes),
                        sent::add,
                        record -> bytes(own.mesh().chunks(), record),
                        why -> origin.trouble("bucket", why)));
        copies.add(copy::published);
        copy.start();
        return new Standby.Tenure(origin, List.of(copy));
    }

    private static Optional<byte[]> bytes(ChunkBytes chunks, ChunkRecord record) {
        return chunks.read(record, 0, record.length()).map(held -> {
            try {
                return ByteBufUtil.getBytes(held);
            } finally {
                held.release();
            }
        });
    }

    private void notifyGateways(
            Lifecycle life, ProgramNode own, List<GatewayPush.Pushed> pushed, NodeStatus status, SecureRandom random)
            throws SSLException {
        if (gateways.isEmpty()) {
            return;
        }
        ExecutorService names = Executors.newSingleThreadExecutor(new DefaultThreadFactory("notify-names", true));
        life.add(names::shutdownNow);
        GatewayPush.Surroundings around = new GatewayPush.Surroundings(
                own.loops(),
                own.transport().client(own.loops()),
                SslContextBuilder.forClient()
                        .endpointIdentificationAlgorithm("HTTPS")
                        .build(),
                names,
                bytes -> own.budget().take(UploadBudget.Purpose.LIVE_TO_RELAYS, bytes),
                own.meters(),
                random);
        List<GatewayPush> pushes = gateways.stream()
                .flatMap(target -> pushed.stream().map(stream -> new GatewayPush(target, stream, around)))
                .toList();
        own.meters().gauge(() -> pushes.stream().filter(GatewayPush::isProven).count(), Meter.NOTIFY_LINKS);
        status.note("notify", () -> pushes.stream().map(GatewayPush::toString).collect(Collectors.joining(", ")));
        pushes.forEach(push -> {
            life.add(push);
            push.start();
        });
    }

    private static boolean isOld(Path key) throws IOException {
        return Files.exists(key)
                && Files.getLastModifiedTime(key)
                        .toInstant()
                        .isBefore(Instant.now().minus(FRESH_KEY));
    }

    private long uplink() {
        return node.maxUpload().map(BitRate::bitsPerSecond).orElse(UNKNOWN_UPLINK);
    }

    private ChunkStore store(long memory) throws StartException {
        if (disk.bytes() == 0) {
            return ChunkStore.inMemory(memory);
        }
        Path cache = node.data().resolve("cache");
        try {
            return ChunkStore.withDisk(memory, cache, disk.bytes());
        } catch (IOException e) {
            throw new StartException(cache + ": not usable as cache (" + e + ")", e);
        }
    }
}
