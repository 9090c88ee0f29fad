package live.tributary.origin.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.SampleStream;
import live.tributary.protocol.Samples;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.Test;

class PushPlanTest {
    private final SampleStream sample = new SampleStream(9, Instant.now());
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final PushPlan plan = new PushPlan(stream, chunk -> LiveMessage.Stored.sign(chunk, sample.signingKey()));

    @Test
    void aGatewayThatHasNothingIsToldTheNewestAndThenWhatComes() {
        publish(PushPlan.MAX_BEHIND + 5);
        plan.begin(List.of());

        assertThat(seqs()).containsExactlyElementsOf(range(5, PushPlan.MAX_BEHIND + 5));
        assertThat(plan.takeDropped()).as("what it never needed is not dropped").isZero();
        publish(2);
        assertThat(seqs()).hasSize(2);
        assertThat(plan.next()).isEmpty();
    }

    @Test
    void goesOnBehindWhatTheGatewayHas() {
        List<ChunkRecord> records = publish(10);
        ChunkRecord newest = records.get(6);
        plan.begin(List.of(new NotifyMessage.Place(newest.chunk(), newest.hash())));

        assertThat(seqs()).containsExactly(7L, 8L, 9L);
    }

    @Test
    void aGatewayOnAnotherBranchIsToldAll() {
        publish(4);
        plan.begin(List.of(new NotifyMessage.Place(new ChunkId(0, 2), Sha256.ofContent(new byte[0]))));

        assertThat(seqs()).containsExactly(0L, 1L, 2L, 3L);
    }

    @Test
    void aGatewayThatFallsTooFarBehindMissesTheOldest() {
        publish(1);
        plan.begin(List.of());
        assertThat(seqs()).containsExactly(0L);

        publish(PushPlan.MAX_BEHIND + 3);
        assertThat(seqs()).containsExactlyElementsOf(range(4, PushPlan.MAX_BEHIND + 4));
        assertThat(plan.takeDropped()).isEqualTo(3);
        assertThat(plan.takeDropped()).isZero();
    }

    @Test
    void aJumpOfTheStreamIsNoDrop() {
        publish(2);
        plan.begin(List.of());
        seqs();
        sample.jump(100_000);
        publish(2);

        assertThat(seqs()).containsExactly(100_002L, 100_003L);
        assertThat(plan.takeDropped()).isZero();
    }

    @Test
    void theBucketsWordWaitsForTheRecordAndTheOldestIsDropped() {
        List<ChunkRecord> records = publish(1);
        plan.begin(List.of());
        for (int seq = 0; seq < PushPlan.MAX_STORED + 2; seq++) {
            plan.storedInBucket(new ChunkId(0, seq));
        }

        assertThat(plan.next().orElseThrow())
                .isInstanceOfSatisfying(
                        LiveMessage.RecordNews.class,
                        news -> assertThat(news.record()).isEqualTo(records.get(0)));
        LiveMessage word = plan.next().orElseThrow();
        assertThat(word).isInstanceOfSatisfying(LiveMessage.Stored.class, stored -> {
            assertThat(stored.chunk()).isEqualTo(new ChunkId(0, 2));
            assertThat(stored.verifies(sample.streamKey())).isTrue();
        });
        assertThat(plan.takeDropped()).isEqualTo(2);
    }

    @Test
    void onlyRelaysWhoseEveryEndpointIsProvenAreNamedAndOnlyOnChange() {
        Samples samples = new Samples(5);
        RelayDescriptor descriptor = samples.descriptor(samples.key());
        var proven = descriptor.body().endpoints();
        SampleStream.Chunk chunk = sample.next(1000);
        stream.accept(chunk);
        stream.heldBy(
                chunk,
                List.of(
                        new RelayView(descriptor.body().relay(), NodeRole.RELAY, proven, Optional.of(descriptor), true),
                        half(samples)));
        plan.begin(List.of(
                new NotifyMessage.Place(chunk.record().chunk(), chunk.record().hash())));

        assertThat(plan.next()).contains(new LiveMessage.Relays(List.of(descriptor)));
        plan.relaysChanged();
        assertThat(plan.next()).isEmpty();
    }

    private static RelayView half(Samples samples) {
        RelayDescriptor descriptor = samples.descriptor(samples.key());
        return new RelayView(
                descriptor.body().relay(),
                NodeRole.RELAY,
                descriptor.body().endpoints().subList(0, 1),
                Optional.of(descriptor),
                true);
    }

    private List<ChunkRecord> publish(int count) {
        List<ChunkRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SampleStream.Chunk chunk = sample.next(100);
            stream.accept(chunk);
            records.add(chunk.record());
        }
        return records;
    }

    private static List<Long> range(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    /** All that is due now, which must be records. */
    private List<Long> seqs() {
        List<Long> seqs = new ArrayList<>();
        for (var next = plan.next(); next.isPresent(); next = plan.next()) {
            seqs.add(((LiveMessage.RecordNews) next.get()).record().seq());
        }
        return seqs;
    }
}
