package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import live.tributary.protocol.wire.PeerMessageDecoder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a raw, hostile client gets done over a real socket: nothing. */
@Timeout(120)
class HostileLinkTest {
    private static final int CHUNK = 100_000;
    private static final long SEED = 5;

    private final Samples samples = new Samples(99);
    private final List<TestNode> nodes = new ArrayList<>();
    private final Instant began = Instant.now().minus(Duration.ofSeconds(20));
    private final SampleStream sample = new SampleStream(SEED, began);
    private TestNode relay;
    private StreamView view;
    private StreamView bystander;
    private StreamPublisher publisher;

    @BeforeEach
    void start() throws Exception {
        TestNode origin = start(samples.key());
        relay = start(samples.key(), origin);
        TestNode other = start(samples.key(), origin, relay);
        publisher = origin.node.publish(sample.signingKey());
        publisher.publish(head(began.toEpochMilli(), 1, Instant.now().plusSeconds(300)));
        view = relay.node.carry(sample.streamKey(), NodeRole.RELAY);
        bystander = other.node.carry(sample.streamKey(), NodeRole.RELAY);
        for (int i = 0; i < 2; i++) {
            SampleStream.Chunk chunk = sample.next(CHUNK);
            publisher.publish(chunk.record(), chunk.buffer());
            Eventually.holds("chunk at both", () -> view.holds(chunk.record()) && bystander.holds(chunk.record()));
        }
    }

    @AfterEach
    void stop() {
        nodes.forEach(TestNode::close);
    }

    @Test
    void aRecordWithOneFlippedBitIsNeitherStoredNorForwardedAndItsSenderIsOut() throws Exception {
        SigningKey hostile = samples.key();
        ChunkRecord good = sample.next(CHUNK).record();
        byte[] flipped = good.encoded();
        flipped[flipped.length - 60] ^= 1; // Within the signature, behind which only 35 bytes follow.
        try (RawPeer peer = RawPeer.linked(hostile, sample.streamKey(), relay.address())) {
            peer.send(new LiveMessage.RecordNews(ChunkRecord.decode(flipped)));
            peer.readUntilClosed();
        }
        assertThat(relay.counted(RecordResult.BAD_SIGNATURE)).isOne();
        nothingOf(good.chunk());
        try (RawPeer again = new RawPeer(hostile, sample.streamKey(), relay.address(), 1 << 16)) {
            assertThat(again.isTurnedAway(Endpoint.of(relay.address()))).isTrue(); // Banned by its key.
        }
    }

