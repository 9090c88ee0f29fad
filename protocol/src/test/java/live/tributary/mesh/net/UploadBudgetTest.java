package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.mesh.net.UploadBudget.Purpose;
import org.junit.jupiter.api.Test;

class UploadBudgetTest {
    private static final int BYTES_A_SECOND = 1_000_000;
    private static final int BLOCK = 16 * 1024;

    private final AtomicLong clock = new AtomicLong();
    private final UploadBudget budget = new UploadBudget(8L * BYTES_A_SECOND, clock::get);

    @Test
    void theLastTokensAreForTheLiveEdge() {
        assertThat(budget.take(Purpose.BUCKET, 20_000)).isZero(); // Of 50,000 that are saved up.
        assertThat(budget.take(Purpose.BUCKET, 1)).isPositive();
        assertThat(budget.take(Purpose.OLDER, 20_000)).isZero();
        assertThat(budget.take(Purpose.OLDER, 1)).isPositive();
        assertThat(budget.take(Purpose.LIVE_TO_RELAYS, 20_000)).isZero();
        long wait = budget.take(Purpose.LIVE_TO_RELAYS, 1);
        assertThat(wait).isBetween(TimeUnit.MILLISECONDS.toNanos(9), TimeUnit.MILLISECONDS.toNanos(11));
        clock.addAndGet(wait);
        assertThat(budget.take(Purpose.LIVE_TO_RELAYS, 1)).isZero();
        assertThat(budget.sent()).isEqualTo(60_001);
    }

    @Test
    void allTogetherSendNoMoreThanTheRate() {
        Map<Purpose, Long> sent = contend(Purpose.values());
        assertThat(sent.values().stream().mapToLong(Long::longValue).sum())
                .isBetween(10L * BYTES_A_SECOND * 95 / 100, 10L * BYTES_A_SECOND * 105 / 100);
    }

    @Test
    void theLessUrgentGetsLittleFromTheMoreUrgentButNotNothing() {
        Map<Purpose, Long> sent = contend(Purpose.values());
        assertThat(sent.get(Purpose.LIVE_TO_RELAYS)).isGreaterThan(10L * BYTES_A_SECOND * 90 / 100);
        assertThat(sent.get(Purpose.LIVE_TO_VIEWERS)).isGreaterThan(10L * BYTES_A_SECOND * 2 / 100);
        assertThat(sent.get(Purpose.OLDER)).isGreaterThan(10L * BYTES_A_SECOND / 100);
        assertThat(sent.get(Purpose.BUCKET)).isGreaterThan(10L * BYTES_A_SECOND * 5 / 1000);
    }

    @Test
    void viewersHaveAllThatRelaysLeave() {
        Map<Purpose, Long> sent = contend(Purpose.LIVE_TO_VIEWERS, Purpose.BUCKET);
        assertThat(sent.get(Purpose.LIVE_TO_VIEWERS)).isGreaterThan(10L * BYTES_A_SECOND * 95 / 100);
    }

    @Test
    void aMessageThatCannotWaitIsMadeUpForByWhatCan() {
        budget.spend(BYTES_A_SECOND);
        assertThat(budget.take(Purpose.LIVE_TO_RELAYS, 1)).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(900));
    }

    @Test
    void headersOfSmallMessagesAndAcknowledgementsTakeFromTheLineButAreNotCountedAsSent() {
        for (int i = 0; i < 10_000; i++) {
            budget.spend(9);
            budget.acknowledge(BLOCK);
        }
        assertThat(budget.sent()).isEqualTo(90_000);
        long line = 10_000L * LinePackets.ofMessage(9) + LinePackets.ofAcknowledging(10_000 * BLOCK);
        long made = TimeUnit.SECONDS.toNanos(1) * (line - BYTES_A_SECOND / 20) / BYTES_A_SECOND; // 50 ms were saved up.
        assertThat(budget.take(Purpose.LIVE_TO_RELAYS, 1))
                .isBetween(made - made / 500, made + TimeUnit.MILLISECONDS.toNanos(1)); // Bytes are rounded down.
    }

    @Test
    void manySmallMessagesTakeNoMoreThanTheirBytes() {
        for (int i = 0; i < 10_000; i++) {
            budget.acknowledge(4);
        }
        int load = budget.loadPerMille();
        UploadBudget other = new UploadBudget(8L * BYTES_A_SECOND, clock::get);
        other.acknowledge(40_000);
        assertThat(load).isEqualTo(other.loadPerMille());
    }

    @Test
    void whoIsWokenLateLosesNothing() {
        long late = TimeUnit.MILLISECONDS.toNanos(100);
        int sent = 0;
        for (int turn = 0; turn < 100; turn++) {
            while (budget.take(Purpose.LIVE_TO_RELAYS, BLOCK) == 0) {
                sent += BLOCK;
            }
            clock.addAndGet(late);
        }
        assertThat(sent).isGreaterThan(10 * BYTES_A_SECOND * 95 / 100);
    }

    @Test
    void whatCameInWhileNobodyHadAnythingToSendIsNotKeptForTheNextOne() {
        while (budget.take(Purpose.LIVE_TO_RELAYS, BLOCK) == 0) {
            clock.addAndGet(1); // Until it is told to wait.
        }
        clock.addAndGet(TimeUnit.MILLISECONDS.toNanos(20));
        assertThat(budget.take(Purpose.LIVE_TO_RELAYS, BLOCK)).isZero(); // The last that it had.
        clock.addAndGet(TimeUnit.SECONDS.toNanos(2));
        int sent = 0;
        while (budget.take(Purpose.LIVE_TO_RELAYS, BLOCK) == 0) {
            sent += BLOCK;
        }
        assertThat(sent).isLessThan(BYTES_A_SECOND / 10);
    }

    @Test
    void whoDidNotWaitSavesLittleUp() {
        assertThat(budget.take(Purpose.LIVE_TO_RELAYS, 1)).isZero();
        clock.addAndGet(TimeUnit.SECONDS.toNanos(10));
        int sent = 0;
        while (budget.take(Purpose.LIVE_TO_RELAYS, BLOCK) == 0) {
            sent += BLOCK;
        }
        assertThat(sent).isLessThan(BYTES_A_SECOND / 10);
    }

    @Test
    void theLoadIsWhatWasUsedOfTheLastSeconds() {
        assertThat(budget.loadPerMille()).isZero();
        contend(Purpose.LIVE_TO_VIEWERS);
        assertThat(budget.loadPerMille()).isGreaterThan(900);
        clock.addAndGet(TimeUnit.SECONDS.toNanos(10));
        assertThat(budget.loadPerMille()).isLessThan(50);
    }

    /** Ten seconds in which each of them always has a block to send and asks as soon as it was told to. */
    private Map<Purpose, Long> contend(Purpose... purposes) {
        Map<Purpose, Long> sent = new EnumMap<>(Purpose.class);
        Map<Purpose, Long> asks = new EnumMap<>(Purpose.class);
        for (Purpose purpose : purposes) {
            sent.put(purpose, 0L);
            asks.put(purpose, clock.get());
        }
        long end = clock.get() + TimeUnit.SECONDS.toNanos(10);
        while (true) {
            Purpose next = asks.entrySet().stream()
                    .min(Map.Entry.comparingByValue())
                    .orElseThrow()
                    .getKey();
            long at = Math.max(clock.get(), asks.get(next));
            if (at >= end) {
                clock.set(end);
                return sent;
            }
            clock.set(at);
            long wait = budget.take(next, BLOCK);
            if (wait == 0) {
                sent.merge(next, (long) BLOCK, Long::sum);
            }
            asks.put(next, at + wait);
        }
    }
}
