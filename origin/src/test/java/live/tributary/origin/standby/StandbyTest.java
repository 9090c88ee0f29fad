package live.tributary.origin.standby;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import live.tributary.mesh.StreamView;
import live.tributary.origin.ingest.FeedIngest;
import live.tributary.origin.publish.AboutText;
import live.tributary.origin.publish.StreamOrigin;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two origins with one key and a relay between them, over real sockets, each reading the sample feed. */
@Timeout(180)
class StandbyTest {
    private static final Path SAMPLE = Path.of("..", "scripts", "sample");
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final Samples samples = new Samples(12);
    private final SigningKey key = samples.key();
    private final List<AutoCloseable> parts = new ArrayList<>();

    @TempDir
    private Path folder;

    @AfterEach
    void stop() throws Exception {
        for (int i = parts.size() - 1; i >= 0; i--) {
            parts.get(i).close();
        }
    }

    /** An origin on a node of its own. */
    private final class Origin implements AutoCloseable {
        final LoopbackNode node;
        final OwnStream stream;
        final Standby standby;

        Origin(String name, Duration lookAround, LoopbackNode... peers) throws IOException {
            node = new LoopbackNode(samples.key(), peers);
            stream = new OwnStream(node.mesh, key);
            standby = new Standby(
                    stream,
                    new FeedIngest.Config(SAMPLE.toString(), true, Set.of(), Map.of()),
                    (known, head) -> {
                        StreamOrigin origin = new StreamOrigin(
                                new StreamOrigin.Config(
                                        key, folder.resolve(name), AboutText.named(name), term -> Optional.empty()),
                                stream,
                                new StreamOrigin.Surroundings(
                                        InstantSource.system(),
                                        System::nanoTime,
                                        node.mesh::endpoints,
                                        lost -> {},
                                        record -> false,
                                        (record, bytes) -> {}));
                        origin.adopt(known, head);
                        return new Standby.Tenure(origin, List.of());
                    },
                    InstantSource.system(),
                    System::nanoTime,
                    lookAround);
            standby.start();
            parts.add(this);
        }

        boolean leads() {
            return standby.text().startsWith("leading");
        }

        /** Its links break and nothing more is said: as a machine does that lost its power. */
        void vanishes() {
            node.mesh.close();
        }

        @Override
        public void close() throws InterruptedException {
            standby.close();
            node.close();
        }
    }

    private StreamView relay(LoopbackNode node) {
        return node.mesh.carry(key.streamKey(), NodeRole.RELAY);
    }

    private LoopbackNode relayNode() throws IOException {
        LoopbackNode node = new LoopbackNode(samples.key());
        parts.add(node);
        return node;
    }

    @Test
    void theOneThatStandsByTakesOverAndTheChainGoesOn() throws IOException {
        LoopbackNode middle = relayNode();
        StreamView seen = relay(middle);
        Origin first = new Origin("first", Duration.ZERO, middle);
        eventually("the first leads", () -> seen.newest(0, 9).size() >= 2);
        Origin second = new Origin("second", Duration.ofMinutes(10), middle);
        eventually("the second follows", () -> !second.stream.newest(0, 1).isEmpty());
        assertThat(second.leads()).isFalse();

        first.vanishes();
        long term = seen.newest(0, 1).get(0).term();
        eventually("the second leads", () -> countOfTermsAbove(seen, term) >= 2);

        List<ChunkRecord> chain = seen.newest(0, 100);
        for (int i = 1; i < chain.size(); i++) {
            assertThat(chain.get(i).seq()).isEqualTo(chain.get(i - 1).seq() + 1);
            assertThat(chain.get(i).body().previous()).contains(chain.get(i - 1).hash());
            assertThat(chain.get(i).firstPiece()).isEqualTo(chain.get(i - 1).endPiece());
        }
        long breaks = chain.get(chain.size() - 1).body().discontinuities()
                - chain.get(0).body().discontinuities();
        assertThat(breaks).as("discontinuities that a viewer sees").isLessThanOrEqualTo(1);
        assertThat(seen.head().orElseThrow().head().term()).isGreaterThan(term);
    }

    @Test
    void ofTwoThatPublishTheLowerTermStandsDownAndOneChainRemains() throws IOException {
        LoopbackNode middle = relayNode();
        StreamView seen = relay(middle);
        Origin first = new Origin("first", Duration.ZERO, middle);
        eventually("the first leads", () -> seen.newest(0, 9).size() >= 2);
        // It has heard nothing of the mesh when it begins, as behind a network that was cut in two.
        Origin second = new Origin("second", Duration.ZERO);
        eventually("both lead", () -> second.leads() && first.leads());
        LoopbackNode bridge = new LoopbackNode(samples.key(), middle, second.node);
        parts.add(bridge);
        relay(bridge);

        eventually("one stood down", () -> !first.leads());
        assertThat(first.standby.text()).contains("stood down");
        assertThat(second.leads()).isTrue();
        long term = second.stream.head().orElseThrow().head().term();
        eventually("the relay follows the other", () -> countOfTermsAbove(seen, term - 1) >= 2);
        eventually("and so does the one that stood down", () -> countOfTermsAbove(first.stream, term - 1) >= 1);
    }

    private static long countOfTermsAbove(StreamView stream, long term) {
        return stream.newest(0, 50).stream()
                .filter(record ->
                        record.term() > term && stream.record(record.chunk()).isPresent())
                .count();
    }

    private static void eventually(String fact, BooleanSupplier holds) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(fact).isLessThan(end);
            LockSupport.parkNanos(20_000_000);
        }
    }
}
