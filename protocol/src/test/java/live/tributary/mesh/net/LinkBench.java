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
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.NodeRole;

/**
 * What an idle link costs a relay in memory: {@code [--json] [--seed N] [--links N]}.
 *
 * <p>The other ends are bare sockets in the same process, so that the figure is an upper bound.
 */
public final class LinkBench {
    private static final int WARM_UP = 50;
    private static final int COLLECTIONS = 4;
    private static final double KIB = 1024;

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
        try (TestNode relay = TestNode.start(samples.key(), config -> config.withMaxLinks(2 * (count + WARM_UP)))) {
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
