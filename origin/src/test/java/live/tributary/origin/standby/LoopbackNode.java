package live.tributary.origin.standby;

import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.MeshNodeConfig;
import live.tributary.mesh.net.MeshParts;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.net.Transport;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.stream.SigningKey;

/** A whole mesh node on a free port of 127.0.0.1, without a DHT. */
public final class LoopbackNode implements AutoCloseable {
    private final EventLoopGroup loops = Transport.NIO.newGroup("loopback-node", 1);
    private final ChunkStore store = ChunkStore.inMemory(64 << 20);
    public final TcpMeshNode mesh;
    private final BoundPort port;

    public LoopbackNode(SigningKey key, LoopbackNode... peers) throws IOException {
        List<InetSocketAddress> addresses =
                List.of(peers).stream().map(LoopbackNode::address).toList();
        mesh = new TcpMeshNode(
                MeshNodeConfig.builder(key)
                        .privateAddresses(true)
                        .peers(addresses)
                        .build(),
                MeshParts.of(
                        Transport.NIO,
                        loops,
                        store,
                        Rendezvous.none(),
                        new UploadBudget(1_000_000_000, System::nanoTime),
                        new Meters()));
        port = BoundPort.bind(
                Transport.NIO,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(mesh), HttpServer.of(), Optional.empty()),
                Optional.empty());
        mesh.listeningOn(port.port());
    }

    InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port.port());
    }

    @Override
    public void close() {
        mesh.close();
        port.close();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        store.close();
    }
}
