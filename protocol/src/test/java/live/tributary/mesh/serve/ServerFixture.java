package live.tributary.mesh.serve;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.admin.Drops;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.mse.KeyExchanges;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.tracker.HttpTracker;
import live.tributary.mesh.tracker.Tracker;
import live.tributary.mesh.tracker.TrackerLimits;
import live.tributary.mesh.tracker.UdpTracker;
import live.tributary.protocol.stream.Endpoint;

/** A node's port with tracker and torrents on it, over a made-up stream. */
final class ServerFixture implements AutoCloseable {
    static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    static final ServeLimits LIMITS = new ServeLimits(
            100,
            100,
            50,
            Duration.ofSeconds(30),
            Duration.ofSeconds(150),
            Duration.ofSeconds(30),
            Duration.ofMinutes(5));

    final SampleStream sample = new SampleStream(7, Instant.EPOCH);
    final FakeStream stream = new FakeStream(sample.streamKey());
    final Meters meters = new Meters();
    final Drops drops = new Drops(meters);
    final UploadBudget budget;
    final TorrentServer server;
    final Tracker tracker;
    private final EventLoopGroup loops = Transport.best().newGroup("test-net", 2);
    private final KeyExchanges exchanges = KeyExchanges.start(new Random(4), System::nanoTime);
    private final BoundPort port;

    ServerFixture(ServeLimits limits, long bitsPerSecond, boolean dials) throws Exception {
        budget = new UploadBudget(bitsPerSecond, System::nanoTime);
        server = new TorrentServer(
                stream,
                budget,
                limits,
                true,
                meters,
                new SplittableRandom(1),
                System::nanoTime,
                InstantSource.system());
        server.carry(stream);
        PeerDialler dialler = dialler(System::nanoTime);
        tracker = new Tracker(
                TrackerLimits.DEFAULT,
                true,
                () -> List.of(endpoint()),
                relay -> false,
                (infoHash, peer, seeding) -> {
                    if (dials) {
                        dialler.announced(infoHash, peer, seeding);
                    }
                },
                new SplittableRandom(2),
                System.nanoTime());
        tracker.carry(stream);
        port = BoundPort.bind(
                Transport.best(),
                loops,
                BoundPort.Config.of(List.of(LOOPBACK), 0),
                new PortServices(
                        List.of(server),
                        HttpServer.of(new HttpTracker(tracker, meters, System::nanoTime)),
                        Optional.empty(),
                        Optional.of(exchanges),
                        drops),
                Optional.of(() -> new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(
                                        new UdpTracker(tracker, meters, new SplittableRandom(3), System::nanoTime),
                                        new UtpRefusal());
                    }
                }));
    }

    ServerFixture() throws Exception {
        this(LIMITS, 100_000_000_000L, false);
    }

    /** One more dialler, with a clock of the test's. */
    PeerDialler dialler(LongSupplier nanoTime) {
        return new PeerDialler(server, Transport.best().client(loops), exchanges, true, nanoTime);
    }

    Endpoint endpoint() {
        return new Endpoint(LOOPBACK, port.port());
    }

    InetSocketAddress address() {
        return endpoint().socketAddress();
    }

    String httpTracker() {
        return "http://127.0.0.1:" + port.port() + "/announce";
    }

    String udpTracker() {
        return "udp://127.0.0.1:" + port.port() + "/announce";
    }

    @Override
    public void close() throws Exception {
        port.close();
        exchanges.close();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
