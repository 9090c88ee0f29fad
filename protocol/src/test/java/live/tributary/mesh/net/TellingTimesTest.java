package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.RelayKey;
import org.junit.jupiter.api.Test;

class TellingTimesTest {
    private static final Duration TICK = Duration.ofMillis(500);

    private final Samples samples = new Samples(31);
    private final RelayKey one = samples.key().relayKey();
    private final RelayKey other = samples.key().relayKey();
    private long now = Long.MAX_VALUE - Duration.ofSeconds(90).toNanos(); // The clock may pass its end.
    private final TellingTimes times = new TellingTimes(now);

    @Test
    void allAreToldAtOnceAndThenOnceAMinute() {
        assertThat(times.take(List.of(one, other), now)).containsExactly(one, other);
        assertThat(toldWithin(TellingTimes.EVERY.minus(TICK), one, other)).isEmpty();
        assertThat(toldWithin(TICK, one, other)).containsExactly(one, other);
        assertThat(toldWithin(TellingTimes.EVERY, one, other)).containsExactly(one, other);
    }

    @Test
    void newsIsToldAtOnceButNotTwiceInTwoSeconds() {
        times.take(List.of(one), now);
        times.soon(now);
        assertThat(toldWithin(TellingTimes.ON_CHANGE.minus(TICK), one)).isEmpty();
        assertThat(toldWithin(TICK, one)).containsExactly(one);
        assertThat(toldWithin(Duration.ofSeconds(10), one)).isEmpty();
        times.soon(now);
        assertThat(times.take(List.of(one), now)).containsExactly(one);
    }

    @Test
    void whoWasToldAMomentBeforeARoundHearsItALittleLaterAndTheOthersNotAgain() {
        times.take(List.of(one), now);
        now += Duration.ofSeconds(9).toNanos();
        times.told(other, now); // A new neighbour.
        now += TICK.toNanos();
        times.soon(now);
        assertThat(times.take(List.of(one, other), now)).containsExactly(one);
        assertThat(toldWithin(TellingTimes.EVERY.minus(TICK), one, other)).containsExactly(other);
    }

    @Test
    void whoIsGoneIsOwedNothing() {
        times.take(List.of(one), now);
        times.told(other, now);
        times.soon(now);
        now += TellingTimes.ON_CHANGE.toNanos();
        times.told(other, now);
        times.take(List.of(one, other), now);
        times.forget(other);
        assertThat(times.take(List.of(one, other), now)).isEmpty();
    }

    private List<RelayKey> toldWithin(Duration time, RelayKey... neighbours) {
        List<RelayKey> told = new ArrayList<>();
        for (long i = 0; i < time.dividedBy(TICK); i++) {
            now += TICK.toNanos();
            told.addAll(times.take(List.of(neighbours), now));
        }
        return told;
    }
}
