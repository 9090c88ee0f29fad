package live.tributary.mesh.tracker;

import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.Eventually;
import live.tributary.mesh.net.MeshNodeConfig;
import live.tributary.mesh.net.MeshParts;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.TcpMeshNode;
import live.tributary.mesh.net.Transport;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;

/**
 * An origin with a history of small chunks, for {@code scripts/bench tracker}: what a relay tracks it must have learnt from signed
 * records. Writes the infohashes
 * to a file, prints its port and the stream's key, and stays until its input ends.
 */
final class BenchOrigin {
    private static final int CHUNK = 1000;
    private static final int HEAD_SECONDS = 240;

    private BenchOrigin() {}

    public static void main(String[] args) throws Exception {
        int chunks = Integer.parseInt(args[0]);
        Duration history = SampleStream.CHUNK_DURATION.multipliedBy(chunks);
        SampleStream sample = new SampleStream(System.nanoTime(), Instant.now().minus(history));
        Transport transport = Transport.best();
        EventLoopGroup loops = transport.newGroup("bench-origin", 1);
        TcpMeshNode mesh = new TcpMeshNode(
                MeshNodeConfig.builder(sample.signingKey())
                        .privateAddresses(true)
                        .build(),
                MeshParts.of(
                        transport,
                        loops,
                        ChunkStore.inMemory(10L * CHUNK * chunks),
                        Rendezvous.none(),
                        new UploadBudget(1_000_000_000, System::nanoTime),
                        new Meters()));
        BoundPort port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(mesh), HttpServer.of(), Optional.empty()),
                Optional.empty());
        mesh.listeningOn(port.port());
        StreamPublisher publisher = mesh.publish(sample.signingKey());
        About about = about(sample);
        publisher.publish(about);
        // A head holds for ten minutes at most.
        loops.next()
                .scheduleAtFixedRate(
                        () -> publisher.publish(head(sample, about.hash())), 0, HEAD_SECONDS, TimeUnit.SECONDS);
        List<String> infoHashes = new ArrayList<>();
        for (int i = 0; i < chunks; i++) {
            SampleStream.Chunk chunk = sample.next(CHUNK);
            publisher.publish(chunk.record(), chunk.buffer());
            infoHashes.add(ChunkTorrent.of(chunk.record()).infoHash().hex());
            // A relay that came in the middle would take the rest for a flood.
            Eventually.holds(
                    "published",
                    () -> publisher.view().record(chunk.record().chunk()).isPresent());
        }
        Files.write(Path.of(args[1]), infoHashes);
        System.out.println(port.port() + " " + sample.streamKey().text());
        int end;
        do {
            end = System.in.read();
        } while (end >= 0);
        System.exit(0);
    }

    private static SignedHead head(SampleStream sample, Sha256 about) {
        Instant now = Instant.now();
        return SignedHead.sign(
                new Head(
                        now.getEpochSecond(),
                        now.plusSeconds(2 * HEAD_SECONDS),
                        Head.Status.LIVE,
                        sample.term(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        about),
                sample.signingKey());
    }

    private static About about(SampleStream sample) {
        return About.sign(
                new About.Body(
                        sample.streamKey(),
                        "bench",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000")),
                        SampleStream.CHUNK_DURATION,
                        Optional.empty()),
                sample.signingKey());
    }
}
