package live.tributary.mesh.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.program.HostPort;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A private DHT whose nodes all sit on 127.0.0.1: the worst case for a library that keeps one node of each address. */
@Timeout(120)
final class DhtRendezvousTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private static final InfoHash MESH = InfoHash.fromHex("00112233445566778899aabbccddeeff00112233");
    private static final int SECONDS = 30;

    private final List<DhtRendezvous> nodes = new ArrayList<>();
    private final Random random = new Random(1);

    @TempDir
    Path dir;

    @AfterEach
    void closesAll() {
        nodes.forEach(DhtRendezvous::close);
    }

    private DhtRendezvous node(String name, int... bootstrap) throws Exception {
        List<HostPort> entries = new ArrayList<>();
        for (int port : bootstrap) {
            entries.add(new HostPort("127.0.0.1", port));
        }
        DhtSettings settings = new DhtSettings(Optional.of(LOOPBACK), 0, dir.resolve(name), entries, true);
        DhtRendezvous node = DhtRendezvous.start(settings, random);
        nodes.add(node);
        return node;
    }

    private List<DhtRendezvous> mesh(int size) throws Exception {
        DhtRendezvous seed = node("seed");
        for (int i = 1; i < size; i++) {
            node("node" + i, seed.address().getPort());
        }
        return nodes;
    }

    private static void awaitPeers(DhtRendezvous node, List<Integer> ports) throws Exception {
        BlockingQueue<Endpoint> found = new LinkedBlockingQueue<>();
        List<Integer> missing = new ArrayList<>(ports);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        node.findPeers(MESH, found::add);
        while (!missing.isEmpty()) {
            assertThat(System.nanoTime()).as("still missing: " + missing).isLessThan(deadline);
            Endpoint endpoint = found.poll(500, TimeUnit.MILLISECONDS);
            if (endpoint == null) {
                node.findPeers(MESH, found::add); // As a node does that is not linked yet.
            } else {
                assertThat(endpoint.address()).isEqualTo(LOOPBACK);
                missing.remove((Integer) endpoint.port());
            }
        }
    }

    @Test
    void everyNodeFindsEveryOtherThatAnnounced() throws Exception {
        mesh(6);
        List<Integer> ports = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            nodes.get(i).announce(MESH, 7001 + i);
            ports.add(7001 + i);
        }
        for (DhtRendezvous node : nodes) {
            awaitPeers(
                    node,
                    ports.stream().filter(p -> p != 7001 + nodes.indexOf(node)).toList());
        }
    }

    @Test
    void findsAPeerThatAnnouncedBeforeTheSeedKnewAnybody() throws Exception {
        DhtRendezvous seed = node("seed");
        seed.announce(MESH, 7001);
        DhtRendezvous late = node("late", seed.address().getPort());
        awaitPeers(late, List.of(7001));
    }

    @Test
    void joinsPastADeadBootstrapNode() throws Exception {
        int dead;
        try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(LOOPBACK, 0))) {
            dead = socket.getLocalPort();
        }
        DhtRendezvous seed = node("seed");
        DhtRendezvous relay = node("relay", dead, seed.address().getPort());
        relay.announce(MESH, 7002);
        awaitPeers(seed, List.of(7002));
    }

    @Test
    void joinsASeedThatStartsLater() throws Exception {
        int later;
        try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(LOOPBACK, 0))) {
            later = socket.getLocalPort();
        }
        DhtRendezvous relay = node("relay", later);
        relay.announce(MESH, 7002);
        DhtRendezvous seed = DhtRendezvous.start(
                new DhtSettings(Optional.of(LOOPBACK), later, dir.resolve("seed"), List.of(), true), random);
        nodes.add(seed);
        awaitPeers(seed, List.of(7002));
    }

    @Test
    void startsWithoutWaitingForAnybody() throws Exception {
        long before = System.nanoTime();
        node("lonely", 9);
        assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(5));
    }

    @Test
    void givesTheNewestHeadAndRefusesAnOlderOne() throws Exception {
        mesh(5);
        SigningKey key = SigningKey.fromSeed(new byte[32]);
        nodes.get(1).put(head(key, 5, Head.Status.LIVE));
        assertThat(awaitHead(nodes.get(4), key, 5).head().seq()).isEqualTo(5);
        // Another run of the same origin that lost its memory: every node refuses its lower seq.
        nodes.get(2).put(head(key, 4, Head.Status.LIVE));
        nodes.get(1).put(head(key, 6, Head.Status.ENDED));
        SignedHead ended = awaitHead(nodes.get(3), key, 6);
        assertThat(ended.head().status()).isEqualTo(Head.Status.ENDED);
        assertThat(ended.verifies()).isTrue();
    }

    private static SignedHead awaitHead(DhtRendezvous node, SigningKey key, long seq) throws Exception {
        BlockingQueue<SignedHead> found = new LinkedBlockingQueue<>();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        long newest = 0;
        while (true) {
            node.get(key.streamKey(), found::add);
            SignedHead head = found.poll(500, TimeUnit.MILLISECONDS);
            if (head != null) {
                assertThat(head.head().seq())
                        .as("never older than what was given before")
                        .isGreaterThanOrEqualTo(newest);
                newest = head.head().seq();
                if (newest >= seq) {
                    return head;
                }
            }
            assertThat(System.nanoTime()).as("newest: " + newest).isLessThan(deadline);
        }
    }

    @Test
    void keepsItsIdAndTableOverARestart() throws Exception {
        mesh(4);
        DhtRendezvous relay = nodes.get(1);
        relay.announce(MESH, 7002);
        awaitPeers(nodes.get(0), List.of(7002));
        relay.close();
        nodes.remove(relay);
        assertThat(dir.resolve("node1")).isDirectory();
        try (var files = Files.list(dir.resolve("node1"))) {
            assertThat(files).isNotEmpty();
        }
        // Its table alone leads it back: it is told of no bootstrap node.
        DhtRendezvous again = node("node1");
        awaitPeers(again, List.of(7002));
        nodes.get(0).announce(MESH, 7001);
        awaitPeers(again, List.of(7001));
    }

    @Test
    void saysSoWhereItsPortIsTaken() throws Exception {
        DhtRendezvous first = node("first");
        DhtSettings same = new DhtSettings(
                Optional.of(LOOPBACK), first.address().getPort(), dir.resolve("second"), List.of(), true);
        assertThatThrownBy(() -> DhtRendezvous.start(same, random)).isInstanceOf(BindException.class);
    }

    private static SignedHead head(SigningKey key, long seq, Head.Status status) {
        Head head = new Head(
                seq,
                Instant.ofEpochSecond(1_900_000_000),
                status,
                1_700_000_000_000L,
                Optional.empty(),
                Optional.empty(),
                List.of(new Endpoint(LOOPBACK, 7003)),
                Sha256.of(new byte[Sha256.LENGTH]));
        return SignedHead.sign(head, key);
    }
}
