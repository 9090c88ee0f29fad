package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FeedNameTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"/var/lib/owncast/data/hls", "feed", "./ftp:/x", "a b/ü.m3u8", "http://h/a.m3u8", "HTTPS://h:1/"
            })
    void pathsAndWebAddressesAreFeeds(String text) {
        assertThat(FeedName.parse(text).text()).isEqualTo(text);
        assertThat(FeedName.parse(text).isUrl()).isEqualTo(text.contains("://"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ftp://x",
                "rtmp://h/live",
                "file:///feed",
                "ftp:/x",
                "http://",
                "http:///x",
                "https://a b/",
                "a\0b"
            })
    void anythingElseIsRefusedWithWhatWasExpected(String text) {
        assertThatThrownBy(() -> FeedName.parse(text))
                .hasMessage(text.strip() + " (expected: a folder, a playlist, or its http(s) URL)");
    }

    @Test
    void nothingIsNoFeed() {
        assertThatThrownBy(() -> FeedName.parse("  ")).hasMessageStartingWith("nothing (expected: ");
    }

    @Test
    void aStreamsOwnAddressIsKnownWhoeverServesIt() {
        StreamKey stream = SigningKey.fromSeed(new byte[32]).streamKey();
        String hex = HexFormat.of().formatHex(stream.bytes());

        assertThat(List.of(
                        "http://relay:7001/live/" + stream.text() + "/0/live.m3u8",
                        "https://gateway/owncast/" + stream.text().toUpperCase(Locale.ROOT) + "/hls/stream.m3u8",
                        "http://relay:7001/live/" + hex + "/master.m3u8",
                        "/srv/mirror/live/" + stream.text() + "/0/live.m3u8"))
                .allMatch(feed -> FeedName.parse(feed).isOutputOf(stream));
        assertThat(List.of("http://h/live/stream.m3u8", "/srv/" + stream.text() + "/hls"))
                .noneMatch(feed -> FeedName.parse(feed).isOutputOf(stream));
    }
}
