package live.tributary.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import live.tributary.gateway.geo.Cidr;
import live.tributary.gateway.geo.GeoDatabase;
import live.tributary.gateway.geo.MmdbFile;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole gateway with a database of places: whom viewers in six places are sent to, and what does not change it. */
class GatewayPlacesTest {
    /** Viewers' addresses and relays' of the same place, far from each other as addresses. */
    private static final Map<String, String> NEAREST = new LinkedHashMap<>(Map.of(
            "81.0.0.9", "20.1.0.1", // Amsterdam
            "82.0.0.9", "20.2.0.1", // New York
            "83.0.0.9", "20.3.0.1", // Tokyo
            "84.0.0.9", "20.4.0.1", // Sydney
            "85.0.0.9", "20.5.0.1", // São Paulo
            "86.0.0.9", "20.6.0.1")); // Johannesburg

    private static final double[][] PLACES = {
        {52.4, 4.9}, {40.7, -74.0}, {35.7, 139.7}, {-33.9, 151.2}, {-23.5, -46.6}, {-26.2, 28.0}
    };

    private static final String PROXY = "10.0.0.1";

    @TempDir
    Path folder;

    private final FakeStream stream = FakeStream.live(1, "Harbour Radio", 20);
    private final ListedStreams listed = new ListedStreams();
    private final RelayHealth health = new RelayHealth();
    private final AtomicReference<Instant> now = new AtomicReference<>(FakeStream.EPOCH.plusSeconds(80));
    private final String playlist = "/live/" + stream.key().text() + "/0/live.m3u8";
    private GeoDatabase places;
    private HttpService gateway;

    @BeforeEach
    void start() throws IOException {
        MmdbFile file = new MmdbFile(4);
        for (int i = 0; i < PLACES.length; i++) {
            Map<String, Object> place = Map.of("location", Map.of("latitude", PLACES[i][0], "longitude", PLACES[i][1]));
            file.put(81 + i + ".0.0.0/8", place).put("20." + (i + 1) + ".0.0/16", place);
        }
        places = GeoDatabase.open(List.of(file.write(folder.resolve("places.mmdb"))));
        listed.add(stream);
        gateway = gateway();
        int seed = 1;
        for (String address : NEAREST.values().stream().sorted().toList()) {
            stream.holdAll(stream.relay(seed++, address));
        }
    }

    @AfterEach
    void close() throws IOException {
        places.close();
    }

    private HttpService gateway() {
        Gateway.Policy policy = new Gateway.Policy(
                new AddonIdentity("live.tributary", "Tributary", "0.1.0"),
                Optional.of(URI.create("http://gw.example")),
                List.of(Cidr.parse(PROXY)),
                false,
                false);
        return Gateway.of(policy, listed, places, health, new Meters(), now::get, System::nanoTime);
    }

    /** The host of every chunk that is listed for a viewer. */
    private static Stream<String> hosts(HttpService gateway, String path, String from, String... headers) {
        Asked asked = Asked.get(gateway, Asked.query(path, from, headers));
        assertThat(asked.status()).isEqualTo(200);
        return asked.body()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> URI.create(line).getHost());
    }

    @Test
    void viewersInSixPlacesGetTheirNearestRelay() {
        NEAREST.forEach((viewer, relay) -> {
            assertThat(hosts(gateway, playlist, viewer)).isNotEmpty().containsOnly(relay);
            assertThat(hosts(gateway, playlist, PROXY, "x-forwarded-for", viewer))
                    .containsOnly(relay);
        });
    }

    @Test
    void writtenAddressesChangeNothing() {
        NEAREST.forEach((viewer, relay) -> {
            for (String lie : NEAREST.keySet()) {
                assertThat(hosts(gateway, playlist, viewer, "x-forwarded-for", lie, "cf-connecting-ip", lie))
                        .containsOnly(relay);
                assertThat(hosts(gateway, playlist, PROXY, "x-forwarded-for", lie + ", " + viewer))
                        .containsOnly(relay);
            }
        });
    }

    @Test
    void relayThatLiesAboutItsPlaceStandsWhereItsAddressIs() {
        byte[] seed = new byte[SigningKey.SEED_LENGTH];
        seed[0] = 77;
        SigningKey key = SigningKey.fromSeed(seed);
        List<Endpoint> endpoints = List.of(FakeStream.endpoint("20.3.9.1", 7001)); // In Tokyo,
        RelayDescriptor descriptor = RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        key.relayKey(),
                        NodeRole.RELAY,
                        endpoints,
                        Optional.empty(),
                        List.of(),
                        Optional.of(new RelayDescriptor.Region(52, 5)), // and says Amsterdam.
                        1_000_000_000,
                        0,
                        "liar",
                        Optional.empty(),
                        FakeStream.EPOCH.plusSeconds(600)),
                key);
        stream.holdAll(
                stream.add(new RelayView(key.relayKey(), NodeRole.RELAY, endpoints, Optional.of(descriptor), true)));

        for (int slot = 0; slot < 20; slot++) {
            now.set(now.get().plus(Duration.ofMinutes(10)));
            assertThat(hosts(gateway, playlist, "81.0.0.9")).containsOnly("20.1.0.1");
        }
    }

    @Test
    void failingNearestGivesWayToTheNextUntilItServesTwiceAgain() {
        RelayView amsterdam = stream.relays().get(0);
        Endpoint endpoint = amsterdam.endpoints().get(0);

        health.record(amsterdam.key(), endpoint, Outcome.GARBAGE);
        assertThat(hosts(gateway, playlist, "81.0.0.9")).doesNotContain("20.1.0.1");
        assertThat(leftOut("81.0.0.9")).contains("failing");

        health.record(amsterdam.key(), endpoint, Outcome.SERVED);
        health.record(amsterdam.key(), endpoint, Outcome.SERVED);
        // What was listed for somebody stays where it is; who comes new gets the nearest again.
        assertThat(hosts(gateway, playlist, "81.0.5.9")).containsOnly("20.1.0.1");
    }

    @Test
    void twentySybilsOfOneNetworkAreOneRelay() {
        for (int i = 0; i < 20; i++) {
            stream.holdAll(stream.relay(40 + i, "20.1.7." + (i + 1)));
        }

        assertThat(leftOut("81.0.0.9").filter(reason -> reason.equals("same-network")))
                .hasSize(19);
    }

    @Test
    void twoGatewaysThatKnowTheSameAnswerTheSame() {
        for (int i = 0; i < 10; i++) {
            stream.holdAll(stream.relay(70 + i, "20.1." + (20 + i) + ".1"));
        }
        HttpService other = gateway();

        for (int viewer = 0; viewer < 50; viewer++) {
            String from = "81.0." + viewer + ".9";
            assertThat(Asked.get(other, Asked.query(playlist, from)).body())
                    .isEqualTo(Asked.get(gateway, Asked.query(playlist, from)).body());
        }
    }

    @Test
    void noAnswerNamesAViewersAddress() {
        String id = "tributary%3A" + stream.key().text();
        for (String path : List.of(
                "/relays.json", "/health", "/stream/tv/" + id + ".json", "/meta/tv/" + id + ".json", playlist)) {
            assertThat(Asked.get(gateway, Asked.query(path, "81.0.0.9")).body()).doesNotContain("81.0.0");
        }
    }

    private Stream<String> leftOut(String viewer) {
        JsonNode json = Asked.get(gateway, Asked.query("/relays.json", viewer)).json();
        return json.path("streams").path(0).path("leftOut").findValuesAsText("reason").stream();
    }
}
