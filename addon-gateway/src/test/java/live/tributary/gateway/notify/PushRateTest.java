package live.tributary.gateway.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PushRateTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    @Test
    void aBurstIsReadAtOnceAndMoreOnlyAtTheRate() {
        PushRate rate = new PushRate(1000, 5000, 0);

        assertThat(rate.take(5000, 0)).isZero();
        assertThat(rate.take(2000, 0)).isEqualTo(2 * SECOND);
        assertThat(rate.take(1000, 3 * SECOND)).isZero();
        assertThat(rate.take(1, 3 * SECOND)).isEqualTo(SECOND / 1000);
    }

    @Test
    void whoWasSilentSavesUpNoMoreThanTheBurst() {
        PushRate rate = new PushRate(1000, 5000, 0);

        assertThat(rate.take(6000, 3600 * SECOND)).isEqualTo(SECOND);
    }
}
