package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import live.tributary.mesh.admin.Tally;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ViewerPaceTest {
    private final Tally sent = new Tally();

    @ParameterizedTest
    @CsvSource({"1000000, 32768", "100000000, 250000", "100000000000, 4194304", "9223372036854775807, 4194304"})
    void aRunTakesTwentyMillisecondsWithinBounds(long bitsPerSecond, int run) {
        assertThat(pace(bitsPerSecond).run()).isEqualTo(run);
    }

    @Test
    void onlyWhatMayLeaveCountsAsSent() {
        ViewerPace pace = pace(1_000_000);
        long wait = 0;
        int taken = 0;
        while (wait == 0) {
            wait = pace.take(pace.run(), false);
            taken += wait == 0 ? pace.run() : 0;
        }
        assertThat(taken).isPositive();
        assertThat(sent.sum()).isEqualTo(taken);
    }

    private ViewerPace pace(long bitsPerSecond) {
        return new ViewerPace(new UploadBudget(bitsPerSecond, () -> 0), bitsPerSecond, sent);
    }
}
