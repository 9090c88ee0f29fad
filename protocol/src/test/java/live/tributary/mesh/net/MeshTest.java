package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.Meter;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whole nodes over real sockets. */
@Timeout(120)
class MeshTest {
    private static final int CHUNK = 300_000;

    private final Samples samples = new Samples(77);
    private final List<TestNode> nodes = new ArrayList<>();
    private final SampleStream sample = new SampleStream(5, Instant.now().minus(Duration.ofSeconds(5)));

    @AfterEach
    void stop() {
        nodes.forEach(TestNode::close);
    }

    @Test
    void whatAnOriginPublishesArrivesVerifiedAtItsRelays() throws Exception {
        TestNode origin = start();
        TestNode one = start(origin);
        TestNode two = start(origin, one);
        StreamPublisher publisher = publish(origin);
        StreamView first = one.node.carry(sample.streamKey(), NodeRole.RELAY);
        StreamView second = two.node.carry(sample.streamKey(), NodeRole.RELAY);
        Eventually.holds("links", () -> linked(first) == 2 && linked(second) == 2 && linked(publisher.view()) == 2);
        List<SampleStream.Chunk> chunks = publish(publisher, 5);
        for (SampleStream.Chunk chunk : chunks) {
            Eventually.holds("chunk at both", () -> first.holds(chunk.record()) && second.holds(chunk.record()));
            assertThat(bytes(one, chunk.record())).isEqualTo(chunk.bytes());
            assertThat(bytes(two, chunk.record())).isEqualTo(chunk.bytes());
        }
        ChunkRecord last = chunks.get(4).record();
        Eventually.holds("holders", () -> holders(first, last).contains(two.key.relayKey()));
        Eventually.holds("holders", () -> holders(second, last).contains(one.key.relayKey()));
        assertThat(first.head()).isPresent();
        assertThat(first.live()).isTrue();
        assertThat(first.newest(0, 3)).extracting(ChunkRecord::seq).containsExactly(2L, 3L, 4L);
    }

    @Test
    void atTheLiveEdgeAnOriginSendsAboutOneCopy() throws Exception {
        TestNode origin = start();
        TestNode one = start(origin);
        TestNode two = start(origin, one);
        StreamPublisher publisher = publish(origin);
        StreamView first = one.node.carry(sample.streamKey(), NodeRole.RELAY);
        StreamView second = two.node.carry(sample.streamKey(), NodeRole.RELAY);
        Eventually.holds("links", () -> linked(first) == 2 && linked(second) == 2 && linked(publisher.view()) == 2);
        long published = 0;
        for (int i = 0; i < 6; i++) {
            ChunkRecord record = publish(publisher, 1).get(0).record();
            published += record.length();
            Eventually.holds("chunk at both", () -> first.holds(record) && second.holds(record));
        }
        double copies = origin.meters.sum(Meter.SENT) / (double) published;
        assertThat(copies).isLessThan(1.5);
    }

    @Test
    void aRestartedRelayCatchesUp() throws Exception {
        TestNode origin = start();
        StreamPublisher publisher = publish(origin);
        SigningKey key = samples.key();
        TestNode relay = start(key, origin);
        StreamView before = relay.node.carry(sample.streamKey(), NodeRole.RELAY);
        List<SampleStream.Chunk> chunks = new ArrayList<>(publish(publisher, 2));
        Eventually.holds("first chunks", () -> before.holds(chunks.get(1).record()));
        nodes.remove(relay);
        relay.close();
        chunks.addAll(publish(publisher, 2));
        TestNode again = start(key, origin);
        StreamView after = again.node.carry(sample.streamKey(), NodeRole.RELAY);
        for (SampleStream.Chunk chunk : chunks) {
            Eventually.holds("chunk after the restart", () -> after.holds(chunk.record()));
        }
    }

    @Test
    void aRelayFindsTheOthersByTheRendezvousAlone() throws Exception {
        SharedRendezvous rendezvous = new SharedRendezvous();
        TestNode origin = start(rendezvous);
        TestNode one = start(rendezvous);
        TestNode two = start(rendezvous);
        StreamPublisher publisher = publish(origin);
        StreamView first = one.node.carry(sample.streamKey(), NodeRole.RELAY);
        StreamView second = two.node.carry(sample.streamKey(), NodeRole.RELAY);
        Eventually.holds("links", () -> linked(first) == 2 && linked(second) == 2 && linked(publisher.view()) == 2);
        ChunkRecord record = publish(publisher, 1).get(0).record();
        Eventually.holds("chunk at both", () -> first.holds(record) && second.holds(record));
    }

