package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
}
