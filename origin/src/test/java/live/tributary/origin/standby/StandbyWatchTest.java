package live.tributary.origin.standby;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import live.tributary.origin.standby.StandbyWatch.Verdict;
import org.junit.jupiter.api.Test;

class StandbyWatchTest {
    private static final Duration TARGET = Duration.ofSeconds(4);

    private final StandbyWatch watch = new StandbyWatch(Duration.ofSeconds(15), 0);

    @Test
    void looksAroundBeforeItBelievesThatNobodyPublishes() {
        assertThat(at(14_999, true, 0)).isEqualTo(Verdict.FOLLOW);
        assertThat(at(15_000, true, 0)).isEqualTo(Verdict.TAKE_OVER);
    }

    @Test
    void takesOverAfterTwoAndAHalfTargetDurationsOfQuiet() {
        watch.heard(nanos(1000));
        assertThat(at(10_999, true, 3)).isEqualTo(Verdict.FOLLOW);
        assertThat(at(11_000, true, 3)).isEqualTo(Verdict.TAKE_OVER);
    }

    @Test
    void everyRecordBeginsTheQuietAnew() {
        for (int second = 0; second < 60; second += 4) {
            watch.heard(nanos(second * 1000));
            assertThat(at(second * 1000 + 3_900, true, 3)).isEqualTo(Verdict.FOLLOW);
        }
    }

    @Test
    void shortSegmentsAreGivenThreeSeconds() {
        assertThat(StandbyWatch.quiet(Duration.ofMillis(500))).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void withoutAFeedOfItsOwnItNeverTakesOver() {
        watch.heard(0);
        assertThat(at(3_600_000, false, 3)).isEqualTo(Verdict.FOLLOW);
    }

    @Test
    void whoLostSightOfAllRelaysTakesHimselfForCutOffForAMinute() {
        watch.heard(0);
        assertThat(at(5_000, true, 2)).isEqualTo(Verdict.FOLLOW);
        assertThat(at(20_000, true, 0)).isEqualTo(Verdict.WAIT_FOR_RELAYS);
        assertThat(at(64_999, true, 0)).isEqualTo(Verdict.WAIT_FOR_RELAYS);
        assertThat(at(65_000, true, 0)).isEqualTo(Verdict.TAKE_OVER);
    }

    private Verdict at(long millis, boolean feedReady, int relays) {
        return watch.verdict(TARGET, feedReady, relays, nanos(millis));
    }

    private static long nanos(long millis) {
        return Duration.ofMillis(millis).toNanos();
    }
}
