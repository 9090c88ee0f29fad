package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.mesh.net.UploadBudget.Purpose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OwnLoadTest {
    private static final Duration EVERY = Duration.ofMillis(500);

    private long now = 7_000_000_000L;
    private final OwnLoad load = new OwnLoad(EVERY, now);

    @Test
    void isTheMeanOfTheLastSeconds() {
        assertThat(load.perMille()).isZero();
        load.sample(300);
        load.sample(500);
        assertThat(load.perMille()).isEqualTo(400);
        used(1000, OwnLoad.MEAN_OF);
        assertThat(load.perMille()).isEqualTo(1000);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 8})
    void theBurstsOfChunksAreNoNews(int chunkSeconds) {
        AtomicLong clock = new AtomicLong();
        UploadBudget budget = new UploadBudget(8_000_000, clock::get);
        int news = 0;
        for (int tick = 0; tick < 240; tick++) {
            for (int i = 0; i < 10; i++) {
                clock.addAndGet(EVERY.toNanos() / 10);
                boolean bursting = clock.get() % (chunkSeconds * 1_000_000_000L) < chunkSeconds * 500_000_000L;
                if (bursting) {
                    budget.take(Purpose.LIVE_TO_RELAYS, 50_000);
                }
            }
            now += EVERY.toNanos();
            load.sample(budget.loadPerMille());
            if (load.isNews(now)) {
                load.tell(now);
                news++;
            }
        }
        assertThat(news).isLessThanOrEqualTo(1);
        assertThat(load.perMille()).isBetween(350, 650);
    }

    @Test
    void aLoadThatStaysIsNewsOnceAndNotAtOnceAgain() {
        used(0, OwnLoad.MEAN_OF);
        assertThat(load.isNews(now)).isFalse();
        used(1000, Duration.ofSeconds(3));
        assertThat(load.isNews(now)).isTrue();
        assertThat(load.tell(now)).isEqualTo(250);
        used(1000, OwnLoad.NEWS_EVERY.minus(EVERY));
        assertThat(load.isNews(now)).isFalse();
        used(1000, EVERY);
        assertThat(load.isNews(now)).isTrue();
        assertThat(load.tell(now)).isEqualTo(1000);
        used(1000, Duration.ofMinutes(1));
        assertThat(load.isNews(now)).isFalse();
    }

    private void used(int perMille, Duration time) {
        for (long i = 0; i < time.dividedBy(EVERY); i++) {
            now += EVERY.toNanos();
            load.sample(perMille);
        }
    }
}
