package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.SplittableRandom;
import live.tributary.protocol.stream.ChunkRecord;
import org.junit.jupiter.api.Test;

class UploadPlanTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final UploadPlan plan = new UploadPlan(new SplittableRandom(1), 0);

    @Test
    void putsChunksInOrderAndListsThemOnlyOnceTheyAreStored() {
        offer(1, 0);
        offer(2, 0);
        UploadPlan.Upload first = upload(0);
        UploadPlan.Upload second = upload(0);
        assertThat(first.record().seq()).isEqualTo(1);
        assertThat(plan.listed(0)).isEmpty();

        plan.stored(second);
        assertThat(plan.listed(0)).as("not behind one that may still come").isEmpty();
        plan.stored(first);
        assertThat(plan.listed(0)).extracting(ChunkRecord::seq).containsExactly(1L, 2L);
    }

    @Test
    void listsWhatIsBehindAGapOnceTheGapIsFinal() {
        offer(1, 0);
        offer(2, 0);
        offer(3, 0);
        plan.stored(upload(0));
        UploadPlan.Upload lost = upload(0);
        plan.stored(upload(0));
        assertThat(plan.failed(lost, true, 0)).isFalse();

        assertThat(plan.listed(0)).extracting(ChunkRecord::seq).containsExactly(3L);
    }

    @Test
    void triesAgainUntilTheDeadline() {
        offer(1, 0);
        long now = 0;
        int attempts = 0;
        boolean again = true;
        while (again) {
            UploadPlan.Upload upload = upload(now);
            attempts++;
            now += SECOND / 10;
            again = plan.failed(upload, false, now);
            now = plan.nextDue(now).orElse(now);
        }

        assertThat(attempts).isBetween(3, 6);
        assertThat(now).isLessThanOrEqualTo((long) (1.6 * SECOND));
        assertThat(plan.next(now)).isEmpty();
    }

    @Test
    void givesUpWhatWaitedBeyondItsDeadline() {
        offer(1, 0);

        assertThat(plan.giveUp((long) (1.6 * SECOND))).isEmpty();
        assertThat(plan.giveUp((long) (1.6 * SECOND) + 1))
                .extracting(ChunkRecord::seq)
                .containsExactly(1L);
        assertThat(plan.isIdle()).isTrue();
    }

    @Test
    void dropsTheOldestOfTooMany() {
        for (int seq = 0; seq < UploadPlan.MAX_WAITING; seq++) {
            assertThat(offer(seq, 0)).isEmpty();
        }
        assertThat(offer(UploadPlan.MAX_WAITING, 0))
                .extracting(ChunkRecord::seq)
                .containsExactly(0L);
    }

    @Test
    void dropsTheOldestOfTooManyBytes() {
        byte[] half = new byte[(int) (UploadPlan.MAX_WAITING_BYTES / 2)];
        plan.offer(Records.record(0, Instant.EPOCH), half, 0);
        assertThat(plan.offer(Records.record(1, Instant.EPOCH), half, 0)).isEmpty();
        assertThat(plan.offer(Records.record(2, Instant.EPOCH), new byte[1], 0))
                .extracting(ChunkRecord::seq)
                .containsExactly(0L);
    }

    @Test
    void writesADocumentAtMostOnceASecond() {
        plan.changed("a");
        UploadPlan.Write write = (UploadPlan.Write) plan.next(0).orElseThrow();
        plan.changed("a");
        assertThat(plan.next(0)).as("while it is written").isEmpty();
        plan.written(write, true, false, 0);

        assertThat(plan.next(SECOND - 1)).isEmpty();
        assertThat(plan.nextDue(SECOND - 1)).contains(SECOND);
        assertThat(plan.next(SECOND)).contains(new UploadPlan.Write("a"));
        assertThat(plan.next(SECOND)).isEmpty();
    }

    @Test
    void aDocumentThatFailedIsWrittenAgain() {
        plan.changed("a");
        plan.written((UploadPlan.Write) plan.next(0).orElseThrow(), false, false, 0);

        assertThat(plan.next(SECOND)).contains(new UploadPlan.Write("a"));
    }

    @Test
    void pausesAfterARefusal() {
        offer(1, 0);
        plan.changed("a");
        plan.written((UploadPlan.Write) plan.next(0).orElseThrow(), false, true, 0);

        assertThat(plan.next(29 * SECOND)).isEmpty();
        assertThat(plan.next(30 * SECOND)).isPresent();
    }

    @Test
    void deletesWhenNothingElseIsToDo() {
        plan.delete("old");
        offer(1, 0);
        upload(0);

        assertThat(plan.next(0)).contains(new UploadPlan.Delete("old"));
    }

    @Test
    void forgetsWhatLeftTheHistory() {
        plan.offer(Records.record(1, Instant.ofEpochSecond(10)), new byte[1], 0);
        plan.offer(Records.record(2, Instant.ofEpochSecond(20)), new byte[1], 0);
        plan.stored(upload(0));
        plan.stored(upload(0));

        assertThat(plan.expire(Instant.ofEpochSecond(20)))
                .extracting(ChunkRecord::seq)
                .containsExactly(1L);
        assertThat(plan.listed(0)).extracting(ChunkRecord::seq).containsExactly(2L);
    }

    private java.util.List<ChunkRecord> offer(long seq, long now) {
        return plan.offer(Records.record(seq, Instant.EPOCH), Records.bytes(seq), now);
    }

    @Test
    void whatAnEarlierRunLeftFollowsOneByOneBehindWhatIsLive() {
        plan.delete("gone");
        plan.missed(record(1), 0);
        plan.missed(record(2), 0);
        plan.missed(record(1), 0);
        offer(9, 0);

        upload(0);
        UploadPlan.CatchUp first = (UploadPlan.CatchUp) plan.next(0).orElseThrow();
        assertThat(first.record().seq()).isEqualTo(1);
        assertThat(plan.next(0)).as("a writer is left for what is live").contains(new UploadPlan.Delete("gone"));
        assertThat(plan.next(0)).isEmpty();
        plan.caughtUp(first, false, false, 0);
        assertThat(((UploadPlan.CatchUp) plan.next(0).orElseThrow()).record().seq())
                .isEqualTo(2);
    }

    @Test
    void aFailedCatchUpWaitsFiveSecondsAndLetsLiveChunksPass() {
        plan.missed(record(1), 0);
        UploadPlan.CatchUp first = (UploadPlan.CatchUp) plan.next(0).orElseThrow();
        plan.caughtUp(first, true, false, SECOND);

        assertThat(plan.next(6 * SECOND - 1)).isEmpty();
        assertThat(plan.nextDue(SECOND)).contains(6 * SECOND);
        offer(9, 5 * SECOND);
        assertThat(upload(5 * SECOND).record().seq()).isEqualTo(9);
        assertThat(plan.next(6 * SECOND)).contains(first);
    }

    @Test
    void aMissedChunkThatIsLeftToOthersIsLookedForAgainAndHoldsNoOtherUp() {
        plan.missed(record(1), 0);
        plan.missed(record(2), 0);
        UploadPlan.CatchUp first = (UploadPlan.CatchUp) plan.next(0).orElseThrow();
        assertThat(first.asked()).isFalse();
        plan.leftToOthers(first, true, 5 * SECOND);

        UploadPlan.CatchUp second = (UploadPlan.CatchUp) plan.next(0).orElseThrow();
        assertThat(second.record().seq()).isEqualTo(2);
        plan.caughtUp(second, false, false, 0);
        assertThat(plan.next(5 * SECOND - 1)).isEmpty();
        assertThat(plan.nextDue(0)).contains(5 * SECOND);
        assertThat(plan.next(5 * SECOND)).contains(new UploadPlan.CatchUp(first.record(), true));
    }

    @Test
    void keepsTheNewestOfTooManyMissedChunks() {
        for (long seq = 0; seq < UploadPlan.MAX_MISSED; seq++) {
            assertThat(plan.missed(record(seq), 0)).isEmpty();
        }
        assertThat(plan.missed(record(UploadPlan.MAX_MISSED), 0)).contains(record(0));

        assertThat(((UploadPlan.CatchUp) plan.next(0).orElseThrow()).record().seq())
                .isEqualTo(1);
    }

    private static ChunkRecord record(long seq) {
        return Records.record(seq, Instant.EPOCH);
    }

    private UploadPlan.Upload upload(long now) {
        return (UploadPlan.Upload) plan.next(now).orElseThrow();
    }
}