    @Test
    void aListenerHearsWhoHoldsWhatAndIsNobodysEndpoint() throws Exception {
        TestNode origin = start();
        TestNode relay = start(origin);
        TestNode gateway = start(origin);
        StreamPublisher publisher = publish(origin);
        StreamView carried = relay.node.carry(sample.streamKey(), NodeRole.RELAY);
        StreamView heard = gateway.node.carry(sample.streamKey(), NodeRole.LISTENER);
        // It is told of the relay by the origin's gossip, which the origin vouches for after a dial of its own.
        Eventually.holds("links", () -> linked(heard) == 2 && linked(carried) == 2);
        ChunkRecord record = publish(publisher, 1).get(0).record();
        Eventually.holds("holders", () -> holders(heard, record).contains(relay.key.relayKey()));
        assertThat(heard.holds(record)).isFalse();
        assertThat(heard.newest(0, 1)).containsExactly(record);
        RelayView view = heard.holders(record).get(0);
        assertThat(view.endpoints())
                .extracting(Endpoint::port)
                .containsExactly(relay.address().getPort());
        assertThat(carried.relays())
                .filteredOn(r -> r.key().equals(gateway.key.relayKey()))
                .allSatisfy(r -> assertThat(r.endpoints()).isEmpty());
    }

    @Test
    void aListenerHearsOfAHolderLongAfterTheRecord() throws Exception {
        TestNode origin = start();
        TestNode relay = start(origin);
        TestNode gateway = start(origin);
        StreamPublisher publisher = publish(origin);
        relay.node.carry(sample.streamKey(), NodeRole.RELAY);
        StreamView heard = gateway.node.carry(sample.streamKey(), NodeRole.LISTENER);
        ChunkRecord record = publish(publisher, 1).get(0).record();
        Eventually.holds("the first holder", () -> holders(heard, record).contains(relay.key.relayKey()));
        TestNode late = start(origin, gateway);
        StreamView carried = late.node.carry(sample.streamKey(), NodeRole.RELAY);
        Eventually.holds("chunk at the late one", () -> carried.holds(record));
        Eventually.holds("the late holder", () -> holders(heard, record).contains(late.key.relayKey()));
    }

    private TestNode start(SharedRendezvous rendezvous) throws Exception {
        TestNode node = TestNode.start(samples.key(), 0, rendezvous);
        nodes.add(node);
        return node;
    }

    private TestNode start(SigningKey key, TestNode... peers) throws Exception {
        TestNode node = TestNode.start(key, peers);
        nodes.add(node);
        return node;
    }

    private StreamPublisher publish(TestNode origin) {
        StreamPublisher publisher = origin.node.publish(sample.signingKey());
        publisher.publish(head(1, Instant.now().plus(Duration.ofMinutes(5)), Head.Status.LIVE));
        return publisher;
    }

    private SignedHead head(long seq, Instant expires, Head.Status status) {
        return SignedHead.sign(
                new Head(
                        seq,
                        expires,
                        status,
                        0,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Sha256.of(new byte[Sha256.LENGTH])),
                sample.signingKey());
    }

    private List<SampleStream.Chunk> publish(StreamPublisher publisher, int count) {
        List<SampleStream.Chunk> chunks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SampleStream.Chunk chunk = sample.next(CHUNK);
            publisher.publish(chunk.record(), chunk.buffer());
            chunks.add(chunk);
        }
        return chunks;
    }

    private TestNode start(TestNode... peers) throws Exception {
        TestNode node = TestNode.start(samples.key(), peers);
        nodes.add(node);
        return node;
    }

    private static long linked(StreamView view) {
        return view.relays().stream().filter(relay -> relay.linked()).count();
    }

    private static List<RelayKey> holders(StreamView view, ChunkRecord record) {
        return view.holders(record).stream().map(RelayView::key).toList();
    }

    private static byte[] bytes(TestNode node, ChunkRecord record) {
        ByteBuf bytes = node.store.read(record, 0, record.length()).orElseThrow();
        try {
            return ByteBufUtil.getBytes(bytes);
        } finally {
            bytes.release();
        }
    }
}
