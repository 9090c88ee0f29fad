package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Test;

class ServingEndpointTest {
    private static final URI FOLDER = URI.create("file:///opt/owncast/data/hls/stream.m3u8");
    private static final URI OWNCAST = URI.create("http://127.0.0.1:8080/hls/stream.m3u8");
    private static final String GATEWAY = "https://gateway.example/owncast/abc/hls/1/stream.m3u8";

    @Test
    void theGatewaysUrlsInOwncastsOwnMasterAreItsOwnFiles() {
        assertThat(ServingEndpoint.own(FOLDER, GATEWAY)).isEqualTo("1/stream.m3u8");
        assertThat(ServingEndpoint.own(OWNCAST, GATEWAY)).isEqualTo("1/stream.m3u8");
        assertThat(ServingEndpoint.own(FOLDER, "https://cdn.example/hls/0/stream.m3u8"))
                .isEqualTo("0/stream.m3u8");
    }

    @Test
    void everythingElseIsReadAsItStands() {
        assertThat(ServingEndpoint.own(FOLDER, "0/stream.m3u8")).isEqualTo("0/stream.m3u8");
        assertThat(ServingEndpoint.own(OWNCAST, "http://127.0.0.1:8080/hls/0/stream.m3u8"))
                .isEqualTo("http://127.0.0.1:8080/hls/0/stream.m3u8");
        URI other = URI.create("https://tv.example/live/master.m3u8");
        assertThat(ServingEndpoint.own(other, GATEWAY)).isEqualTo(GATEWAY);
        assertThat(ServingEndpoint.own(FOLDER, "https://gateway.example/hls/../../etc/passwd.m3u8"))
                .startsWith("https:");
    }
}
