package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SoonTest {
    private final EmbeddedChannel clock = new EmbeddedChannel();
    private int runs;
    private final Soon soon = new Soon(clock.eventLoop(), Duration.ofMillis(50), () -> runs++);

    SoonTest() {
        clock.freezeTime();
    }

    @AfterEach
    void close() {
        clock.close();
    }

    @Test
    void reasonsThatComeTogetherAreOneRunAMomentAfterTheFirst() {
        soon.please();
        pass(30);
        soon.please();
        pass(19);
        assertThat(runs).isZero();
        pass(1);
        assertThat(runs).isEqualTo(1);
        pass(1000);
        assertThat(runs).isEqualTo(1);
    }

    @Test
    void aReasonThatComesLaterIsAnother() {
        soon.please();
        pass(50);
        soon.please();
        assertThat(runs).isEqualTo(1);
        pass(50);
        assertThat(runs).isEqualTo(2);
    }

    private void pass(int millis) {
        clock.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        clock.runScheduledPendingTasks();
    }
}
