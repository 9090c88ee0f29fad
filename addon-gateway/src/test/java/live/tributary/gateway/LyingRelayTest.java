package live.tributary.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.PieceFetch;
import live.tributary.gateway.http.WirePieceFetch;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.probe.TorrentFetch;
import live.tributary.gateway.ranking.Probes;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.gateway.ranking.RelayHealth.Via;
import live.tributary.gateway.ranking.WireProbes;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A relay that is linked, proves its endpoint and says that it holds everything, and serves something else: by HTTP and by the peer wire.
 * Its sockets are real, the gateway's clock is not.
 */
@Timeout(120)
class LyingRelayTest {
    private static final long SECOND = 1_000_000_000;
    private static final int HANDSHAKE = 68;

    private final Transport transport = Transport.best();
    private final EventLoopGroup loops = transport.newGroup("test", 1);
    private final EventLoopGroup peers = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final FakeStream stream = FakeStream.live(1, "Harbour Radio", 10);
    private final RelayHealth health = new RelayHealth();
    private final HttpService gateway = gateway();
    private long now;

    @AfterEach
    void stop() {
        loops.shutdownGracefully();
        peers.shutdownGracefully();
    }

    private HttpService gateway() {
        ListedStreams listed = new ListedStreams();
        listed.add(stream);
        return Gateway.of(
                new Gateway.Policy(
                        new AddonIdentity("live.tributary", "Tributary", "0.1.0"),
                        Optional.empty(),
                        List.of(),
                        true,
                        false),
                listed,
                Locator.NOWHERE,
                health,
                new Meters(),
                () -> FakeStream.EPOCH.plusSeconds(40),
                () -> now);
    }

    private byte[] content(String file, boolean honest) {
        byte[] bytes = FakeStream.content(0, Long.parseLong(file.substring(0, file.indexOf('.'))));
        if (!honest) {
            bytes[bytes.length / 2] ^= 1;
        }
        return bytes;
    }

    // By HTTP

