package live.tributary.protocol.hls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Rendition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HlsReaderTest {
    private static final String START = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";

    @Test
    void readsSegmentsWithTheirNumbersAndTags() throws FormatException {
        HlsSnapshot.Media media = media(START + """
                #EXT-X-MEDIA-SEQUENCE:9000000000
                #EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:00.500+0000
                #EXTINF:4.000000,
                stream-a-1.ts
                #EXT-X-DISCONTINUITY
                #EXTINF:2.5,title
                http://other/b.ts?x=1
                #EXT-X-GAP
                #EXTINF:4,
                c.ts
                #EXT-X-ENDLIST
                """);

        assertThat(media.targetDuration()).isEqualTo(Duration.ofSeconds(4));
        assertThat(media.mediaSequence()).isEqualTo(9_000_000_000L);
        assertThat(media.ended()).isTrue();
        assertThat(media.segments())
                .containsExactly(
                        new HlsSegment(
                                9_000_000_000L,
                                "stream-a-1.ts",
                                Duration.ofSeconds(4),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.of(Instant.parse("2026-11-22T06:00:00.5Z")),
                                false,
                                false),
                        new HlsSegment(
                                9_000_000_001L,
                                "http://other/b.ts?x=1",
                                Duration.ofMillis(2500),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                true,
                                false),
                        new HlsSegment(
                                9_000_000_002L,
                                "c.ts",
                                Duration.ofSeconds(4),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                false,
                                true));
    }

    @Test
    void carriesAnInitForwardUntilTheNext() throws FormatException {
        HlsSnapshot.Media media = media(START + """
                #EXT-X-MAP:URI="init-1.mp4"
                #EXTINF:4,
                1.m4s
                #EXTINF:4,
                2.m4s
                #EXT-X-MAP:URI="all.mp4",BYTERANGE="720@100"
                #EXTINF:4,
                3.m4s
                """);

        assertThat(media.segments())
                .extracting(segment -> segment.init().orElseThrow())
                .containsExactly(
                        new HlsSegment.Init("init-1.mp4", Optional.empty()),
                        new HlsSegment.Init("init-1.mp4", Optional.empty()),
                        new HlsSegment.Init("all.mp4", Optional.of(new HlsSegment.ByteRange(100, 720))));
    }

    @Test
    void aRangeWithoutOffsetGoesOnWhereTheOneBeforeEnded() throws FormatException {
        HlsSnapshot.Media media = media(START
                + "#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:30\na.ts\n#EXTINF:4,\n"
                + "#EXT-X-BYTERANGE:7\nb.ts\n");

        assertThat(media.segments())
                .extracting(segment -> segment.range().orElseThrow())
                .containsExactly(
                        new HlsSegment.ByteRange(50, 100),
                        new HlsSegment.ByteRange(150, 30),
                        new HlsSegment.ByteRange(0, 7));
    }

    @Test
    void aLineWithoutItsNewlineIsNotThereYet() throws FormatException {
        String whole = START + "#EXTINF:4,\nstream-10.ts\n#EXTINF:4,\nstream-11.ts\n";

        for (int cut = START.length(); cut < whole.length(); cut++) {
            assertThat(media(whole.substring(0, cut)).segments())
                    .extracting(HlsSegment::uri)
                    .isSubsetOf("stream-10.ts", "stream-11.ts");
        }
        assertThat(media(whole.substring(0, whole.length() - 1)).segments()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXTINF:4,\r\na.ts\r\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:3.6\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n\n#EXT-X-TARGETDURATION:4\n#EXT-X-WHAT:IS=\"this\"\n#EXTINF:4\n\na.ts\n",
                "#EXTM3U x=1\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART:DURATION=1,URI=\"p\"\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n#EXT-X-VERSION:seven\n#EXT-X-DATERANGE:ID\n#EXT-X-START:\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:4,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART:DURATION\n#EXTINF:4.000 tvg=\"x\",Some, title\na.ts\n",
            })
    void oddButReadable(String text) throws FormatException {
        HlsSnapshot.Media media = media(text);

        assertThat(media.segments()).hasSize(1);
        assertThat(media.targetDuration()).isEqualTo(Duration.ofSeconds(4));
        assertThat(media.encrypted()).isFalse();
        assertThat(media.partsOnly()).isFalse();
        assertThat(media.ours()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<html>\n",
                "#EXTM3U\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:four\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4.x\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:nan,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:NaN,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:-1,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:1e99,\na.ts\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:-3\n",
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:0@0\na.ts\n",
                "#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n",
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
            })
    void isNoPlaylist(String text) {
        assertThatThrownBy(() -> read(text)).isInstanceOf(FormatException.class);
    }

    @Test
    void tellsAnEncryptedFeed() throws FormatException {
        assertThat(media(START + "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\na.ts\n")
                        .encrypted())
                .isTrue();
    }

    @Test
    void tellsAFeedOfPartsOnly() throws FormatException {
        assertThat(media(START + "#EXT-X-PART:DURATION=1,URI=\"p.mp4\"\n").partsOnly())
                .isTrue();
    }

    @Test
    void readsAMasterWithTheExactAttributes() throws FormatException {
        HlsSnapshot.Master master = (HlsSnapshot.Master) read("""
                #EXTM3U
                #EXT-X-VERSION:3
                #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="audio/x,y.m3u8",DEFAULT=YES
                #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="b",NAME="muxed"
                #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="en",URI="s.m3u8"
                #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001e,mp4a.40.2", X-ODD=1 ,AUDIO="a"
                0/stream.m3u8

                #EXT-X-STREAM-INF:BANDWIDTH=2
                # a comment
                1/stream.m3u8
                #EXT-X-STREAM-INF:BANDWIDTH=3,AUDIO="b"
                1/stream.m3u8
                """);

        assertThat(master.renditions())
                .containsExactly(
                        new HlsSnapshot.Entry(
                                new Rendition(
                                        0,
                                        Rendition.Kind.VARIANT,
                                        "BANDWIDTH=1,CODECS=\"avc1.64001e,mp4a.40.2\", X-ODD=1 ,AUDIO=\"a\""),
                                "0/stream.m3u8"),
                        new HlsSnapshot.Entry(new Rendition(1, Rendition.Kind.VARIANT, "BANDWIDTH=2"), "1/stream.m3u8"),
                        new HlsSnapshot.Entry(
                                new Rendition(
                                        2, Rendition.Kind.AUDIO, "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",DEFAULT=YES"),
                                "audio/x,y.m3u8"));
    }

    @Test
    void readsAPlaylistOfTheLargestSizeAndNotOneByteMore() throws FormatException {
        String fill = START + "#EXTINF:4,\na.ts\n#";
        String largest = fill + "x".repeat(HlsReader.MAX_PLAYLIST - fill.length() - 1) + "\n";

        assertThat(media(largest).segments()).hasSize(1);
        assertThatThrownBy(() -> read(largest + "\n")).hasMessageContaining("expected: <= 1048576");
    }

    @Test
    void refusesMoreRenditionsThanHaveNumbers() {
        StringBuilder text = new StringBuilder("#EXTM3U\n");
        for (int i = 0; i < 65; i++) {
            text.append("#EXT-X-STREAM-INF:BANDWIDTH=1\n").append(i).append(".m3u8\n");
        }
        assertThatThrownBy(() -> read(text.toString())).hasMessageContaining("renditions: 65 (expected: 1..64)");
    }

    private static HlsSnapshot.Media media(String text) throws FormatException {
        return (HlsSnapshot.Media) read(text);
    }

    private static HlsSnapshot read(String text) throws FormatException {
        return HlsReader.read(text.getBytes(StandardCharsets.UTF_8));
    }
}
