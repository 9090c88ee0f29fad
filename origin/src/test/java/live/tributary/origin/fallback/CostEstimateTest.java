package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class CostEstimateTest {
    @Test
    void aRoundTheClockStreamOfFourSecondsCostsWhatThePriceListSays() {
        CostEstimate estimate = CostEstimate.of(plan(24, Duration.ofSeconds(4), 1, 0));

        // 900 chunks and 900 playlists an hour, a head a minute: 1.34 million writes in 30 days, one million of them
        // free.
        assertThat(estimate.writes()).isEqualTo(720L * (900 + 900 + 60));
        assertThat(estimate.dollars()).isEqualTo(4.50);
        assertThat(estimate.storedBytes()).isEqualTo(2_250_000_000L);
    }

    @Test
    void playlistsAreWrittenAtMostOnceASecond() {
        CostEstimate estimate = CostEstimate.of(plan(24, Duration.ofMillis(500), 1, 0));

        assertThat(estimate.writes()).isEqualTo(720L * (7200 + 3600 + 60));
    }

    @Test
    void tellsTheRelaysThatAllViewersNeed() {
        CostEstimate estimate = CostEstimate.of(plan(4, Duration.ofSeconds(4), 1, 100));

        assertThat(estimate.relaysNeeded()).isEqualTo(53); // 500 Mbit/s over 9.5 each.
        assertThat(estimate.uplinkBits()).isEqualTo(5_250_000);
        assertThat(estimate.lines())
                .hasSize(4)
                .first()
                .isEqualTo("uplink: 5.3 Mbit/s; 10.3 Mbit/s with a bucket that no relay writes to");
    }

    @Test
    void readsAreThoseOfViewersWhomNoRelayReachesAndTheLooksForWhatRelaysWrite() {
        CostEstimate nobody = CostEstimate.of(plan(24, Duration.ofSeconds(4), 2, 0));
        CostEstimate hundred = CostEstimate.of(plan(24, Duration.ofSeconds(4), 2, 100));

        assertThat(nobody.reads()).isEqualTo(720L * 900 * 2 * 3);
        assertThat(hundred.reads() - nobody.reads()).isEqualTo(720L * 900 * 2 * 2); // Two of a hundred viewers.
    }

    @Test
    void aBudgetInDollarsBuysWholeMillionsBeyondTheFreeOne() {
        assertThat(CostEstimate.writesFor(0)).isEqualTo(1_000_000);
        assertThat(CostEstimate.writesFor(4.49)).isEqualTo(1_000_000);
        assertThat(CostEstimate.writesFor(9)).isEqualTo(3_000_000);
    }

    @Test
    void refusesAPlanThatIsNone() {
        assertThatThrownBy(() -> plan(25, Duration.ofSeconds(4), 1, 0)).hasMessageContaining("expected");
    }

    private static CostEstimate.Plan plan(double hours, Duration segment, int renditions, int viewers) {
        return new CostEstimate.Plan(
                5_000_000, viewers, 10, 10_000_000, renditions, segment, hours, Duration.ofHours(1));
    }
}
