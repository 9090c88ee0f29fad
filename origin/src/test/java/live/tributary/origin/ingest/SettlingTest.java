package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import live.tributary.protocol.hls.HlsSegment;
import org.junit.jupiter.api.Test;

class SettlingTest {
    private final Settling settling = new Settling();
    private long now = 5_000_000_000L;
    private int files;

    @Test
    void aSizeIsStillOnceItWasTheSameForLongEnough() {
        Candidate file = file();
        assertThat(looked(file, 188, Duration.ZERO)).isFalse();
        assertThat(looked(file, 188, Settling.USUAL.minusNanos(1))).isFalse();
        assertThat(looked(file, 188, Duration.ofNanos(1))).isTrue();
    }

    @Test
    void theTimeThatLooksTakeIsNoneInWhichASizeStoodStill() {
        Candidate file = file();
        long answered = now + Settling.USUAL.toNanos();
        assertThat(settling.isStill(file, 188, now, answered)).isFalse();
        long asked = answered + Settling.USUAL.toNanos();
        assertThat(settling.isStill(file, 188, asked - 1, asked)).isFalse();
        assertThat(settling.isStill(file, 188, asked, asked)).isTrue();
    }

    @Test
    void anEmptyFileIsNeverWhole() {
        Candidate file = file();
        looked(file, 0, Duration.ZERO);
        assertThat(looked(file, 0, Duration.ofHours(1))).isFalse();
    }

    @Test
    void aFeedWhoseFilesDoNotGrowIsWaitedForShortly() {
        for (int i = 1; i < Settling.STEADY_FILES; i++) {
            takenAfter(Settling.USUAL);
        }
        assertThat(settling.patience()).isEqualTo(Settling.USUAL);
        takenAfter(Settling.USUAL);
        assertThat(settling.patience()).isEqualTo(Settling.STEADY);
        takenAfter(Settling.STEADY);
    }

    @Test
    void aFileThatGrowsIsWaitedForLongerAndSoAreThoseBehindIt() {
        for (int i = 0; i < Settling.STEADY_FILES; i++) {
            takenAfter(Settling.USUAL);
        }
        Candidate growing = file();
        looked(growing, 188, Duration.ZERO);
        assertThat(settling.isSteady()).isTrue();
        assertThat(looked(growing, 376, Settling.STEADY.minusNanos(1))).isFalse();
        assertThat(settling.isSteady()).isFalse();
        assertThat(looked(growing, 376, Settling.GROWING.minusNanos(1))).isFalse();
        assertThat(looked(growing, 376, Duration.ofNanos(1))).isTrue();
        settling.whole();
        for (int i = 0; i < Settling.GROWING_FILES; i++) {
            assertThat(settling.patience()).isEqualTo(Settling.GROWING);
            takenAfter(Settling.GROWING);
        }
        assertThat(settling.patience()).isEqualTo(Settling.STEADY);
    }

    @Test
    void aFileWhoseBytesChangeAtOneSizeCountsAsOneThatGrows() {
        Candidate file = file();
        looked(file, 188, Duration.ZERO);
        now += Settling.USUAL.toNanos();
        settling.changed(file(), now);
        assertThat(settling.patience()).isEqualTo(Settling.USUAL);
        settling.changed(file, now);
        assertThat(settling.isSteady()).isFalse();
        assertThat(looked(file, 188, Settling.GROWING.minusNanos(1))).isFalse();
        assertThat(looked(file, 188, Duration.ofNanos(1))).isTrue();
    }

    @Test
    void aFileThatWasStillAndNotWholeIsWaitedForLonger() {
        Candidate file = file();
        looked(file, 188, Duration.ZERO);
        assertThat(looked(file, 188, Settling.USUAL)).isTrue();
        settling.notWhole();
        assertThat(looked(file, 188, Settling.GROWING.minus(Settling.USUAL).minusNanos(1)))
                .isFalse();
        assertThat(looked(file, 188, Duration.ofNanos(1))).isTrue();
        assertThat(settling.stillFor(file, now)).isEqualTo(Settling.GROWING.toNanos());
        assertThat(settling.stillFor(file(), now)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whatWasSeenOfAFileThatIsGoneIsForgotten() {
        Candidate file = file();
        looked(file, 188, Duration.ZERO);
        settling.forget();
        assertThat(looked(file, 188, Duration.ofHours(1))).isFalse();
        assertThat(settling.patience()).isEqualTo(Settling.USUAL);
    }

    private void takenAfter(Duration patience) {
        Candidate file = file();
        looked(file, 188, Duration.ZERO);
        assertThat(looked(file, 188, patience.minusNanos(1))).isFalse();
        assertThat(looked(file, 188, Duration.ofNanos(1))).isTrue();
        settling.whole();
    }

    private boolean looked(Candidate file, long size, Duration later) {
        now += later.toNanos();
        return settling.isStill(file, size, now, now);
    }

    private Candidate file() {
        String name = "a" + files++ + ".ts";
        HlsSegment segment = new HlsSegment(
                files, name, Duration.ofSeconds(2), Optional.empty(), Optional.empty(), Optional.empty(), false, false);
        return new Candidate(0, segment, name, false, now);
    }
}
