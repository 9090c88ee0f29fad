package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;
import live.tributary.protocol.hls.HlsSnapshot;
import org.junit.jupiter.api.Test;

class LoopPlaylistTest {
    private static final Instant START = Instant.parse("2026-11-22T06:00:00Z");

    private final HlsSnapshot.Media finished = media("0.ts", "1.ts", "2.ts", "3.ts");
    private final LoopPlaylist loop = new LoopPlaylist(finished, Duration.ofSeconds(8), START);

    @Test
    void startsWithThreeSegmentsThatEndNow() {
        assertThat(loop.at(Duration.ZERO).segments())
                .extracting(HlsSegment::uri)
                .containsExactly("0.ts", "1.ts", "2.ts");
        assertThat(loop.at(Duration.ZERO).segments().get(2).programDateTime()).contains(START.minusSeconds(2));
    }

    @Test
    void bringsASegmentWhenItsTimeIsOver() {
        assertThat(loop.at(Duration.ofMillis(1999)).segments()).hasSize(3);
        assertThat(loop.at(Duration.ofMillis(2000)).segments()).hasSize(4);
    }

    @Test
    void marksTheWrapAndCountsOn() {
        HlsSnapshot.Media media = loop.at(Duration.ofSeconds(10));

        assertThat(media.ended()).isFalse();
        assertThat(media.mediaSequence()).isEqualTo(2);
        assertThat(media.segments())
                .extracting(HlsSegment::uri)
                .containsExactly("2.ts", "3.ts", "0.ts", "1.ts", "2.ts", "3.ts");
        assertThat(media.segments())
                .extracting(HlsSegment::discontinuity)
                .containsExactly(false, false, true, false, false, false);
        assertThat(media.segments().get(2).sequence()).isEqualTo(4);
        assertThat(media.segments().get(2).programDateTime()).contains(START.plusSeconds(2));
    }

    @Test
    void aShorterRenditionWaitsForTheLongest() {
        LoopPlaylist shorter = new LoopPlaylist(media("0.ts", "1.ts", "2.ts"), Duration.ofSeconds(8), START);

        assertThat(shorter.at(Duration.ofMillis(3999)).segments()).hasSize(3);
        assertThat(shorter.at(Duration.ofSeconds(4)).segments().get(3).programDateTime())
                .contains(START.plusSeconds(2));
    }

    @Test
    void refusesAPlaylistWithoutTime() {
        assertThatThrownBy(() -> new LoopPlaylist(media(), Duration.ofSeconds(8), START))
                .hasMessageContaining("expected");
    }

    private static HlsSnapshot.Media media(String... names) {
        try {
            String text = FeedScript.text(0, names) + "#EXT-X-ENDLIST\n";
            return (HlsSnapshot.Media) HlsReader.read(text.getBytes(StandardCharsets.UTF_8));
        } catch (FormatException e) {
            throw new AssertionError(e);
        }
    }
}
