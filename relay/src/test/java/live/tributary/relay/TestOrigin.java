package live.tributary.relay;

import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamPublisher;
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
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;

/** A mesh node on loopback that publishes a made-up stream. */
final class TestOrigin implements AutoCloseable {
    private final SampleStream sample;
    private final EventLoopGroup loops;
    private final ChunkStore store = ChunkStore.inMemory(100_000_000);
    private final TcpMeshNode mesh;
    private final BoundPort port;
    private final StreamPublisher publisher;

    TestOrigin(SampleStream sample) throws IOException {
        this.sample = sample;
        Transport transport = Transport.best();
        this.loops = transport.newGroup("test-origin", 1);
        this.mesh = new TcpMeshNode(
                MeshNodeConfig.builder(sample.signingKey())
                        .privateAddresses(true)
                        .build(),
                MeshParts.of(
                        transport,
                        loops,
                        store,
                        Rendezvous.none(),
                        new UploadBudget(1_000_000_000, System::nanoTime),
                        new Meters()));
        this.port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(mesh), HttpServer.of(), Optional.empty()),
                Optional.empty());
        mesh.listeningOn(port.port());
        this.publisher = mesh.publish(sample.signingKey());
        About about = about();
        publisher.publish(about);
        publisher.publish(SignedHead.sign(
                new Head(
                        1,
                        Instant.now().plusSeconds(300),
                        Head.Status.LIVE,
                        sample.term(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        about.hash()),
                sample.signingKey()));
    }

    int port() {
        return port.port();
    }

    SampleStream.Chunk publish(int length) {
        SampleStream.Chunk chunk = sample.next(length);
        publisher.publish(chunk.record(), chunk.buffer());
        return chunk;
    }

    private About about() {
        return About.sign(
                new About.Body(
                        sample.streamKey(),
                        "sample",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000")),
                        Duration.ofSeconds(4),
                        Optional.empty()),
                sample.signingKey());
    }

    @Override
    public void close() {
        port.close();
        mesh.close();
        store.close();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
