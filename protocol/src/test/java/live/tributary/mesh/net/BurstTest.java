package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Feeds that stood still and then come all at once, and relays that come to them late. */
@Timeout(120)
class BurstTest {
    private static final int CHUNK = 5_000;

    private final Samples samples = new Samples(91);
    private final List<TestNode> nodes = new ArrayList<>();

    @AfterEach
    void stop() {
        nodes.forEach(TestNode::close);
    }

    @Test
    void twelveSegmentsAtOnceAllReachTheRelays() throws Exception {
        SampleStream sample = startedBefore(12);
        TestNode origin = start();
        TestNode one = start(origin);
        TestNode two = start(origin, one);
        StreamPublisher publisher = publish(origin, sample);
        StreamView first = one.node.carry(sample.streamKey(), NodeRole.RELAY);
        StreamView second = two.node.carry(sample.streamKey(), NodeRole.RELAY);
        Eventually.holds("links", () -> linked(first) == 2 && linked(second) == 2 && linked(publisher.view()) == 2);

        List<ChunkRecord> records = publish(publisher, sample, 12, 300_000);

        for (ChunkRecord record : records) {
            Eventually.holds(record + " at both", () -> first.holds(record) && second.holds(record));
        }
    }

    @Test
    void fiveHundredRecordsAtOnceAllReachARelayThatWasThere() throws Exception {
        SampleStream sample = startedBefore(500);
        TestNode origin = start();
        TestNode relay = start(origin);
        StreamPublisher publisher = publish(origin, sample);
        StreamView view = relay.node.carry(sample.streamKey(), NodeRole.RELAY);
        Eventually.holds("link", () -> linked(view) == 1);

        List<ChunkRecord> records = publish(publisher, sample, 500, CHUNK);

        Eventually.holds("records", () -> view.newest(0, 500).equals(records));
        Eventually.holds("the last chunk", () -> view.holds(records.get(499)));
        assertThat(linked(view)).isOne();
    }

    @Test
    void fiveHundredRecordsAllReachARelayThatComesLate() throws Exception {
        SampleStream sample = startedBefore(500);
        TestNode origin = start();
        StreamPublisher publisher = publish(origin, sample);
        List<ChunkRecord> records = publish(publisher, sample, 500, CHUNK);
        TestNode relay = start(origin);

        StreamView view = relay.node.carry(sample.streamKey(), NodeRole.RELAY);

        Eventually.holds("records", () -> view.newest(0, 500).equals(records));
        Eventually.holds("the last chunk", () -> view.holds(records.get(499)));
        assertThat(view.holds(records.get(0))).as("what is older than a window").isFalse();
    }

    private static SampleStream startedBefore(int chunks) {
        return new SampleStream(7, Instant.now().minus(SampleStream.CHUNK_DURATION.multipliedBy(chunks)));
    }

    private static StreamPublisher publish(TestNode origin, SampleStream sample) {
        StreamPublisher publisher = origin.node.publish(sample.signingKey());
        publisher.publish(SignedHead.sign(
                new Head(
                        1,
                        Instant.now().plus(Duration.ofMinutes(5)),
                        Head.Status.LIVE,
                        sample.term(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Sha256.ofContent(new byte[0])),
                sample.signingKey()));
        return publisher;
    }

    private static List<ChunkRecord> publish(StreamPublisher publisher, SampleStream sample, int chunks, int length) {
        List<ChunkRecord> records = new ArrayList<>();
        for (int i = 0; i < chunks; i++) {
            SampleStream.Chunk chunk = sample.next(length);
            publisher.publish(chunk.record(), chunk.buffer());
            records.add(chunk.record());
        }
        return records;
    }

    private TestNode start(TestNode... peers) throws Exception {
        TestNode node = TestNode.start(samples.key(), peers);
        nodes.add(node);
        return node;
    }

    private static long linked(StreamView view) {
        return view.relays().stream().filter(relay -> relay.linked()).count();
    }
}