    @Test
    void aRecordOfAnEarlierTermIsNotTaken() throws Exception {
        SampleStream earlier = new SampleStream(SEED, began.minusSeconds(3));
        earlier.jump(10);
        ChunkRecord stale = earlier.next(CHUNK).record();
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), relay.address())) {
            peer.send(new LiveMessage.RecordNews(stale));
            Eventually.holds("counted", () -> relay.counted(RecordResult.STALE_TERM) == 1);
        }
        nothingOf(stale.chunk());
    }

    @Test
    void aRecordWithAKnownAndDifferentPredecessorIsNotTaken() throws Exception {
        SampleStream fork = new SampleStream(SEED, began);
        fork.next(CHUNK + 1);
        fork.next(CHUNK + 1);
        ChunkRecord other = fork.next(CHUNK).record();
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), relay.address())) {
            peer.send(new LiveMessage.RecordNews(other));
            Eventually.holds("counted", () -> relay.counted(RecordResult.BAD_PREDECESSOR) == 1);
        }
        nothingOf(other.chunk());
    }

    @Test
    void underAnExpiredHeadNoRecordIsTaken() throws Exception {
        TestNode alone = start(samples.key());
        StreamView empty = alone.node.carry(sample.streamKey(), NodeRole.RELAY);
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), alone.address())) {
            peer.send(new LiveMessage.HeadNews(
                    head(began.toEpochMilli(), 2, Instant.now().minusSeconds(1))));
            peer.send(new LiveMessage.RecordNews(sample.next(CHUNK).record()));
            // Once for the head, once for the record.
            Eventually.holds("counted", () -> alone.counted(RecordResult.NOT_LIVE) == 2);
        }
        assertThat(empty.live()).isFalse();
        assertThat(empty.renditions()).isEmpty();
    }

    @Test
    void anOversizedRecordClosesTheLinkAndIsCounted() throws Exception {
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), relay.address())) {
            int length = ChunkRecord.MAX_ENCODED + 1;
            peer.sendLive(
                    ("d1:_6:record1:c" + length + ":" + "0".repeat(length) + "e").getBytes(StandardCharsets.US_ASCII));
            peer.readUntilClosed();
        }
        Eventually.holds("counted", () -> relay.counted(RecordResult.OVERSIZED) == 1);
    }

    @Test
    void aMessageOfOneByteMoreThanTheWireAllowsClosesTheLink() throws Exception {
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), relay.address())) {
            peer.isClosedOn(() -> peer.sendLive(new byte[LiveMessageCodec.MAX_ENCODED + 1]));
        }
        Eventually.holds("counted", () -> relay.counted(RecordResult.OVERSIZED) == 1);
    }

    @Test
    void aBlockOfOneByteMoreThanTheWireAllowsClosesTheLink() throws Exception {
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), relay.address())) {
            peer.isClosedOn(() -> peer.send(7, new byte[8 + PeerMessageDecoder.MAX_BLOCK + 1]));
        }
        Eventually.holds("counted", () -> relay.counted(RecordResult.OVERSIZED) == 1);
    }

    @Test
    void blocksThatNobodyAskedForAreNotStored() throws Exception {
        SampleStream.Chunk next = sample.next(CHUNK);
        try (RawPeer peer = RawPeer.linked(samples.key(), sample.streamKey(), relay.address())) {
            Eventually.holds("link", () -> view.relays().size() == 3);
            for (int i = 0; i < 50; i++) {
                peer.send(7, ByteBuffer.allocate(8 + 16384).putInt(i).array());
            }
            publisher.publish(next.record(), next.buffer());
            Eventually.holds("chunk at both", () -> view.holds(next.record()) && bystander.holds(next.record()));
        }
    }

    @Test
    void aForgedWordOfARelayEndsTheLinkOfWhoToldIt() throws Exception {
        SigningKey hostile = samples.key();
        SigningKey unknown = samples.key();
        byte[] forged = describedBy(unknown).encoded();
        forged[forged.length - 40] ^= 1; // Within the signature.
        try (RawPeer peer = RawPeer.linked(hostile, sample.streamKey(), relay.address())) {
            peer.send(new LiveMessage.Relays(List.of(describedBy(hostile), RelayDescriptor.decode(forged))));
            peer.readUntilClosed();
        }
        assertThat(view.relays()).noneMatch(known -> known.key().equals(unknown.relayKey()));
    }

    @Test
    void whatIsKnownOfARelayIsNotLookedAtAgain() throws Exception {
        SigningKey teller = samples.key();
        SigningKey told = samples.key();
        RelayDescriptor good = describedBy(told);
        byte[] forged = good.encoded();
        forged[forged.length - 40] ^= 1;
        try (RawPeer first = RawPeer.linked(told, sample.streamKey(), relay.address());
                RawPeer second = RawPeer.linked(teller, sample.streamKey(), relay.address())) {
            first.send(new LiveMessage.Relays(List.of(good)));
            Eventually.holds(
                    "known",
                    () -> view.relays().stream()
                            .anyMatch(known -> known.descriptor().equals(Optional.of(good))));
            second.send(new LiveMessage.Relays(List.of(describedBy(teller), RelayDescriptor.decode(forged))));
            Eventually.holds(
                    "the second's own word is taken, behind a forgery of what was known",
                    () -> view.relays().stream()
                            .anyMatch(known -> known.key().equals(teller.relayKey())
                                    && known.descriptor().isPresent()));
        }
    }

    @Test
    void aNodeSignsNoEndpointThatIsNotItsOwn() throws Exception {
        try (RawPeer peer = new RawPeer(samples.key(), sample.streamKey(), relay.address(), 1 << 16)) {
            Endpoint notItsOwn =
                    new Endpoint(relay.address().getAddress(), relay.address().getPort() + 1);
            assertThat(peer.isTurnedAway(notItsOwn)).isTrue();
        }
    }

    @Test
    void aProofByAnotherKeyMakesNoLink() throws Exception {
        try (RawPeer peer = new RawPeer(samples.key(), sample.streamKey(), relay.address(), 1 << 16)) {
            peer.hello(Endpoint.of(relay.address()));
            peer.answer(samples.bytes(64));
            assertThat(peer.readUntilClosed())
                    .allSatisfy(message -> assertThat(message).isInstanceOf(LiveMessage.HelloAnswer.class));
        }
        assertThat(view.relays()).hasSize(2);
    }

    @Test
    void aNeighbourThatNeverReadsDelaysNobody() throws Exception {
        try (RawPeer peer = new RawPeer(samples.key(), sample.streamKey(), relay.address(), 1024)) {
            peer.hello(Endpoint.of(relay.address()));
            peer.prove();
            for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
                peer.send(new LiveMessage.Tree(stripe, true));
            }
            for (int round = 0; round < 200; round++) { // Held pieces, over and over, and never a read.
                for (long piece = 0; piece < 4; piece++) {
                    peer.send(
                            6,
                            ByteBuffer.allocate(12)
                                    .putInt((int) piece)
                                    .putInt(0)
                                    .putInt(16384)
                                    .array());
                }
            }
            for (int i = 0; i < 5; i++) {
                SampleStream.Chunk chunk = sample.next(1_000_000);
                long from = System.nanoTime();
                publisher.publish(chunk.record(), chunk.buffer());
                Eventually.holds("chunk at both", () -> view.holds(chunk.record()) && bystander.holds(chunk.record()));
                assertThat(Duration.ofNanos(System.nanoTime() - from)).isLessThan(Duration.ofSeconds(5));
            }
        }
    }

    private void nothingOf(ChunkId chunk) {
        assertThat(view.record(chunk)).isEmpty();
        assertThat(bystander.record(chunk)).isEmpty();
        assertThat(relay.store.memoryBytes()).isEqualTo(2 * CHUNK);
        for (RecordResult result : RecordResult.values()) {
            if (result != RecordResult.ACCEPTED && result != RecordResult.DUPLICATE && result != RecordResult.HELD) {
                assertThat(nodes.get(2).counted(result))
                        .as("bystander's %s", result)
                        .isZero();
            }
        }
    }

    private static RelayDescriptor describedBy(SigningKey key) {
        return Samples.descriptor(
                key, List.of(), Optional.empty(), Instant.now().plusSeconds(300));
    }

    private SignedHead head(long term, long seq, Instant expires) {
        return SignedHead.sign(
                new Head(
                        seq,
                        expires,
                        Head.Status.LIVE,
                        term,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Sha256.of(new byte[Sha256.LENGTH])),
                sample.signingKey());
    }

    private TestNode start(SigningKey key, TestNode... peers) throws Exception {
        TestNode node = TestNode.start(key, peers);
        nodes.add(node);
        return node;
    }
}
