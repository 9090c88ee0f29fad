package live.tributary.protocol.hls;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import live.tributary.protocol.stream.Rendition;
import org.junit.jupiter.api.Test;

class MasterPlaylistTest {
    @Test
    void keepsTheFeedsAttributesAndNamesItsOwnPaths() {
        List<Rendition> renditions = List.of(
                new Rendition(
                        0, Rendition.Kind.VARIANT, "BANDWIDTH=800000,CODECS=\"avc1.64001e,mp4a.40.2\",AUDIO=\"a\""),
                new Rendition(1, Rendition.Kind.VARIANT, "BANDWIDTH=300000,AUDIO=\"a\""),
                new Rendition(2, Rendition.Kind.AUDIO, "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en, loud\""));

        assertThat(MasterPlaylist.of(renditions, number -> number + "/live.m3u8", List.of("#EXT-X-X:1")))
                .isEqualTo("""
                        #EXTM3U
                        #EXT-X-VERSION:6
                        #EXT-X-X:1
                        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en, loud",URI="2/live.m3u8"
                        #EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="a"
                        0/live.m3u8
                        #EXT-X-STREAM-INF:BANDWIDTH=300000,AUDIO="a"
                        1/live.m3u8
                        """);
    }

    @Test
    void leavesOutGroupsThatAreNotCarried() {
        List<Rendition> renditions = List.of(new Rendition(
                0, Rendition.Kind.VARIANT, "BANDWIDTH=1,SUBTITLES=\"s\",CLOSED-CAPTIONS=NONE,AUDIO=\"muxed\""));

        assertThat(MasterPlaylist.of(renditions, number -> "x", List.of()))
                .contains("#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=NONE\n");
    }

    @Test
    void aBareMediaPlaylistStillGetsABandwidth() {
        assertThat(MasterPlaylist.of(List.of(new Rendition(0, Rendition.Kind.VARIANT, "")), number -> "x", List.of()))
                .isEqualTo("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:BANDWIDTH=3000000\nx\n");
    }

    @Test
    void handsOnAttributesThatAreNoList() {
        assertThat(MasterPlaylist.of(
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "odd")), number -> "x", List.of()))
                .contains("#EXT-X-STREAM-INF:odd\n");
    }
}
