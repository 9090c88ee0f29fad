package live.tributary.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
import live.tributary.gateway.Asked;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.gateway.stremio.AddonConfig;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.NodeRole;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebServiceTest {
    private final ListedStreams streams = new ListedStreams();
    private final WebService web = new WebService(streams);
    private final FakeStream stream = FakeStream.live(1, "Harbour Radio", 5);
    private final RelaysService relays = new RelaysService(
            streams,
            new Visits(new ClientAddress(List.of()), Locator.NOWHERE, Optional.empty()),
            new RelayRanking(Locator.NOWHERE, new RelayHealth(), true),
            () -> FakeStream.EPOCH);

    WebServiceTest() {
        streams.add(stream);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/configure"})
    void configurePageIsTheFrontDoor(String path) {
        assertThat(Asked.get(web, path).body()).contains("Where do you watch?");
    }

    @Test
    void configuredAddonHasItsPageToo() {
        String config = AddonConfig.DEFAULT.encode();

        assertThat(Asked.get(web, "/" + config + "/configure").status()).isEqualTo(200);
        assertThat(Asked.get(web, "/nonsense/configure").status()).isEqualTo(400);
    }

    @Test
    void watchPageIsOfListedStreamsOnly() {
        assertThat(Asked.get(web, "/watch/" + stream.key().text()).headers())
                .containsEntry("content-type", "text/html; charset=utf-8");
        assertThat(Asked.get(web, "/watch/other").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"style.css", "watch.js", "configure.js", "qr.js", "hls.min.js", "logo.svg", "logo.png"})
    void everyFileIsInTheJar(String name) {
        assertThat(Asked.get(web, "/web/" + name).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"..", "package-info.java", "../geo/countries.txt", "..%2fx.js", "missing.js", "WebFiles.class"})
    void nothingElseIs(String name) {
        assertThat(Asked.maybe(web, Asked.query("/web/" + name, "127.0.0.1")).map(Asked::status))
                .satisfiesAnyOf(
                        status -> assertThat(status).isEmpty(),
                        status -> assertThat(status).contains(404));
    }

    @Test
    void scriptsAreCompressedForThoseWhoTakeIt() {
        Asked compressed = Asked.get(web, Asked.query("/web/hls.min.js", "127.0.0.1", "accept-encoding", "gzip, br"));

        assertThat(compressed.headers())
                .containsEntry("content-encoding", "gzip")
                .containsEntry("vary", "accept-encoding");
        assertThat(Asked.get(web, "/web/hls.min.js").headers()).doesNotContainKey("content-encoding");
    }

    @Test
    void relaysAreListedWithScoresAndReasons() {
        RelayView relay = stream.relay(1, "127.0.0.1");
        stream.holdAll(relay);
        RelayView origin = stream.add(
                FakeStream.view(2, NodeRole.ORIGIN, List.of(FakeStream.endpoint("127.0.0.1", 7003)), Optional.empty()));

        Asked asked = Asked.get(relays, Asked.query("/relays.json", "198.51.100.77"));

        JsonNode shown = asked.json().path("streams").path(0);
        assertThat(shown.path("offered").path(0).path("relay").asText())
                .isEqualTo(relay.key().text());
        assertThat(shown.path("offered").path(0).path("base").asText()).isEqualTo("http://127.0.0.1:7001");
        assertThat(shown.path("offered").path(0).path("upToDate").asBoolean()).isTrue();
        assertThat(shown.path("leftOut").path(0).path("relay").asText())
                .isEqualTo(origin.key().text());
        assertThat(shown.path("leftOut").path(0).path("reason").asText()).isEqualTo("not-a-relay");
        assertThat(asked.body()).doesNotContain("198.51.100");
    }

    @Test
    void healthCountsStreamsAndRelays() {
        stream.relay(1, "127.0.0.1");
        stream.add(
                FakeStream.view(2, NodeRole.ORIGIN, List.of(FakeStream.endpoint("127.0.0.1", 7003)), Optional.empty()));

        JsonNode health = Asked.get(relays, "/health").json();

        assertThat(health.path("status").asText()).isEqualTo("ok");
        assertThat(health.path("live").asInt()).isEqualTo(1);
        assertThat(health.path("relays").asInt()).isEqualTo(1);
    }
}