    private BoundPort edge(boolean honest) throws Exception {
        HttpService edge = query -> Optional.of(CompletableFuture.completedStage(new HttpAnswer(
                200,
                Map.of("content-type", "video/mp2t", "accept-ranges", "bytes"),
                Unpooled.wrappedBuffer(
                        content(query.rawPath().substring(query.rawPath().lastIndexOf('/') + 1), honest)))));
        return BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(), HttpServer.of(edge), Optional.empty()),
                Optional.empty());
    }

    private RelayView relay(int seed, int port) {
        RelayView relay = stream.add(FakeStream.view(
                seed, NodeRole.RELAY, List.of(FakeStream.endpoint("127.0.0.1", port)), Optional.empty()));
        stream.holdAll(relay);
        return relay;
    }

    private List<String> listed() {
        return Asked.get(gateway, "/live/" + stream.key().text() + "/0/live.m3u8")
                .body()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .toList();
    }

    @Test
    void garbageByHttpIsOutWithinAMinuteAndBackAfterTwoGoodAnswers() throws Exception {
        try (BoundPort honest = edge(true);
                BoundPort liar = edge(false)) {
            relay(1, honest.port());
            RelayView bad = relay(2, liar.port());
            Probes probes = new Probes(health, new SplittableRandom(1));
            PieceFetch pieces = new PieceFetch(transport.client(loops));

            for (int second = 0; second < 60; second++) {
                probes.due(List.of(stream), now).stream()
                        .filter(probe -> probe.via() == Via.HTTP)
                        .forEach(probe -> health.record(
                                probe.relay(),
                                probe.endpoint(),
                                pieces.fetch(probe.endpoint(), probe.record(), probe.piece())
                                        .toCompletableFuture()
                                        .join()));
                now += SECOND;
            }

            assertThat(health.failing(bad.key(), bad.endpoints().get(0))).isTrue();
            assertThat(listed()).noneMatch(uri -> uri.contains(":" + liar.port() + "/"));

            health.record(bad.key(), bad.endpoints().get(0), Outcome.SERVED);
            assertThat(health.failing(bad.key(), bad.endpoints().get(0))).isTrue();
            health.record(bad.key(), bad.endpoints().get(0), Outcome.SERVED);
            assertThat(health.failing(bad.key(), bad.endpoints().get(0))).isFalse();
        }
    }

    // By the peer wire

    /** A seeder of all chunks that speaks plain BEP 3, and keeps to the truth or not. */
    private final class Seeder extends ByteToMessageDecoder {
        private final boolean honest;
        private final Map<String, ChunkRecord> chunks = new HashMap<>();
        private Optional<ChunkRecord> asked = Optional.empty();

        Seeder(boolean honest) {
            this.honest = honest;
            stream.newest(0, 10)
                    .forEach(chunk ->
                            chunks.put(ChunkTorrent.of(chunk).infoHash().hex(), chunk));
        }

        @Override
        protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
            if (asked.isEmpty()) {
                if (in.readableBytes() >= HANDSHAKE) {
                    ByteBuf theirs = in.readBytes(HANDSHAKE);
                    byte[] infoHash = new byte[20];
                    theirs.getBytes(28, infoHash);
                    asked = Optional.of(chunks.get(java.util.HexFormat.of().formatHex(infoHash)));
                    theirs.setZero(20, 8).setZero(48, 20);
                    ctx.write(theirs);
                    ctx.write(Unpooled.wrappedBuffer(new byte[] {0, 0, 0, 2, 5, (byte) 0x80})); // BITFIELD: one piece.
                    ctx.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {0, 0, 0, 1, 1})); // UNCHOKE
                }
                return;
            }
            while (in.readableBytes() >= 4 && in.readableBytes() >= 4 + in.getInt(in.readerIndex())) {
                ByteBuf message = in.readBytes(4 + in.getInt(in.readerIndex()));
                if (message.readableBytes() == 17 && message.getByte(4) == 6) { // REQUEST
                    int begin = message.getInt(9);
                    int length = message.getInt(13);
                    byte[] bytes = content(asked.orElseThrow().fileName(), honest);
                    ctx.writeAndFlush(Unpooled.buffer()
                            .writeInt(9 + length)
                            .writeByte(7)
                            .writeInt(message.getInt(5))
                            .writeInt(begin)
                            .writeBytes(bytes, begin, length));
                }
                message.release();
            }
        }
    }

    private int seeder(boolean honest) throws InterruptedException {
        Channel listening = new ServerBootstrap()
                .group(peers)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new Seeder(honest));
                    }
                })
                .bind(InetAddress.getLoopbackAddress(), 0)
                .sync()
                .channel();
        return ((InetSocketAddress) listening.localAddress()).getPort();
    }

    @Test
    void honestSeederServesBtCoreAWholeChunk() throws Exception {
        RelayView good = relay(1, seeder(true));
        try (TorrentFetch torrents = new TorrentFetch(InetAddress.getLoopbackAddress(), Duration.ofSeconds(50))) {
            assertThat(torrents.fetch(
                                    good.endpoints().get(0), stream.newest(0, 1).get(0))
                            .toCompletableFuture()
                            .get(60, TimeUnit.SECONDS))
                    .isEqualTo(Outcome.SERVED);
        }
    }

    @Test
    void garbageByTheWireAloneIsOutWithinAMinute() throws Exception {
        RelayView bad = relay(1, seeder(false));
        RelayView good = relay(2, seeder(true));
        Probes probes = new Probes(health, new SplittableRandom(1));
        WirePieceFetch pieces = new WirePieceFetch(transport.client(loops), new SplittableRandom(2));
        int asked = 0;

        for (int second = 0; second < 60; second++) {
            for (Probes.Probe probe : probes.due(List.of(stream), now)) {
                boolean wire = probe.via() == Via.WIRE;
                asked += wire ? 1 : 0;
                health.record(
                        probe.relay(),
                        probe.endpoint(),
                        probe.via(),
                        wire
                                ? pieces.fetch(probe.endpoint(), probe.record(), probe.piece())
                                        .toCompletableFuture()
                                        .join()
                                : Outcome.SERVED);
            }
            now += SECOND;
        }

        assertThat(asked).isGreaterThanOrEqualTo(2);
        assertThat(health.failing(bad.key(), bad.endpoints().get(0))).isTrue();
        assertThat(health.failing(good.key(), good.endpoints().get(0))).isFalse();
        assertThat(listed())
                .isNotEmpty()
                .allMatch(uri -> uri.contains(":" + good.endpoints().get(0).port() + "/"));
    }

    @Test
    void whoServesNoPieceByTheWireHasFailed() throws Exception {
        WirePieceFetch pieces = new WirePieceFetch(transport.client(loops), new SplittableRandom(2));
        ChunkRecord chunk = stream.newest(0, 1).get(0);
        try (BoundPort edge = edge(true)) { // Speaks HTTP alone.
            assertThat(pieces.fetch(FakeStream.endpoint("127.0.0.1", edge.port()), chunk, 0)
                            .toCompletableFuture()
                            .get(30, TimeUnit.SECONDS))
                    .isEqualTo(Outcome.FAILED);
        }
        assertThat(pieces.fetch(FakeStream.endpoint("127.0.0.1", 1), chunk, 0)
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS))
                .isEqualTo(Outcome.FAILED);
    }

    @Test
    void seederOfGarbageIsOutAfterTwoFetchesAlthoughItsHttpIsGood() throws Exception {
        RelayView bad = relay(1, seeder(false));
        RelayView good = relay(2, seeder(true));
        try (TorrentFetch torrents = new TorrentFetch(InetAddress.getLoopbackAddress(), Duration.ofSeconds(2))) {
            WireProbes probes = new WireProbes(health, torrents::takes);
            int fetches = 0;
            for (int second = 0;
                    second < 200 && !health.failing(bad.key(), bad.endpoints().get(0));
                    second++) {
                Optional<WireProbes.Probe> due = probes.due(List.of(stream), now)
                        .filter(probe -> probe.relay().equals(bad.key()));
                if (due.isPresent()) {
                    fetches++;
                    health.record(
                            bad.key(),
                            due.get().endpoint(),
                            Via.WIRE,
                            torrents.fetch(due.get().endpoint(), due.get().record())
                                    .toCompletableFuture()
                                    .join());
                }
                probes.done();
                health.record(bad.key(), bad.endpoints().get(0), Via.HTTP, Outcome.SERVED);
                now += SECOND;
            }
            assertThat(fetches).isEqualTo(2);
        }

        assertThat(health.failing(bad.key(), bad.endpoints().get(0))).isTrue();
        assertThat(listed())
                .isNotEmpty()
                .allMatch(uri -> uri.contains(":" + good.endpoints().get(0).port() + "/"));
    }
}
