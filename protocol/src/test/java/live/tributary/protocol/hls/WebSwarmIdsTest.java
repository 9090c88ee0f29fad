package live.tributary.protocol.hls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.Test;

/** Against what p2p-media-loader 2.3.1 itself makes of the same ids and attributes. */
class WebSwarmIdsTest {
    private static final StreamKey STREAM = StreamKey.of(new byte[32]);
    private static final long TERM = 1764100000000L;

    @Test
    void namesTheTermBesideTheKey() {
        assertThat(WebSwarmIds.ofRendition(STREAM, TERM, 2))
                .isEqualTo("tributary:" + "a".repeat(52) + "-1764100000000-2");
    }

    @Test
    void givesTheInfohashOfABareMediaPlaylist() {
        assertThat(text(WebSwarmIds.mediaPlaylist(STREAM, TERM, 0))).isEqualTo("i541j/l6H00MEaesmkMJ");
    }

    @Test
    void givesTheInfohashesOfAMasterPlaylistsLevels() {
        assertThat(master(
                        variant(
                                0,
                                "BANDWIDTH=2500000,CODECS=\"mp4a.40.2,avc1.64001f\",RESOLUTION=1280x720,"
                                        + "FRAME-RATE=29.970,VIDEO-RANGE=SDR"),
                        variant(1, ""),
                        new Rendition(
                                2,
                                Rendition.Kind.AUDIO,
                                "TYPE=AUDIO,NAME=\"English\",LANGUAGE=\"en-GB\",CHANNELS=\"2\"")))
                .containsExactly("A4zE1ATCUI7KAK9/za2n", "eBxY44WR5yeB6PFo/6aG", "0qZfsKmzia6TWGvzRBJY");
    }

    @Test
    void takesAttributesThatAreNoListForNone() {
        assertThat(master(variant(0, "nonsense"))).hasSize(1).doesNotContain("eBxY44WR5yeB6PFo/6aG");
        assertThat(master(variant(0, "BANDWIDTH=3000000,FRAME-RATE=many"))).containsExactly("eBxY44WR5yeB6PFo/6aG");
    }

    private static Rendition variant(int number, String attributes) {
        return new Rendition(number, Rendition.Kind.VARIANT, attributes);
    }

    private static List<String> master(Rendition... renditions) {
        return WebSwarmIds.masterPlaylist(STREAM, TERM, List.of(renditions)).stream()
                .map(WebSwarmIdsTest::text)
                .toList();
    }

    private static String text(InfoHash infoHash) {
        return new String(infoHash.bytes(), StandardCharsets.ISO_8859_1);
    }
}
