package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordRulesTest {
    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private final TestStream stream = bed.stream;

    @Test
    void forwardsARecordOnceToEverybodyButWhoSentIt() {
        bed.live();
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);
        LinkId listener = bed.link(3, NodeRole.LISTENER);
        ChunkRecord record = stream.first();

        bed.hears(sender, record, record);
        bed.hears(other, record);

        assertThat(bed.accepted).containsExactly(record);
        assertThat(bed.recordsSentTo(sender)).isEmpty();
        assertThat(bed.recordsSentTo(other)).containsExactly(record);
        assertThat(bed.recordsSentTo(listener)).containsExactly(record);
        assertThat(bed.counted(RecordResult.DUPLICATE)).isEqualTo(2);
    }

    @Test
    void aFlippedBitIsNeitherStoredNorForwardedAndDropsTheLink() {
        bed.live();
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);

        bed.hears(sender, TestStream.flipped(stream.first()));

        assertThat(bed.accepted).isEmpty();
        assertThat(bed.recordsSentTo(other)).isEmpty();
        assertThat(bed.counted(RecordResult.BAD_SIGNATURE)).isOne();
        assertThat(bed.dropped).containsExactly(sender);
        assertThat(bed.reasons).containsExactly(SwarmActions.DropReason.BAD_SIGNATURE);
    }

    @Test
    void withoutAnUnexpiredHeadNoRecordIsLive() {
        LinkId sender = bed.relay(1);

        bed.hears(sender, stream.first());
        bed.gets(sender, new LiveMessage.HeadNews(stream.head(1, bed.wall.minusSeconds(1))));
        bed.hears(sender, stream.first());

        assertThat(bed.accepted).isEmpty();
        assertThat(bed.heads).isEmpty();
        assertThat(bed.counted(RecordResult.NOT_LIVE)).isEqualTo(3);
    }

    @Test
    void aRecordMayComeWithItsHeadStillBeingChecked() {
        LinkId sender = bed.relay(1);
        ChunkRecord record = stream.first();

        bed.swarm.received(sender, new LiveMessage.HeadNews(stream.head(1, bed.wall.plusSeconds(300))), bed.now);
        bed.hears(sender, record);

        assertThat(bed.accepted).containsExactly(record);
    }

    @Test
    void anOldHeadDoesNotComeBack() {
        LinkId sender = bed.relay(1);
        bed.gets(sender, new LiveMessage.HeadNews(stream.head(5, bed.wall.plusSeconds(300))));
        bed.gets(sender, new LiveMessage.HeadNews(stream.head(4, bed.wall.plusSeconds(300))));
        bed.gets(sender, new LiveMessage.HeadNews(stream.head(9, bed.wall.plusSeconds(300), TestStream.TERM - 1)));

        assertThat(bed.heads).hasSize(1);
        assertThat(bed.counted(RecordResult.STALE_TERM)).isOne();
    }

    @Test
    void aStaleTermIsRefused() {
        bed.live();
        LinkId sender = bed.relay(1);
        ChunkRecord first = stream.first();
        ChunkRecord stale = stream.record(
                TestStream.TERM - 1, first.seq() + 1, Optional.of(first.hash()), 50, TestStream.NOW, 1000);

        bed.hears(sender, first, stale);

        assertThat(bed.accepted).containsExactly(first);
        assertThat(bed.counted(RecordResult.STALE_TERM)).isOne();
        assertThat(bed.dropped).isEmpty();
    }

    @Test
    void aKnownAndDifferentPredecessorIsAFailure() {
        bed.live();
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);
        ChunkRecord first = stream.first();
        ChunkRecord wrong = stream.record(
                TestStream.TERM, first.seq() + 1, Optional.of(stream.first().hash()), 50, TestStream.NOW, 1000);

        bed.hears(sender, first, wrong);

        assertThat(bed.accepted).containsExactly(first);
        assertThat(bed.recordsSentTo(other)).containsExactly(first);
        assertThat(bed.counted(RecordResult.BAD_PREDECESSOR)).isOne();
    }

    @Test
    void aRecordOfAnotherStreamIsRefused() {
        bed.live();
        bed.hears(bed.relay(1), new TestStream(2).first());

        assertThat(bed.counted(RecordResult.WRONG_STREAM)).isOne();
    }

    @Test
    void whatWasPublishedBeforeTheHistoryOrTooFarAheadIsNotLive() {
        bed.live();
        LinkId sender = bed.relay(1);
        Optional<live.tributary.protocol.stream.Sha256> none = Optional.empty();

        bed.hears(sender, stream.record(TestStream.TERM, 1, none, 0, TestStream.NOW.minusSeconds(601), 1000));
        bed.hears(sender, stream.record(TestStream.TERM, 2, none, 1, TestStream.NOW.plusSeconds(31), 1000));

        assertThat(bed.accepted).isEmpty();
        assertThat(bed.counted(RecordResult.NOT_LIVE)).isEqualTo(2);
    }

    @Test
    void aSeqMoreThan64AheadIsOutOfRange() {
        bed.live();
        LinkId sender = bed.relay(1);
        ChunkRecord first = stream.first();
        bed.hears(sender, first);

        bed.hears(sender, far(first, 64));
        bed.hears(sender, far(first, 65));

        assertThat(bed.counted(RecordResult.HELD)).isOne();
        assertThat(bed.counted(RecordResult.OUT_OF_RANGE)).isOne();
    }

    @Test
    void whoHasSleptAsksItsWayUpPageByPage() {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = run(150);
        bed.hears(sender, records.get(0));

        bed.hears(sender, records.get(149));

        assertThat(asked(sender)).endsWith(new LiveMessage.RecordsPlease(0, 101, 164));
        bed.gets(sender, new LiveMessage.Records(records.subList(1, 65)));
        assertThat(asked(sender)).endsWith(new LiveMessage.RecordsPlease(0, 165, 228));
        bed.gets(sender, new LiveMessage.Records(records.subList(65, 129)));
        assertThat(asked(sender)).endsWith(new LiveMessage.RecordsPlease(0, 229, 292));
        bed.gets(sender, new LiveMessage.Records(records.subList(129, 150)));
        assertThat(bed.accepted).containsExactlyElementsOf(records);
    }

    @Test
    void whereNobodyHasWhatLiesBetweenItGoesOnFromThere() {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = run(151);
        bed.hears(sender, records.get(0));
        bed.hears(sender, records.get(149));

        bed.gets(sender, new LiveMessage.Records(List.of()));
        bed.pass(Duration.ofSeconds(5));
        bed.gets(sender, new LiveMessage.Records(List.of()));
        bed.pass(Duration.ofSeconds(60));
        bed.hears(sender, records.get(150));

        assertThat(bed.accepted).containsExactly(records.get(0), records.get(149), records.get(150));
    }

    @Test
    void whoForgesARecordFarAheadIsFoundOut() {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = run(150);
        bed.hears(sender, records.get(0), TestStream.flipped(records.get(149)));

        bed.pass(Duration.ofSeconds(60));

        assertThat(bed.accepted).containsExactly(records.get(0));
        assertThat(bed.reasons).containsExactly(SwarmActions.DropReason.BAD_SIGNATURE);
    }

    @Test
    void aLateJoinerHasTheRecordsOfTheWholeHistory() {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = new ArrayList<>();
        for (int i = 0; i < 130; i++) {
            records.add(stream.record(
                    TestStream.TERM,
                    100 + i,
                    i == 0 ? Optional.empty() : Optional.of(records.get(i - 1).hash()),
                    4L * i,
                    TestStream.NOW.minusSeconds(4 * (129 - i)),
                    TestStream.LENGTH));
        }
        bed.hears(sender, records.get(129));
        bed.gets(sender, new LiveMessage.Records(records.subList(65, 129)));
        assertThat(asked(sender)).endsWith(new LiveMessage.RecordsPlease(0, 102, 165)); // No more than 64 wait.
        bed.gets(sender, new LiveMessage.Records(records.subList(2, 66)));
        bed.gets(sender, new LiveMessage.Records(records.subList(0, 2)));

        assertThat(bed.accepted).containsExactlyInAnyOrderElementsOf(records);
        assertThat(bed.opened)
                .as("chunks of the window and of what has come since")
                .hasSize(83);
    }

    @Test
    void whatIsPublishedAllAtOnceIsToldAsFastAsItWouldBeListenedTo() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        origin.live();
        LinkId relay = origin.relay(1);
        List<ChunkRecord> records = new ArrayList<>(List.of(origin.stream.first()));
        for (int i = 1; i < 100; i++) {
            records.add(origin.stream.after(records.get(i - 1)));
        }

        records.forEach(record -> origin.swarm.publish(record, origin.now));

        assertThat(origin.recordsSentTo(relay)).hasSize(16);
        origin.pass(Duration.ofMillis(600));
        assertThat(origin.recordsSentTo(relay)).hasSize(17).endsWith(records.get(99));
    }

    @Test
    void whatAnOriginPublishesLateIsOfferedAndDoesNotHoldUpTheLiveEdge() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        origin.live();
        LinkId relay = origin.relay(1);
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            origin.gets(relay, new LiveMessage.Tree(stripe, true));
        }
        ChunkRecord old = origin.stream.record(
                TestStream.TERM, 100, Optional.empty(), 0, TestStream.NOW.minusSeconds(60), TestStream.LENGTH);
        ChunkRecord live = origin.stream.after(old);

        origin.swarm.publish(old, origin.now);
        origin.swarm.publish(live, origin.now);
        origin.pass(Duration.ofMillis(100));

        assertThat(origin.sentTo(relay, PeerMessage.Have.class))
                .extracting(PeerMessage.Have::piece)
                .containsExactly(0L, 1L, 2L, 3L);
        assertThat(origin.piecesSentTo(relay)).containsExactly(4L, 5L, 6L, 7L);
    }

    private List<LiveMessage.RecordsPlease> asked(LinkId link) {
        return bed.sentTo(link, LiveMessage.RecordsPlease.class);
    }

    private ChunkRecord far(ChunkRecord first, int ahead) {
        return stream.record(
                TestStream.TERM, first.seq() + ahead, Optional.of(first.hash()), 1000L * ahead, TestStream.NOW, 1000);
    }

    @Test
    void aRecordBehindAGapGoesOnAtOnceAndTheGapIsAskedFor() {
        bed.live();
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);
        List<ChunkRecord> records = run(5);

        bed.hears(sender, records.get(0), records.get(4));

        assertThat(bed.accepted).containsExactly(records.get(0));
        assertThat(bed.counted(RecordResult.HELD)).isOne();
        assertThat(bed.recordsSentTo(other)).containsExactly(records.get(0), records.get(4));
        assertThat(bed.sentTo(sender, LiveMessage.RecordsPlease.class))
                .contains(new LiveMessage.RecordsPlease(0, 101, 103));

        bed.gets(sender, new LiveMessage.Records(records.subList(1, 4)));

        assertThat(bed.accepted).containsExactlyElementsOf(records);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void theOrderOfArrivalIsFree(long seed) {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = run(15);
        List<ChunkRecord> shuffled = new ArrayList<>(records.subList(1, records.size()));
        Collections.shuffle(shuffled, new Random(seed));

        bed.hears(sender, records.get(0));
        shuffled.forEach(record -> bed.hears(sender, record));

        assertThat(bed.accepted).containsExactlyElementsOf(records);
    }

    @Test
    void aLateJoinerAsksForWhatCameBeforeAndHandsItOnFromTheOldest() {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = run(20);

        bed.hears(sender, records.get(19));

        assertThat(bed.accepted).isEmpty();
        LiveMessage.RecordsPlease please =
                bed.sentTo(sender, LiveMessage.RecordsPlease.class).get(0);
        assertThat(please).isEqualTo(new LiveMessage.RecordsPlease(0, 55, 118));

        bed.gets(sender, new LiveMessage.Records(records.subList(0, 19)));

        assertThat(bed.accepted).containsExactlyElementsOf(records);
    }

    @Test
    void aLateJoinerGoesOnWithoutWhatNobodyHas() {
        bed.live();
        LinkId sender = bed.relay(1);
        List<ChunkRecord> records = run(3);

        bed.hears(sender, records.get(1));
        bed.pass(Duration.ofSeconds(5));
        bed.hears(sender, records.get(2));

        assertThat(bed.accepted).containsExactly(records.get(1), records.get(2));
    }

    @Test
    void ofOneLinkNoMoreThanTwentyUnseenRecordsASecondAreLookedAt() {
        bed.live();
        LinkId sender = bed.relay(1);
        run(25).forEach(record -> bed.hears(sender, record));

        assertThat(bed.accepted).hasSize(RecordGate.RECORDS_PER_SECOND);
        assertThat(bed.counted(RecordResult.RATE_LIMITED)).isEqualTo(5);
    }

    @Test
    void aFloodDropsTheLink() {
        bed.live();
        LinkId sender = bed.relay(1);
        for (int i = 0; i < RecordGate.RECORDS_PER_SECOND + RecordGate.FLOOD; i++) {
            bed.hears(sender, far(stream.first(), 1 + i % 3));
        }

        assertThat(bed.reasons).contains(SwarmActions.DropReason.FLOODED);
    }

    @Test
    void aPageOfRecordsIsAtMost256KiB() {
        LinkId asker = bed.relay(1);
        ChunkRecord record =
                stream.record(TestStream.TERM, 100, Optional.empty(), 0, TestStream.NOW, ChunkRecord.MAX_CHUNK);
        for (int i = 0; i < 40; i++) {
            bed.swarm.learnt(record, bed.now);
            record = stream.record(
                    TestStream.TERM,
                    record.seq() + 1,
                    Optional.of(record.hash()),
                    record.endPiece(),
                    TestStream.NOW,
                    ChunkRecord.MAX_CHUNK);
        }

        bed.gets(asker, new LiveMessage.RecordsPlease(0, 0, Long.MAX_VALUE));

        List<ChunkRecord> page =
                bed.sentTo(asker, LiveMessage.Records.class).get(0).records();
        assertThat(page.get(0).seq()).isEqualTo(100);
        assertThat(page.stream().mapToInt(ChunkRecord::encodedLength).sum())
                .isBetween(LiveMessage.MAX_RECORDS_BYTES - 2 * ChunkRecord.MAX_ENCODED, LiveMessage.MAX_RECORDS_BYTES);
    }

    @Test
    void anOriginSendsARecordToAtMostFourLinks() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        origin.live();
        List<LinkId> links = new ArrayList<>();
        for (int i = 1; i <= 6; i++) {
            links.add(origin.relay(i));
        }
        origin.swarm.publish(origin.stream.first(), origin.now);

        assertThat(links.stream().filter(link -> !origin.recordsSentTo(link).isEmpty()))
                .hasSize(4);
    }

    @Test
    void aNewLinkIsGreetedWithTheNewestRecord() {
        bed.live();
        List<ChunkRecord> records = run(3);
        LinkId sender = bed.relay(1);
        records.forEach(record -> bed.hears(sender, record));

        assertThat(bed.recordsSentTo(bed.relay(2))).containsExactly(records.get(2));
    }

    private List<ChunkRecord> run(int count) {
        List<ChunkRecord> records = new ArrayList<>(List.of(stream.first()));
        while (records.size() < count) {
            records.add(stream.after(records.get(records.size() - 1)));
        }
        return records;
    }

    @Test
    void anOriginThatStartsAgainGivesNewPiecesAwayAlthoughItsRelaysHaveAllOldOnes() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        origin.live();
        ChunkRecord old = origin.stream.first();
        for (int i = 0; i < 20; i++) {
            origin.swarm.restored(old, origin.now);
            old = origin.stream.after(old);
        }
        LinkId relay = origin.relay(1);
        origin.gets(relay, new LiveMessage.Window(List.of(new LiveMessage.Range(0, old.firstPiece()))));
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            origin.gets(relay, new LiveMessage.Tree(stripe, true));
        }
        origin.swarm.publish(old, origin.now);
        origin.pass(Duration.ofMillis(100));
        assertThat(origin.blocks).isNotEmpty().allMatch(b -> b.block().piece() >= 20L * 4);
        assertThat(origin.dropped).isEmpty();
    }
}
