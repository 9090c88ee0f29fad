package live.tributary.mesh.net;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;

/**
 * What an idle link costs a relay in memory, and what one that never reads costs the others in time: {@code [--json] [--seed N]
 * [--links N]}.
 *
 * <p>The other ends are bare sockets in the same process, so that the memory is an upper bound.
 */
public final class LinkBench {
    private static final int WARM_UP = 50;
    private static final int COLLECTIONS = 4;
    private static final double KIB = 1024;
    private static final int BLOCK = 16 * 1024;
    private static final int BLOCKS_OF_A_PIECE = 4;
    private static final int PIECES = 24;
    private static final int CHUNK = PIECES * BLOCKS_OF_A_PIECE * BLOCK;
    private static final int ROUNDS = 5;
    private static final int BLOCKS = 4_000;
    /** More than any queue takes. */
    private static final int UNREAD = 600;

    private record Memory(long heap, long direct, long resident) {
        static Memory now() throws IOException {
            Runtime runtime = Runtime.getRuntime();
            for (int i = 0; i < COLLECTIONS; i++) {
                System.gc();
            }
            long direct = ByteBufAllocator.DEFAULT instanceof ByteBufAllocatorMetricProvider provider
                    ? provider.metric().usedDirectMemory()
                    : 0;
            long resident = Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(0);
            return new Memory(runtime.totalMemory() - runtime.freeMemory(), direct, resident);
        }
    }

    private LinkBench() {}

    public static void main(String[] args) throws Exception {
        boolean json = List.of(args).contains("--json");
        long seed = value(args, "--seed", 1);
        int count = (int) value(args, "--links", 400);
        Samples samples = new Samples(seed);
        SampleStream stream = new SampleStream(seed, Instant.now());
        List<RawPeer> peers = new ArrayList<>();
        try (TestNode relay = TestNode.start(samples.key(), config -> config.maxLinks(2 * (count + WARM_UP)))) {
            StreamView view = relay.node.carry(stream.streamKey(), NodeRole.RELAY);
            link(peers, WARM_UP, samples, stream, relay, view);
            Memory before = Memory.now();
            link(peers, WARM_UP + count, samples, stream, relay, view);
            Memory after = Memory.now();
            print(json, "links.idle.heap", (after.heap() - before.heap()) / KIB / count);
            print(json, "links.idle.direct", (after.direct() - before.direct()) / KIB / count);
            print(json, "links.idle.resident", (after.resident() - before.resident()) / KIB / count);
        } finally {
            for (RawPeer peer : peers) {
                peer.close();
            }
        }
        beside(json, samples, new SampleStream(seed, Instant.now().minusSeconds(4)));
    }

    /** Blocks asked for one by one, alternately alone and beside a link that asks for hundreds and reads none. */
    private static void beside(boolean json, Samples samples, SampleStream stream) throws Exception {
        try (TestNode origin = TestNode.start(samples.key());
                TestNode relay = TestNode.start(samples.key(), origin)) {
            StreamPublisher publisher = origin.node.publish(stream.signingKey());
            publisher.publish(SignedHead.sign(
                    new Head(
                            1,
                            Instant.now().plusSeconds(300),
                            Head.Status.LIVE,
                            stream.term(),
                            Optional.empty(),
                            Optional.empty(),
                            List.of(),
                            Sha256.ofContent(new byte[0])),
                    stream.signingKey()));
            StreamView view = relay.node.carry(stream.streamKey(), NodeRole.RELAY);
            SampleStream.Chunk chunk = stream.next(CHUNK);
            publisher.publish(chunk.record(), chunk.buffer());
            Eventually.holds("chunk", () -> view.holds(chunk.record()));
            List<Long> alone = new ArrayList<>();
            List<Long> beside = new ArrayList<>();
            List<Long> besideAFullOne = new ArrayList<>();
            try (RawPeer reader = RawPeer.linked(samples.key(), stream.streamKey(), relay.address())) {
                showAll(reader);
                ask(reader); // Warms up.
                for (int round = 0; round < ROUNDS; round++) {
                    alone.addAll(ask(reader));
                    try (RawPeer unread = RawPeer.linked(samples.key(), stream.streamKey(), relay.address())) {
                        showAll(unread);
                        for (int i = 0; i < UNREAD; i++) {
                            unread.request(i % PIECES, i % BLOCKS_OF_A_PIECE * BLOCK, BLOCK);
                        }
                        beside.addAll(ask(reader)); // While its buffers fill.
                        besideAFullOne.addAll(ask(reader));
                    }
                }
            }
            printTimes(json, "links.block.p50", alone, beside, 0.5);
            printTimes(json, "links.block.p99", alone, beside, 0.99);
            printTimes(json, "links.block.p99.full", alone, besideAFullOne, 0.99);
        }
    }

    /** Who shows pieces is served without end. */
    private static void showAll(RawPeer peer) throws IOException {
        for (long piece = 0; piece < PIECES; piece++) {
            peer.has(piece);
        }
    }

    private static List<Long> ask(RawPeer reader) throws IOException {
        List<Long> nanos = new ArrayList<>();
        for (int i = 0; i < BLOCKS; i++) {
            long start = System.nanoTime();
            reader.request(i / BLOCKS_OF_A_PIECE % PIECES, i % BLOCKS_OF_A_PIECE * BLOCK, BLOCK);
            reader.awaitBlock();
            nanos.add(System.nanoTime() - start);
        }
        return nanos;
    }

    private static void printTimes(boolean json, String name, List<Long> alone, List<Long> beside, double share) {
        double reference = percentile(alone, share) / 1e3;
        double value = percentile(beside, share) / 1e3;
        System.out.printf(
                Locale.ROOT,
                json
                        ? "{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"us\",\"reference\":\"without a link that never reads\","
                                + "\"reference_value\":%.1f,\"ratio\":%.3f,\"rounds\":%d}%n"
                        : "%-22s %8.1f µs beside a link that never reads, %.1f without: %.3f (%d rounds)%n",
                name,
                value,
                reference,
                value / reference,
                ROUNDS);
    }

    private static long percentile(List<Long> nanos, double share) {
        return nanos.stream()
                .sorted()
                .skip((long) (share * (nanos.size() - 1)))
                .findFirst()
                .orElse(0L);
    }

    private static void link(
            List<RawPeer> peers, int upTo, Samples samples, SampleStream stream, TestNode relay, StreamView view)
            throws Exception {
        while (peers.size() < upTo) {
            peers.add(RawPeer.linked(samples.key(), stream.streamKey(), relay.address()));
        }
        Eventually.holds("links", () -> view.relays().size() >= upTo);
    }

    private static long value(String[] args, String name, long otherwise) {
        int at = List.of(args).indexOf(name);
        return at < 0 || at + 1 >= args.length ? otherwise : Long.parseLong(args[at + 1]);
    }

    private static void print(boolean json, String name, double kib) {
        System.out.printf(
                Locale.ROOT,
                json
                        ? "{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"KiB\",\"reference\":null,\"reference_value\":null,"
                                + "\"ratio\":null,\"rounds\":1}%n"
                        : "%-22s %8.1f KiB a link%n",
                name,
                kib);
    }
}
