package live.tributary.protocol.hls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkRecord;
import org.junit.jupiter.api.Test;

class LivePlaylistTest {
    private final LivePlaylist playlist = new LivePlaylist(Duration.ofSeconds(5), ChunkRecord::fileName);

    @Test
    void listsTheChunksFromTheFirstSeqOn() {
        assertThat(playlist.write(List.of(Records.ts(7, 2), Records.ts(8, 2)))).isEqualTo("""
                        #EXTM3U
                        #EXT-X-VERSION:3
                        #EXT-X-TARGETDURATION:5
                        #EXT-X-MEDIA-SEQUENCE:7
                        #EXT-X-DISCONTINUITY-SEQUENCE:2
                        #EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:28.028Z
                        #EXTINF:4.004,
                        7.ts
                        #EXTINF:4.004,
                        8.ts
                        """);
    }

    @Test
    void marksADiscontinuityAndDatesWhatFollows() {
        assertThat(playlist.withEnd(true).write(List.of(Records.ts(1, 0), Records.ts(2, 1))))
                .isEqualTo("""
                        #EXTM3U
                        #EXT-X-VERSION:3
                        #EXT-X-TARGETDURATION:5
                        #EXT-X-MEDIA-SEQUENCE:1
                        #EXT-X-DISCONTINUITY-SEQUENCE:0
                        #EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:04.004Z
                        #EXTINF:4.004,
                        1.ts
                        #EXT-X-DISCONTINUITY
                        #EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:08.008Z
                        #EXTINF:4.004,
                        2.ts
                        #EXT-X-ENDLIST
                        """);
    }

    @Test
    void mapsEachInitOnceAndNamesTheFragmentsAsRanges() {
        assertThat(playlist.write(List.of(Records.mp4(1, 0, 800), Records.mp4(2, 0, 800), Records.mp4(3, 1, 900))))
                .isEqualTo("""
                        #EXTM3U
                        #EXT-X-VERSION:7
                        #EXT-X-TARGETDURATION:5
                        #EXT-X-MEDIA-SEQUENCE:1
                        #EXT-X-DISCONTINUITY-SEQUENCE:0
                        #EXT-X-MAP:URI="1.mp4",BYTERANGE="800@0"
                        #EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:04.004Z
                        #EXTINF:4.004,
                        #EXT-X-BYTERANGE:9200@800
                        1.mp4
                        #EXTINF:4.004,
                        #EXT-X-BYTERANGE:9200@800
                        2.mp4
                        #EXT-X-DISCONTINUITY
                        #EXT-X-MAP:URI="3.mp4",BYTERANGE="900@0"
                        #EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:12.012Z
                        #EXTINF:4.004,
                        #EXT-X-BYTERANGE:9100@900
                        3.mp4
                        """);
    }

    @Test
    void neverSpansAJumpOfSeq() {
        assertThat(LivePlaylist.newestRun(List.of(Records.ts(1, 0), Records.ts(3, 0), Records.ts(4, 0))))
                .extracting(ChunkRecord::seq)
                .containsExactly(3L, 4L);
    }

    @Test
    void neverSpansAJumpOfTheDiscontinuities() {
        assertThat(LivePlaylist.newestRun(List.of(Records.ts(1, 0), Records.ts(2, 2), Records.ts(3, 3))))
                .extracting(ChunkRecord::seq)
                .containsExactly(2L, 3L);
    }

    @Test
    void neverSpansAnotherContainer() {
        assertThat(LivePlaylist.newestRun(List.of(Records.mp4(1, 0, 800), Records.ts(2, 1), Records.ts(3, 1))))
                .extracting(ChunkRecord::seq)
                .containsExactly(2L, 3L);
    }

    @Test
    void aPlaylistWithoutChunksIsStillAPlaylist() {
        assertThat(playlist.write(List.of())).isEqualTo("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n");
    }

    @Test
    void theTargetIsNeverShorterThanAChunk() {
        assertThat(new LivePlaylist(Duration.ofSeconds(2), ChunkRecord::fileName).write(List.of(Records.ts(1, 0))))
                .contains("#EXT-X-TARGETDURATION:4\n");
    }

    @Test
    void magnetsAreCommentsThatARereadRecognises() throws FormatException {
        String text = playlist.withMagnets(record -> "magnet:?xt=urn:btih:" + record.seq())
                .write(List.of(Records.ts(1, 0)));

        assertThat(text).contains("###magnet:?xt=urn:btih:1\n#EXTINF:4.004,\n1.ts\n");
        HlsSnapshot.Media read = (HlsSnapshot.Media) HlsReader.read(text.getBytes(StandardCharsets.UTF_8));
        assertThat(read.ours()).isTrue();
        assertThat(read.segments()).hasSize(1);
    }
}
