package live.tributary.mesh.net;

import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.protocol.stream.SigningKey;

/** A whole mesh node on a free port of 127.0.0.1, without a DHT. */
final class TestNode implements AutoCloseable {
    private static final long STORE = 64 << 20;
    private static final long UPLOAD = 1_000_000_000;

    final TcpMeshNode node;
    final ChunkStore store = ChunkStore.inMemory(STORE);
    final Meters meters = new Meters();
    final SigningKey key;
    private final EventLoopGroup loops;
    private final BoundPort port;

    private TestNode(SigningKey key, int number, Rendezvous rendezvous, Consumer<MeshNodeConfig.Builder> more)
            throws IOException {
        this.key = key;
        Transport transport = Transport.NIO;
        loops = transport.newGroup("test-node", 2);
        MeshNodeConfig.Builder builder =
                MeshNodeConfig.builder(key).privateAddresses(true).uploadBitsPerSecond(UPLOAD);
        more.accept(builder);
        MeshNodeConfig config = builder.build();
        node = new TcpMeshNode(
                config,
                MeshParts.of(
                        transport,
                        loops,
                        store,
                        rendezvous,
                        new UploadBudget(config.uploadBitsPerSecond(), System::nanoTime),
                        meters));
        port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), number),
                new PortServices(List.of(node), HttpServer.of(), Optional.empty()),
                Optional.empty());
        node.listeningOn(port.port());
    }

    static TestNode start(SigningKey key, Consumer<MeshNodeConfig.Builder> more) throws IOException {
        return new TestNode(key, 0, Rendezvous.none(), more);
    }

    static TestNode start(SigningKey key, TestNode... peers) throws IOException {
        return start(key, 0, Rendezvous.none(), peers);
    }

    static TestNode start(SigningKey key, int number, Rendezvous rendezvous, TestNode... peers) throws IOException {
        List<InetSocketAddress> addresses =
                List.of(peers).stream().map(TestNode::address).toList();
        return new TestNode(key, number, rendezvous, config -> config.peers(addresses));
    }

    InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port.port());
    }

    long counted(RecordResult result) {
        return meters.tally(Meter.RECORDS, result).sum();
    }

    @Override
    public void close() {
        node.close();
        port.close();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        store.close();
    }
}
