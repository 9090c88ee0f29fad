package live.tributary.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.channel.EventLoopGroup;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.gateway.geo.Cidr;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.Rendition;

/**
 * The gateway's HTTP server over streams that are made up: what {@code scripts/bench gateway} puts under load.
 *
 * <p>Arguments: streams, relays, viewers' networks, and a file for which three relays each network's viewers are sent to with each stream.
 * Says READY with its port, the streams' ids, END; and once a line comes in, time begins to run: chunks and windows appear as they would.
 * Everything between the socket and the answer is the program's own; only the mesh is not there.
 */
final class GatewayBench {
    private static final int CHUNKS_BEFORE = 15;
    /** Six minutes go on. */
    private static final int CHUNKS_AFTER = 90;

    private static final int DIFFERENT = 40;
    private static final Duration WINDOW_EVERY = Duration.ofSeconds(30);
    private static final Instant FIRST_WINDOW = FakeStream.EPOCH.plusSeconds(40);
    private static final int AUTONOMOUS_SYSTEMS = 40;
    private static final int LOAD_STEPS = 10;
    private static final int LOAD_STEP = 90;
    private static final int HOSTS = 200;
    private static final int NETWORKS_A_BYTE = 250;
    private static final int PICKED = 3;

    private GatewayBench() {}

    public static void main(String[] args) throws Exception {
        System.setProperty("io.netty.leakDetection.level", "disabled"); // As whatever starts a program does.
        Clock clock = new Clock();
        List<RelayView> relays = relays(Integer.parseInt(args[1]));
        ListedStreams listed = streams(Integer.parseInt(args[0]), relays, clock);
        Transport transport = Transport.best();
        EventLoopGroup loops = transport.newGroup("gateway-net", 1);
        HttpService gateway = Gateway.of(
                new Gateway.Policy(
                        new AddonIdentity("live.tributary.gateway", "Tributary", "0.1.0"),
                        Optional.empty(),
                        List.of(Cidr.parse("127.0.0.0/8")),
                        false,
                        false),
                listed,
                places(),
                new RelayHealth(),
                new Meters(),
                clock,
                System::nanoTime);
        BoundPort port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(), HttpServer.of(gateway), Optional.empty()),
                Optional.empty());
        InetSocketAddress address = port.tcp().get(0);
        List<String> ids = listed.all().stream()
                .map(stream -> "tributary:" + stream.key().text())
                .toList();
        picks(gateway, ids, relays, Integer.parseInt(args[2]), Path.of(args[3]));
        System.out.println("READY " + address.getPort());
        ids.forEach(System.out::println);
        System.out.println("END");
        if (System.in.read() >= 0) {
            clock.start();
        }
        Thread.currentThread().join();
    }

    /** Stands until it is started, and again once all has been published. */
    private static final class Clock implements InstantSource {
        private static final Instant FIRST = FakeStream.EPOCH.plus(FakeStream.CHUNK.multipliedBy(CHUNKS_BEFORE));
        private static final Instant LAST = FIRST.plus(FakeStream.CHUNK.multipliedBy(CHUNKS_AFTER));
        private volatile long startedAt;
        private volatile boolean running;

        void start() {
            startedAt = System.nanoTime();
            running = true;
        }

        @Override
        public Instant instant() {
            Instant now = running ? FIRST.plusNanos(System.nanoTime() - startedAt) : FIRST;
            return now.isAfter(LAST) ? LAST : now;
        }
    }

    private static List<RelayView> relays(int count) {
        List<RelayView> relays = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Endpoint endpoint = FakeStream.endpoint("20." + i / HOSTS + "." + i % HOSTS + ".1", 7001);
            relays.add(FakeStream.view(
                    i, NodeRole.RELAY, List.of(endpoint), Optional.empty(), i % LOAD_STEPS * LOAD_STEP));
        }
        return relays;
    }

    /** All of the relays hold all of the streams; signing all of their chunks apart would take minutes, so that some have the same. */
    private static ListedStreams streams(int count, List<RelayView> relays, InstantSource clock) {
        List<FakeStream> chunks = new ArrayList<>();
        for (int i = 0; i < Math.min(count, DIFFERENT); i++) {
            chunks.add(chunks(i));
        }
        List<RelayKey> holderKeys = relays.stream().map(RelayView::key).toList();
        ListedStreams listed = new ListedStreams();
        for (int i = 0; i < count; i++) {
            FakeStream stream = FakeStream.live(i, "Stream number " + i, 1);
            stream.tell(
                    "Stream number " + i,
                    List.of("music", "tag " + i % 20),
                    List.of(new Rendition(
                            0,
                            Rendition.Kind.VARIANT,
                            "BANDWIDTH=3000000,RESOLUTION=1280x720,CODECS=\"avc1.64001f,mp4a.40.2\"")));
            listed.add(new MovingStream(stream, chunks.get(i % chunks.size()), relays, holderKeys, clock));
        }
        return listed;
    }

    private static FakeStream chunks(int seed) {
        FakeStream stream = FakeStream.live(seed, "", CHUNKS_BEFORE + CHUNKS_AFTER);
        Instant closed = Instant.MIN;
        for (ChunkRecord record : stream.newest(0, Integer.MAX_VALUE)) {
            Instant end = record.body().published();
            if (end.isAfter(FIRST_WINDOW) && !end.isBefore(closed.plus(WINDOW_EVERY))) {
                closed = end;
                stream.closeWindow(WindowId.firstOf(record));
            }
        }
        return stream;
    }

    /** Every network somewhere, the same each time, and found as fast as one that was looked up before. */
    private static Locator places() {
        Map<Network, Location> known = new ConcurrentHashMap<>();
        return address -> known.computeIfAbsent(Network.of(address), network -> {
            int hash = network.hashCode() * 0x9E3779B9;
            Place place = new Place(Math.floorMod(hash, 120) - 50, Math.floorMod(hash >>> 8, 360) - 180);
            return new Location(
                    Optional.of(place),
                    Optional.empty(),
                    OptionalLong.of(64500 + Math.floorMod(hash, AUTONOMOUS_SYSTEMS)));
        });
    }

    /** For each network and stream the numbers of the relays in its answer, two bytes each. */
    private static void picks(HttpService gateway, List<String> ids, List<RelayView> relays, int networks, Path file)
            throws IOException {
        Map<String, Integer> numbers = new HashMap<>();
        for (int i = 0; i < relays.size(); i++) {
            numbers.put("tracker:http://" + relays.get(i).endpoints().get(0).text() + "/announce", i);
        }
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            for (int network = 0; network < networks; network++) {
                for (int i = 0; i < ids.size(); i++) {
                    String viewer = "30." + network / NETWORKS_A_BYTE + "." + network % NETWORKS_A_BYTE + "."
                            + (1 + i % NETWORKS_A_BYTE);
                    JsonNode sources = Asked.get(
                                    gateway,
                                    Asked.query(
                                            "/stream/tv/" + ids.get(i).replace(":", "%3A") + ".json",
                                            "127.0.0.1",
                                            "x-forwarded-for",
                                            viewer))
                            .json()
                            .findValue("sources");
                    for (int relay = 0; relay < PICKED; relay++) {
                        out.writeShort(numbers.get(sources.get(relay).asText()));
                    }
                }
            }
        }
    }
}
