package live.tributary.gateway.stremio;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import live.tributary.gateway.Asked;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Region;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Rendition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddonServiceTest {
    private static final Instant NOW = FakeStream.EPOCH.plusSeconds(120);

    private final ListedStreams streams = new ListedStreams();
    private long nanos;
    private Instant now = NOW;

    private AddonService service(Optional<URI> publicUrl) {
        return new AddonService(
                new AddonIdentity("live.tributary", "Tributary", "0.1.0"),
                streams,
                new Visits(new ClientAddress(List.of()), Locator.NOWHERE, publicUrl),
                new RelayRanking(Locator.NOWHERE, new RelayHealth(), true),
                () -> now,
                () -> nanos);
    }

    private Asked get(String path) {
        nanos += 10_000_000_000L; // Past whatever is kept.
        return Asked.get(service(Optional.empty()), path);
    }

    private FakeStream listed(FakeStream stream) {
        streams.add(stream);
        return stream;
    }

    /** A live stream of which two relays hold everything, and one window is closed. */
    private FakeStream carried() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 20));
        stream.holdAll(stream.relay(1, "127.0.0.1"), stream.relay(2, "127.0.0.1"));
        stream.closeWindow(0);
        return stream;
    }

    private static String encoded(AddonConfig config) {
        return config.encode();
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    private static String id(FakeStream stream) {
        return "tributary:" + stream.key().text();
    }

    // The manifest

    @Test
    void manifestOffersMetaBecauseNothingPlaysWithoutIt() {
        JsonNode manifest = get("/manifest.json").json();

        assertThat(texts(manifest.path("resources"))).containsExactly("catalog", "meta", "stream");
        assertThat(texts(manifest.path("types"))).containsExactly("tv");
        assertThat(texts(manifest.path("idPrefixes"))).containsExactly("tributary:");
        assertThat(manifest.path("behaviorHints").path("p2p").isBoolean()).isTrue();
        assertThat(manifest.path("behaviorHints").path("configurable").booleanValue())
                .isTrue();
        assertThat(manifest.path("behaviorHints").has("configurationRequired")).isFalse();
    }

    @Test
    void genreHasOptionsBecauseClientsShowNoSelectorWithoutThem() {
        carried();

        JsonNode extra = get("/manifest.json").json().path("catalogs").path(0).path("extra");

        assertThat(extra.findValuesAsText("name")).containsExactly("search", "genre", "skip");
        assertThat(texts(extra.path(1).path("options"))).containsExactly("Live now", "music");
    }

    @Test
    void manifestStaysBelowItsLimitWhateverTheTags() {
        for (int i = 0; i < 60; i++) {
            FakeStream stream = listed(new FakeStream(i));
            int number = i;
            stream.tell(
                    "s" + i,
                    IntStream.range(0, 20)
                            .mapToObj(t -> "\u00e9".repeat(40) + number + "." + t)
                            .toList(),
                    List.of(new Rendition(0, Rendition.Kind.VARIANT, "")));
        }

        assertThat(get("/manifest.json").body().getBytes(StandardCharsets.UTF_8).length)
                .isLessThan(Manifest.MAX_BYTES);
    }

    // Paths

    @ParameterizedTest
    @ValueSource(strings = {"tributary:%s", "tributary%%3A%s", "tributary%%3a%s"})
    void idMayBeEncodedOrNot(String template) {
        FakeStream stream = carried();

        Asked asked = get("/stream/tv/" + String.format(template, stream.key().text()) + ".json");

        assertThat(asked.json().path("streams")).isNotEmpty();
    }

    @Test
    void extraIsSplitBeforeItIsDecoded() {
        FakeStream stream = listed(FakeStream.live(1, "Rock & Roll/=é", 3));
        stream.tell("Rock & Roll/=é", List.of("R&B/Soul"), List.of(new Rendition(0, Rendition.Kind.VARIANT, "")));

        JsonNode found = get("/catalog/tv/live-streams/genre=R%26B%2FSoul&search=Roll%2F%3D%C3%A9.json")
                .json();

        assertThat(found.path("metas")).hasSize(1);
    }

    @Test
    void unknownStreamsAndResourcesAreNotFound() {
        assertThat(get("/stream/tv/tributary%3Axyz.json").status()).isEqualTo(404);
        assertThat(get("/meta/tv/tt0000001.json").status()).isEqualTo(404);
        assertThat(get("/stream/movie/x.json").status()).isEqualTo(404);
        assertThat(get("/catalog/tv/other.json").status()).isEqualTo(404);
        assertThat(get("/catalog/tv/live-streams").status()).isEqualTo(404);
    }

    @Test
    void malformedPathsAreRefused() {
        assertThat(get("/catalog/tv/live-streams/genre=%zz.json").status()).isEqualTo(400);
        assertThat(get("/catalog/tv/live-streams/skip=many.json").status()).isEqualTo(400);
        assertThat(get("/stream/tv/%ff.json").status()).isEqualTo(400);
        assertThat(get("/not-a-config/manifest.json").status()).isEqualTo(400);
        assertThat(get("/not-a-config/manifest.json").headers()).containsEntry("cache-control", "no-store");
    }

    @Test
    void leavesOtherPathsToOthers() {
        AddonService service = service(Optional.empty());

        assertThat(Asked.maybe(service, Asked.query("/live/x/master.m3u8", "127.0.0.1")))
                .isEmpty();
        assertThat(Asked.maybe(service, Asked.query("/", "127.0.0.1"))).isEmpty();
        assertThat(Asked.maybe(service, Asked.query("/" + "a".repeat(3000), "127.0.0.1")))
                .isEmpty();
    }

    // The catalog

    @Test
    void catalogListsLiveStreamsFirst() {
        FakeStream offline = listed(FakeStream.live(1, "Past", 30));
        offline.head(Head.Status.ENDED, Optional.empty());
        listed(FakeStream.live(2, "Now", 3));

        JsonNode metas = get("/catalog/tv/live-streams.json").json().path("metas");

        assertThat(metas.findValuesAsText("name")).containsExactly("Now", "Past");
        assertThat(metas.path(1).path("description").asText()).contains("last live");
    }

    @Test
    void skipIsWhateverTheClientHasSoFar() {
        for (int i = 0; i < 120; i++) {
            listed(FakeStream.live(i, "Stream " + i, 1));
        }

        assertThat(get("/catalog/tv/live-streams.json").json().path("metas")).hasSize(100);
        assertThat(get("/catalog/tv/live-streams/skip=100.json").json().path("metas"))
                .hasSize(20);
        assertThat(get("/catalog/tv/live-streams/skip=117.json").json().path("metas"))
                .hasSize(3);
        Asked end = get("/catalog/tv/live-streams/skip=120.json");
        assertThat(end.json().path("metas")).isEmpty();
        assertThat(end.headers()).containsEntry("cache-control", "no-store");
    }

    @Test
    void genreLiveNowLeavesOutTheRest() {
        listed(FakeStream.live(1, "Past", 3)).head(Head.Status.ENDED, Optional.empty());
        listed(FakeStream.live(2, "Now", 3));

        JsonNode metas =
                get("/catalog/tv/live-streams/genre=Live%20now.json").json().path("metas");

        assertThat(metas.findValuesAsText("name")).containsExactly("Now");
    }

    // The details

    @Test
    void detailsNameTheVideoToOpen() {
        FakeStream stream = carried();

        JsonNode meta = get("/meta/tv/" + id(stream) + ".json").json().path("meta");

        assertThat(meta.path("id").asText()).isEqualTo(id(stream));
        assertThat(meta.path("type").asText()).isEqualTo("tv");
        assertThat(meta.path("behaviorHints").path("defaultVideoId").asText()).isEqualTo(id(stream));
    }

    // The streams

    private JsonNode streams(FakeStream stream, AddonConfig config) {
        return get("/" + encoded(config) + "/stream/tv/" + id(stream) + ".json")
                .json()
                .path("streams");
    }

    private static AddonConfig config(Device device) {
        return new AddonConfig(
                device, true, Optional.empty(), AddonConfig.Quality.AUTO, Optional.empty(), Optional.empty());
    }

    @Test
    void liveEntryComesFirstAndTheWindowIsATorrent() {
        FakeStream stream = carried();
        Torrent window = stream.windows(0).get(0).torrent();

        JsonNode entries = get("/stream/tv/" + id(stream) + ".json").json().path("streams");

        assertThat(entries.path(0).path("url").asText())
                .isEqualTo("http://gw.example:7000/live/" + stream.key().text() + "/0/live.m3u8");
        JsonNode replay = entries.path(1);
        assertThat(replay.path("infoHash").asText()).isEqualTo(window.infoHash().hex());
        assertThat(replay.path("fileIdx").isInt()).isTrue();
        assertThat(replay.path("fileIdx").intValue())
                .isEqualTo(window.playlistFile().orElseThrow());
        assertThat(texts(replay.path("sources")))
                .containsExactlyInAnyOrder(
                        "tracker:http://127.0.0.1:7001/announce",
                        "tracker:http://127.0.0.1:7001/announce",
                        "tracker:udp://127.0.0.1:7001/announce",
                        "tracker:udp://127.0.0.1:7001/announce");
    }

    @ParameterizedTest
    @EnumSource(Device.class)
    void everyEntryIsOneThatClientsKeep(Device device) {
        FakeStream stream = carried();
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/x"));

        JsonNode entries = streams(stream, config(device));

        assertThat(entries).isNotEmpty();
        for (JsonNode entry : entries) {
            assertThat(entry.has("title")).isFalse();
            assertThat(entry.path("name").asText()).isNotBlank();
            assertThat(entry.path("description").asText()).isNotBlank();
            assertThat(List.of("url", "infoHash", "externalUrl").stream()
                            .filter(entry::has)
                            .count())
                    .isEqualTo(1);
            assertThat(entry.path("behaviorHints").has("notWebReady")).isFalse();
            assertThat(texts(entry.path("sources"))).allMatch(source -> source.startsWith("tracker:"));
        }
    }

    @Test
    void deviceDecidesTheOrder() {
        FakeStream stream = carried();
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/x"));
        stream.store(stream.newest(0, 1).get(0));

        assertThat(names(streams(stream, config(Device.DESKTOP))))
                .containsExactly("Live P2P", "Live", "Replay 1 min", "Fallback");
        assertThat(names(streams(stream, config(Device.ANDROID))))
                .containsExactly("Live", "Live P2P", "Replay 1 min", "Fallback");
        assertThat(names(streams(stream, config(Device.BROWSER)))).containsExactly("Live", "Fallback");
        assertThat(names(streams(stream, config(Device.TV)))).containsExactly("Live", "Fallback");
    }

    private static List<String> names(JsonNode entries) {
        List<String> names = new ArrayList<>();
        entries.forEach(entry -> names.add(entry.path("name").asText()));
        return names;
    }

    @Test
    void withoutP2pThereIsNoTorrent() {
        FakeStream stream = carried();
        AddonConfig config = new AddonConfig(
                Device.DESKTOP,
                false,
                Optional.of(Region.EU_WEST),
                AddonConfig.Quality.AUTO,
                Optional.empty(),
                Optional.empty());

        JsonNode entries = streams(stream, config);

        assertThat(names(entries)).containsExactly("Live");
        assertThat(entries.path(0).path("url").asText()).endsWith("/live.m3u8?region=eu-west");
    }

    @Test
    void oneHolderOfTwoRelaysIsNotEnoughForATorrent() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 20));
        stream.holdAll(stream.relay(1, "127.0.0.1"));
        stream.relay(2, "127.0.0.1");
        stream.closeWindow(0);

        assertThat(names(streams(stream, config(Device.DESKTOP)))).containsExactly("Live");
    }

    @Test
    void theOnlyRelayIsEnough() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 20));
        stream.holdAll(stream.relay(1, "127.0.0.1"));
        stream.closeWindow(0);

        assertThat(names(streams(stream, config(Device.DESKTOP)))).containsExactly("Live P2P", "Live", "Replay 1 min");
    }

    @Test
    void offlineStreamOffersTheReplayThatIsHeld() {
        FakeStream stream = carried();
        stream.head(Head.Status.ENDED, Optional.of("https://bucket.example/x"));

        assertThat(names(streams(stream, config(Device.DESKTOP)))).containsExactly("Replay 1 min");
    }

    @Test
    void emptyListExplainsItselfAndIsNotKept() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 20));
        stream.head(Head.Status.ENDED, Optional.empty());

        Asked asked = get("/stream/tv/" + id(stream) + ".json");

        JsonNode entries = asked.json().path("streams");
        assertThat(entries).hasSize(1);
        assertThat(entries.path(0).path("externalUrl").asText())
                .isEqualTo("http://gw.example:7000/watch/" + stream.key().text());
        assertThat(asked.headers()).containsEntry("cache-control", "no-store");
    }

    @Test
    void originIsNeverOffered() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 20));
        RelayView origin = stream.add(
                FakeStream.view(1, NodeRole.ORIGIN, List.of(FakeStream.endpoint("127.0.0.1", 7003)), Optional.empty()));
        stream.holdAll(origin);
        stream.closeWindow(0);

        assertThat(get("/stream/tv/" + id(stream) + ".json")
                        .json()
                        .path("streams")
                        .path(0)
                        .has("externalUrl"))
                .isTrue();
    }

    @Test
    void severalRenditionsAreTheMasterPlaylistUnlessOneIsChosen() {
        FakeStream stream = carried();
        stream.tell(
                "Harbour Radio",
                List.of(),
                List.of(
                        new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000,RESOLUTION=640x360"),
                        new Rendition(1, Rendition.Kind.VARIANT, "BANDWIDTH=300000,RESOLUTION=320x180")));
        stream.publish(1, 20);
        stream.holdAll(stream.relay(1, "127.0.0.1"), stream.relay(2, "127.0.0.1"));
        AddonConfig saver = new AddonConfig(
                Device.TV, true, Optional.empty(), AddonConfig.Quality.SAVER, Optional.empty(), Optional.empty());

        assertThat(streams(stream, config(Device.TV)).path(0).path("url").asText())
                .endsWith("/master.m3u8");
        assertThat(streams(stream, saver).path(0).path("url").asText()).endsWith("/1/live.m3u8");
        assertThat(streams(stream, saver).path(0).path("description").asText()).contains("180p, 0.3 Mbit/s");
    }

    @Test
    void httpsViewersGetPlainRelaysOnlyWhereTheirPlayerTakesThem() {
        FakeStream stream = carried();
        AddonService service = service(Optional.of(URI.create("https://gw.example/")));
        String path = "/stream/tv/" + id(stream) + ".json";

        JsonNode browser = Asked.get(service, "/" + encoded(config(Device.BROWSER)) + path)
                .json()
                .path("streams");
        JsonNode desktop = Asked.get(service, "/" + encoded(config(Device.DESKTOP)) + path)
                .json()
                .path("streams");

        assertThat(browser.path(0).path("externalUrl").asText())
                .isEqualTo("https://gw.example/watch/" + stream.key().text());
        assertThat(desktop.path(1).path("url").asText())
                .startsWith("https://gw.example/live/")
                .endsWith("?plain=1");
    }

    @Test
    void answersArePersonalAndShortLived() {
        FakeStream stream = carried();

        assertThat(get("/stream/tv/" + id(stream) + ".json").headers())
                .containsEntry("cache-control", "private, max-age=5");
    }

    @Test
    void keptAnswersAreForgottenAfterTheirMaxAge() {
        FakeStream stream = carried();
        AddonService service = service(Optional.empty());
        String path = "/meta/tv/" + id(stream) + ".json";
        assertThat(Asked.get(service, path).body()).contains("Harbour Radio");
        stream.tell("Dock FM", List.of(), List.of(new Rendition(0, Rendition.Kind.VARIANT, "")));

        assertThat(Asked.get(service, path).body()).contains("Harbour Radio");
        nanos += 5_100_000_000L;
        assertThat(Asked.get(service, path).body()).contains("Dock FM");
    }

    private List<String> entries(FakeStream stream) {
        return get("/stream/tv/" + id(stream) + ".json").json().path("streams").findValuesAsText("name");
    }

    @Test
    void bucketIsAnEntryWhileTheOriginStoresInIt() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 20));
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/x"));
        assertThat(entries(stream)).containsExactly("Not now");

        stream.store(stream.newest(0, 1).get(0));
        assertThat(entries(stream)).containsExactly("Live", "Fallback");
        stream.head(Head.Status.LIVE, Optional.of("http://bucket.example/x"));
        assertThat(entries(stream)).containsExactly("Live", "Fallback");
        AddonService https = service(Optional.of(URI.create("https://gw.example")));
        assertThat(Asked.get(https, "/stream/tv/" + id(stream) + ".json").json().findValuesAsText("name"))
                .containsExactly("Not now");
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/x"));

        stream.publish(0, 10);
        stream.holdAll(stream.relay(1, "127.0.0.1"));
        assertThat(entries(stream)).contains("Live").doesNotContain("Fallback");
    }

    @Test
    void broadcasterWhoWentWithoutAWordIsNotLiveForLong() {
        FakeStream stream = carried();
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/x"));
        stream.store(stream.newest(0, 1).get(0));
        assertThat(entries(stream)).containsExactly("Live", "Replay 1 min", "Fallback");

        now = FakeStream.EPOCH.plusSeconds(76 + 61);
        assertThat(entries(stream)).containsExactly("Replay 1 min");

        stream.relays().forEach(stream::lose);
        Asked asked = get("/stream/tv/" + id(stream) + ".json");
        assertThat(asked.json().path("streams").path(0).path("description").asText())
                .contains("Nothing new has come");
        assertThat(asked.json().path("streams").path(0).has("externalUrl")).isTrue();
        assertThat(asked.headers()).containsEntry("cache-control", "no-store");
    }

    // The past

    /** Fifteen minutes: the windows on five-minute marks are closed and held. */
    private FakeStream recorded() {
        FakeStream stream = listed(FakeStream.live(1, "Harbour Radio", 225));
        stream.holdAll(stream.relay(1, "127.0.0.1"), stream.relay(2, "127.0.0.1"));
        for (int first : List.of(0, 75, 150)) {
            WindowId began = WindowId.firstOf(stream.newest(0, 225).get(first));
            stream.closeWindow(began.withIndex(began.index() + 9));
        }
        now = FakeStream.EPOCH.plusSeconds(901);
        return stream;
    }

    @Test
    void pastWindowsAreEpisodesAndThoseToComeAreListedToo() {
        FakeStream stream = recorded();

        JsonNode videos =
                get("/meta/tv/" + id(stream) + ".json").json().path("meta").path("videos");

        assertThat(videos).hasSize(3 + 72);
        assertThat(videos.path(0).path("id").asText()).isEqualTo(id(stream) + ":20261122:145");
        assertThat(videos.path(0).path("title").asText()).isEqualTo("12:00 \u2013 12:05 UTC");
        assertThat(videos.path(0).path("released").asText()).isEqualTo("2026-11-22T12:00:00Z");
        assertThat(videos.path(3).path("id").asText()).isEqualTo(id(stream) + ":20261122:148");
    }

    @Test
    void noEpisodeIsReleasedInTheFutureBecauseClientsWouldNotGoOnToIt() {
        FakeStream stream = recorded();

        assertThat(get("/meta/tv/" + id(stream) + ".json").json().path("meta").path("videos"))
                .allMatch(
                        video -> !Instant.parse(video.path("released").asText()).isAfter(now));
    }

    @Test
    void nextEpisodeIsAnswerableInTheSameBingeGroup() {
        FakeStream stream = recorded();
        JsonNode videos =
                get("/meta/tv/" + id(stream) + ".json").json().path("meta").path("videos");

        List<JsonNode> playlists = new ArrayList<>();
        List<JsonNode> torrents = new ArrayList<>();
        for (int i = 0; i < 5; i++) { // Three are over, one is running, one comes next.
            JsonNode streams = get("/stream/tv/"
                            + videos.path(i).path("id").asText().replace(":", "%3A") + ".json")
                    .json()
                    .path("streams");
            streams.forEach(entry -> (entry.has("url") ? playlists : torrents).add(entry));
        }

        assertThat(playlists).hasSize(5);
        assertThat(torrents).hasSize(3);
        assertThat(playlists).extracting(entry -> entry.path("url").asText()).doesNotHaveDuplicates();
        assertThat(torrents)
                .extracting(entry -> entry.path("infoHash").asText())
                .doesNotHaveDuplicates();
        assertThat(Stream.concat(playlists.stream(), torrents.stream()))
                .extracting(
                        entry -> entry.path("behaviorHints").path("bingeGroup").asText())
                .containsOnly("tributary-" + stream.key().text().substring(0, 8) + "-dvr");
    }

    @Test
    void desktopPlaysThePastByTorrentFirst() {
        FakeStream stream = recorded();
        String path = "/stream/tv/" + id(stream) + ":20261122:145.json";

        JsonNode desktop =
                get("/" + encoded(config(Device.DESKTOP)) + path).json().path("streams");
        JsonNode television =
                get("/" + encoded(config(Device.TV)) + path).json().path("streams");

        assertThat(desktop).hasSize(2);
        assertThat(desktop.path(0).has("infoHash")).isTrue();
        assertThat(television).hasSize(1);
        assertThat(television.path(0).path("url").asText())
                .isEqualTo("http://gw.example:7000/dvr/" + stream.key().text() + "/0/"
                        + FakeStream.EPOCH.getEpochSecond() + ".m3u8");
    }

    @Test
    void episodeToComeExplainsItself() {
        FakeStream stream = recorded();

        Asked asked = get("/stream/tv/" + id(stream) + ":20261122:200.json");

        assertThat(asked.json().path("streams").path(0).path("description").asText())
                .contains("Not broadcast yet");
        assertThat(asked.headers()).containsEntry("cache-control", "no-store");
    }

    @ParameterizedTest
    @ValueSource(strings = {":20261122", ":20261122:0", ":20261122:289", ":20260231:1", ":x:1", ":1:2:3", ":0:1"})
    void thereIsNoSuchEpisode(String suffix) {
        FakeStream stream = recorded();

        assertThat(get("/stream/tv/" + id(stream) + suffix + ".json").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 300, 86_100, 86_400, 1_790_000_100})
    void episodeIsFoundAgainByItsNumbers(long mark) {
        Episode episode = new Episode(Instant.ofEpochSecond(mark));

        assertThat(Episode.of(episode.season(), episode.number())).contains(episode);
    }

    // Configs

    @Test
    void configSurvivesItsPath() {
        AddonConfig config = new AddonConfig(
                Device.FIRE_TV,
                false,
                Optional.of(Region.OCEANIA),
                AddonConfig.Quality.BEST,
                Optional.of(URI.create("http://127.0.0.1:11471")),
                Optional.of(URI.create("http://192.168.1.5:7001")));

        assertThat(AddonConfig.decode(config.encode())).contains(config);
        assertThat(config.encode()).matches("[A-Za-z0-9_-]+");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"d\":\"toaster\"}",
                "{\"r\":\"moon\"}",
                "{\"q\":\"8k\"}",
                "{\"s\":\"ftp://x/\"}",
                "{\"s\":\"http://x/?a=b\"}",
                "{\"d\":1}",
                "{\"z\":1}",
                "[]",
                "nothing"
            })
    void refusesAConfigThatItDoesNotMake(String json) {
        String encoded = Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(StandardCharsets.UTF_8));

        assertThat(AddonConfig.decode(encoded)).isEmpty();
    }

    @Test
    void refusesAConfigThatIsOneCharacterTooLong() {
        String padded = "{" + " ".repeat(AddonConfig.MAX_ENCODED * 3 / 4 - 2) + "}";
        String longest =
                Base64.getUrlEncoder().withoutPadding().encodeToString(padded.getBytes(StandardCharsets.UTF_8));
        String longer =
                Base64.getUrlEncoder().withoutPadding().encodeToString((padded + " ").getBytes(StandardCharsets.UTF_8));

        assertThat(AddonConfig.decode(longest)).isPresent();
        assertThat(AddonConfig.decode(longer)).isEmpty();
    }
}
