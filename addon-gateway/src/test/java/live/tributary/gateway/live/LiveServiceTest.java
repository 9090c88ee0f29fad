package live.tributary.gateway.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.gateway.Asked;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Rendition;
import org.junit.jupiter.api.Test;

class LiveServiceTest {
    private static final Instant NOW = FakeStream.EPOCH.plusSeconds(120);

    private final ListedStreams streams = new ListedStreams();
    private final RelayHealth health = new RelayHealth();
    private final LiveService service = service(Optional.empty());
    private final FakeStream stream = FakeStream.live(1, "Harbour Radio", 20);
    private final String live = "/live/" + stream.key().text() + "/0/live.m3u8";
    private final String hybrid = "/hybrid/" + stream.key().text() + "/0/live.m3u8";

    LiveServiceTest() {
        streams.add(stream);
    }

    private LiveService service(Optional<URI> publicUrl) {
        return service(publicUrl, true);
    }

    private LiveService service(Optional<URI> publicUrl, boolean privateMode) {
        return new LiveService(
                streams,
                new Visits(new ClientAddress(List.of()), Locator.NOWHERE, publicUrl),
                new RelayRanking(Locator.NOWHERE, health, privateMode),
                () -> NOW,
                System::nanoTime);
    }

    private static List<String> uris(Asked asked) {
        return asked.body().lines().filter(line -> !line.startsWith("#")).toList();
    }

    private static RelayView relay(int seed, int port, Optional<String> tlsName) {
        return FakeStream.view(seed, NodeRole.RELAY, List.of(FakeStream.endpoint("127.0.0.1", port)), tlsName);
    }

    @Test
    void listsTheNewestChunksAtARelayThatHoldsThem() {
        stream.holdAll(stream.relay(1, "127.0.0.1"));

        Asked asked = Asked.get(service, live);

        assertThat(asked.status()).isEqualTo(200);
        assertThat(asked.headers()).containsEntry("content-type", "application/vnd.apple.mpegurl");
        assertThat(asked.body()).contains("#EXT-X-MEDIA-SEQUENCE:110\n", "#EXT-X-TARGETDURATION:4\n");
        assertThat(asked.body()).doesNotContain("ENDLIST");
        assertThat(uris(asked))
                .hasSize(10)
                .first()
                .isEqualTo("http://127.0.0.1:7001/live/" + stream.key().text() + "/0/110.ts");
    }

    @Test
    void chunkThatNobodyHoldsYetIsNotListed() {
        RelayView relay = stream.relay(1, "127.0.0.1");
        stream.hold(stream.newest(0, 20).subList(0, 18), relay);

        assertThat(uris(Asked.get(service, live))).last().asString().endsWith("/117.ts");
    }

    @Test
    void listNeverSpansAChunkThatIsNotToBeHad() {
        RelayView relay = stream.relay(1, "127.0.0.1");
        stream.hold(stream.newest(0, 4), relay);
        stream.hold(stream.newest(0, 20).subList(0, 15), relay);

        assertThat(uris(Asked.get(service, live))).hasSize(4).first().asString().endsWith("/116.ts");
    }

    @Test
    void chunkThatIsLateHoldsBackThoseBehindIt() {
        RelayView relay = stream.relay(1, "127.0.0.1");
        stream.hold(stream.newest(0, 1), relay);
        stream.hold(stream.newest(0, 20).subList(0, 18), relay);

        assertThat(uris(Asked.get(service, live))).hasSize(10).last().asString().endsWith("/117.ts");
    }

    @Test
    void deadRelayIsGoneFromTheNextReload() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        RelayView two = stream.add(relay(2, 7002, Optional.empty()));
        stream.holdAll(one, two);
        String first = uris(Asked.get(service, live)).get(0);
        RelayView chosen = first.contains(":7001/") ? one : two;

        stream.lose(chosen);

        assertThat(uris(Asked.get(service, live)))
                .hasSize(10)
                .allMatch(uri -> uri.contains(chosen == one ? ":7002/" : ":7001/"));
    }

    @Test
    void failingRelayIsLeftOutUntilTwoSuccesses() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        stream.holdAll(one);

        health.record(one.key(), one.endpoints().get(0), Outcome.FAILED);
        assertThat(Asked.get(service, live).status()).isEqualTo(200);
        health.record(one.key(), one.endpoints().get(0), Outcome.FAILED);
        Asked refused = Asked.get(service, live);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.headers()).containsKey("retry-after");
        health.record(one.key(), one.endpoints().get(0), Outcome.SERVED);
        assertThat(Asked.get(service, live).status()).isEqualTo(503);
        health.record(one.key(), one.endpoints().get(0), Outcome.SERVED);
        assertThat(Asked.get(service, live).status()).isEqualTo(200);
    }

    @Test
    void oneViewerKeepsItsRelayAndManyAreSpread() {
        stream.holdAll(stream.add(relay(1, 7001, Optional.empty())), stream.add(relay(2, 7002, Optional.empty())));

        long first = 0;
        for (int i = 0; i < 200; i++) {
            var query = Asked.query(live, "10.1." + i + ".9");
            String uri = uris(Asked.get(service, query)).get(0);
            assertThat(uris(Asked.get(service, query))).first().isEqualTo(uri);
            first += uri.contains(":7001/") ? 1 : 0;
        }

        assertThat(first).isBetween(60L, 140L);
    }

    @Test
    void bucketServesWhatNoRelayHolds() {
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/key/term"));
        List<ChunkRecord> newest = stream.newest(0, 5);
        newest.forEach(stream::store);
        RelayView relay = stream.relay(1, "127.0.0.1");
        stream.hold(newest.subList(0, 3), relay);

        List<String> uris = uris(Asked.get(service, live));

        assertThat(uris).hasSize(5);
        assertThat(uris.subList(0, 3)).allMatch(uri -> uri.startsWith("http://127.0.0.1:7001/"));
        ChunkRecord last = newest.get(4);
        assertThat(uris.get(4))
                .isEqualTo("https://bucket.example/key/term/0/119-"
                        + last.body().sha256().hex().substring(0, 8) + ".ts");
    }

    @Test
    void bucketOfPlainHttpIsForPrivateNetworksAlone() {
        stream.head(Head.Status.LIVE, Optional.of("http://bucket.example/key/term"));
        stream.newest(0, 5).forEach(stream::store);
        Optional<URI> https = Optional.of(URI.create("https://gw.example"));

        assertThat(uris(Asked.get(service(Optional.empty(), true), live))).hasSize(5);
        assertThat(Asked.get(service(Optional.empty(), false), live).status()).isEqualTo(503);
        assertThat(Asked.get(service(https, true), live).status()).isEqualTo(503);
        assertThat(uris(Asked.get(service(https, true), live + "?plain=1"))).hasSize(5);
    }

    @Test
    void bucketServesWhatAnOriginStoredBeforeItRestarted() {
        ChunkRecord before = stream.newest(0, 1).get(0);
        long term = stream.restart();
        ChunkRecord after = stream.publish(0, 1).get(0);
        stream.store(before);
        stream.store(after);
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/key/" + term + "/"));

        List<String> uris = uris(Asked.get(service, live));

        assertThat(uris)
                .containsExactly(
                        "https://bucket.example/key/" + before.term() + "/0/" + inBucket(before),
                        "https://bucket.example/key/" + term + "/0/" + inBucket(after));
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/elsewhere"));
        assertThat(uris(Asked.get(service, live)))
                .as("a base that does not end in its term says nothing of others")
                .containsExactly("https://bucket.example/elsewhere/0/" + inBucket(after));
    }

    private static String inBucket(ChunkRecord record) {
        return record.seq() + "-" + record.body().sha256().hex().substring(0, 8) + ".ts";
    }

    @Test
    void httpsViewersAreSentToCertifiedRelaysOnly() {
        stream.holdAll(
                stream.add(relay(1, 7001, Optional.empty())), stream.add(relay(2, 7002, Optional.of("r.example"))));
        LiveService secure = service(Optional.of(URI.create("https://gw.example")));

        assertThat(uris(Asked.get(secure, live))).allMatch(uri -> uri.startsWith("https://r.example:7002/live/"));
        stream.lose(relay(2, 7002, Optional.of("r.example")));
        assertThat(Asked.get(secure, live).status()).isEqualTo(503);
        assertThat(uris(Asked.get(secure, live + "?plain=1")))
                .allMatch(uri -> uri.startsWith("http://127.0.0.1:7001/"));
    }

    @Test
    void endedStreamClosesItsList() {
        stream.holdAll(stream.relay(1, "127.0.0.1"));
        stream.head(Head.Status.ENDED, Optional.empty());

        assertThat(Asked.get(service, live).body()).endsWith("#EXT-X-ENDLIST\n");
    }

    @Test
    void masterNamesEachRenditionAndKeepsTheOptions() {
        stream.tell(
                "Harbour Radio",
                List.of(),
                List.of(
                        new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000"),
                        new Rendition(1, Rendition.Kind.VARIANT, "BANDWIDTH=300000")));

        Asked asked = Asked.get(service, "/live/" + stream.key().text() + "/master.m3u8?region=eu-west");

        assertThat(uris(asked)).containsExactly("0/live.m3u8?region=eu-west", "1/live.m3u8?region=eu-west");
    }

    @Test
    void owncastFindsItsOwnLayout() {
        stream.holdAll(stream.relay(1, "127.0.0.1"));
        String base = "/owncast/" + stream.key().text() + "/hls/";

        assertThat(uris(Asked.get(service, base + "stream.m3u8"))).containsExactly("0/stream.m3u8");
        assertThat(uris(Asked.get(service, base + "0/stream.m3u8"))).hasSize(10);
    }

    @Test
    void unknownStreamsRenditionsAndQueriesAreRefused() {
        assertThat(Asked.get(service, "/live/xyz/master.m3u8").status()).isEqualTo(404);
        assertThat(Asked.get(service, live.replace("/0/", "/64/")).status()).isEqualTo(404);
        assertThat(Asked.get(service, live.replace("/0/", "/x/")).status()).isEqualTo(404);
        assertThat(Asked.get(service, live + "?region=moon").status()).isEqualTo(400);
        assertThat(Asked.get(service, hybrid + "?server=file%3A%2F%2F%2Fetc").status())
                .isEqualTo(400);
        assertThat(Asked.maybe(service, Asked.query("/live/x/0/110.exe", "127.0.0.1")))
                .isEmpty();
    }

    // Browsers

    private Asked browser(String header, String value) {
        return Asked.get(service, Asked.query(live + "?region=oceania", "198.51.100.7", header, value));
    }

    @Test
    void relayThatDiesChangesNothingThatABrowserWasTold() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        RelayView two = stream.add(relay(2, 7002, Optional.empty()));
        stream.holdAll(one);
        List<String> before = uris(browser("sec-fetch-mode", "cors"));
        String link = "/live/" + stream.key().text() + "/0/119.ts?region=oceania";
        assertThat(before.get(9)).isEqualTo("http://gw.example:7000" + link);
        assertThat(leadsTo(service, link)).isEqualTo("http://127.0.0.1:7001" + link.replaceAll("\\?.*", ""));

        stream.holdAll(two);
        stream.lose(one);

        assertThat(uris(browser("sec-fetch-mode", "cors"))).isEqualTo(before);
        assertThat(leadsTo(service, link)).startsWith("http://127.0.0.1:7002/");
    }

    @Test
    void browserIsKnownByWhatItSays() {
        stream.holdAll(stream.relay(1, "127.0.0.1"));

        assertThat(uris(browser("origin", "https://web.example"))).allMatch(uri -> uri.startsWith("http://gw.example"));
        assertThat(uris(browser("user-agent", "Mozilla/5.0 (X11)")))
                .allMatch(uri -> uri.startsWith("http://gw.example"));
        assertThat(uris(browser("user-agent", "Lavf/60.16.100"))).allMatch(uri -> uri.startsWith("http://127.0.0.1"));
    }

    @Test
    void playerThatCameByHttpsAndTakesPlainHttpIsNotLedThere() {
        stream.holdAll(stream.relay(1, "127.0.0.1"));
        LiveService https = service(Optional.of(URI.create("https://gw.example")));

        assertThat(uris(Asked.get(
                        https, Asked.query(live + "?plain=1", "198.51.100.7", "origin", "https://web.example"))))
                .allMatch(uri -> uri.startsWith("http://127.0.0.1:7001/"));
    }

    @Test
    void linkToAChunkThatIsNotToBeHadIsRefused() {
        String link = "/live/" + stream.key().text() + "/0/119.ts";

        Asked nobody = Asked.get(service, link);
        assertThat(nobody.status()).isEqualTo(503);
        assertThat(nobody.headers()).containsKey("retry-after").containsEntry("cache-control", "no-store");
        assertThat(Asked.get(service, link.replace(".ts", ".mp4")).status()).isEqualTo(404);
        assertThat(Asked.get(service, link.replace("119", "999")).status()).isEqualTo(404);
        assertThat(Asked.get(service, link.replace("/0/", "/64/")).status()).isEqualTo(404);
        assertThat(Asked.get(service, link + "?region=moon").status()).isEqualTo(400);
        assertThat(Asked.get(service, "/live/xyz/0/119.ts").status()).isEqualTo(404);
    }

    @Test
    void listedChunkStaysAtItsRelayAsLongAsThatHasIt() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        RelayView two = stream.add(relay(2, 7002, Optional.empty()));
        stream.holdAll(one);
        List<String> before = uris(Asked.get(service, live));

        stream.holdAll(two);
        stream.hold(stream.publish(0, 1), two);
        List<String> after = uris(Asked.get(service, live));
        assertThat(after.subList(0, 9)).isEqualTo(before.subList(1, 10));
        assertThat(after.get(9)).startsWith("http://127.0.0.1:7002/");

        stream.lose(one);
        assertThat(uris(Asked.get(service, live)))
                .hasSize(10)
                .allMatch(uri -> uri.startsWith("http://127.0.0.1:7002/"));
    }

    // Hybrid

    @Test
    void chunkThatEnoughRelaysHoldIsATorrentOfTheViewersOwnServer() {
        stream.holdAll(stream.add(relay(1, 7001, Optional.empty())), stream.add(relay(2, 7002, Optional.empty())));

        String uri = uris(Asked.get(service, hybrid)).get(0);

        ChunkRecord record = stream.newest(0, 10).get(0);
        assertThat(uri)
                .startsWith("http://127.0.0.1:11470/"
                        + ChunkTorrent.of(record).infoHash().hex() + "/0/110.ts?tr=");
        assertThat(URLDecoder.decode(uri, StandardCharsets.UTF_8))
                .contains("tr=tracker:http://127.0.0.1:7001/announce")
                .contains("tr=tracker:http://127.0.0.1:7002/announce")
                .contains("tr=tracker:udp://127.0.0.1:700");
    }

    private LiveService at(Instant now, AtomicLong nanos) {
        return new LiveService(
                streams,
                new Visits(new ClientAddress(List.of()), Locator.NOWHERE, Optional.empty()),
                new RelayRanking(Locator.NOWHERE, health, true),
                () -> now,
                nanos::get);
    }

    @Test
    void newChunkWaitsAMomentForItsSecondHolder() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        RelayView two = stream.add(relay(2, 7002, Optional.empty()));
        stream.holdAll(one, two);
        List<ChunkRecord> fresh = stream.publish(0, 1);
        stream.hold(fresh, one);
        AtomicLong nanos = new AtomicLong();
        LiveService service = at(fresh.get(0).body().published().plusSeconds(1), nanos);

        assertThat(uris(Asked.get(service, hybrid)).get(9)).contains("/119.ts");
        nanos.addAndGet(HybridUris.WAIT.toNanos() - 1);
        assertThat(uris(Asked.get(service, hybrid)).get(9)).contains("/119.ts");
        stream.hold(fresh, two);

        assertThat(uris(Asked.get(service, hybrid)).get(9))
                .startsWith("http://127.0.0.1:11470/")
                .contains("/120.ts");
    }

    @Test
    void newChunkThatOneRelayHoldsAfterAllIsPlainHttp() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        stream.holdAll(one, stream.add(relay(2, 7002, Optional.empty())));
        List<ChunkRecord> fresh = stream.publish(0, 1);
        stream.hold(fresh, one);
        AtomicLong nanos = new AtomicLong();
        LiveService service = at(fresh.get(0).body().published().plusSeconds(1), nanos);
        Asked.get(service, hybrid);

        nanos.addAndGet(HybridUris.WAIT.toNanos());

        String link = "/live/" + stream.key().text() + "/0/120.ts";
        HttpQuery neighbours = Asked.query(hybrid, "198.51.100.8", "host", "elsewhere.example");
        assertThat(uris(Asked.get(service, neighbours)).get(9)).isEqualTo("http://elsewhere.example" + link);
        assertThat(uris(Asked.get(service, hybrid)).get(9)).isEqualTo("http://gw.example:7000" + link);
        assertThat(leadsTo(service, link)).isEqualTo("http://127.0.0.1:7001" + link);
    }

    private static String leadsTo(LiveService service, String link) {
        Asked asked = Asked.get(service, link);
        assertThat(asked.status()).isEqualTo(302);
        return asked.headers().get("location");
    }

    @Test
    void listedUriNeverChanges() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        RelayView two = stream.add(relay(2, 7002, Optional.empty()));
        stream.holdAll(one);
        List<String> before = uris(Asked.get(service, hybrid));
        assertThat(before).allMatch(uri -> uri.startsWith("http://gw.example:7000/live/"));

        stream.holdAll(one, two);
        stream.hold(stream.publish(0, 1), one, two);
        List<String> after = uris(Asked.get(service, hybrid));

        assertThat(after.subList(0, 9)).isEqualTo(before.subList(1, 10));
        assertThat(after.get(9)).startsWith("http://127.0.0.1:11470/");
    }

    @Test
    void anotherStreamingServerIsNamedInTheQuery() {
        stream.holdAll(stream.relay(1, "127.0.0.1"));

        assertThat(uris(Asked.get(service, hybrid + "?server=http%3A%2F%2F192.168.1.2%3A11470")))
                .allMatch(uri -> uri.startsWith("http://192.168.1.2:11470/"));
    }

    private Asked steer(String query) {
        return Asked.get(service, "/steer/" + stream.key().text() + ".json" + query);
    }

    @Test
    void masterNamesOneWayAndWhereTheOthersAreListed() {
        stream.tell(
                "Harbour Radio",
                List.of(),
                List.of(
                        new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=3000000,PATHWAY-ID=\"elsewhere\""),
                        new Rendition(1, Rendition.Kind.VARIANT, "STABLE-VARIANT-ID=\"x\",BANDWIDTH=500000")));
        String master = "/live/" + stream.key().text() + "/master.m3u8";

        assertThat(Asked.get(service, master + "?region=oceania").body().lines())
                .contains(
                        "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer/"
                                + stream.key().text() + ".json?region=oceania\",PATHWAY-ID=\"gateway\"",
                        "#EXT-X-STREAM-INF:BANDWIDTH=3000000,PATHWAY-ID=\"gateway\",STABLE-VARIANT-ID=\"0\"",
                        "#EXT-X-STREAM-INF:BANDWIDTH=500000,PATHWAY-ID=\"gateway\",STABLE-VARIANT-ID=\"1\"")
                .hasSize(7);
    }

    @Test
    void waysAreTheGatewayThenRelaysThatAreUpToDateThenTheBucket() {
        RelayView one = stream.add(relay(1, 7001, Optional.empty()));
        RelayView lagging = stream.add(relay(2, 7002, Optional.empty()));
        stream.holdAll(one);
        stream.hold(stream.newest(0, 20).subList(0, 10), lagging);
        stream.head(Head.Status.LIVE, Optional.of("https://bucket.example/x/"));

        Asked asked = steer("?region=oceania&_HLS_pathway=gateway&_HLS_throughput=5140000");

        String way = "relay-" + one.key().text().substring(0, 12);
        assertThat(asked.headers()).containsEntry("content-type", "application/vnd.apple.steering-list");
        assertThat(asked.json().path("VERSION").asInt()).isEqualTo(1);
        assertThat(asked.json().path("TTL").asInt()).isPositive();
        assertThat(asked.json().path("RELOAD-URI").asText())
                .isEqualTo("/steer/" + stream.key().text() + ".json?region=oceania");
        assertThat(asked.json().path("PATHWAY-PRIORITY"))
                .map(node -> node.asText())
                .containsExactly("gateway", way, "bucket");
        assertThat(asked.json().path("PATHWAY-CLONES"))
                .map(clone -> clone.path("URI-REPLACEMENT")
                        .path("PER-VARIANT-URIS")
                        .path("0")
                        .asText())
                .containsExactly(
                        "http://127.0.0.1:7001/live/" + stream.key().text() + "/0/live.m3u8",
                        "https://bucket.example/x/0/live.m3u8");
    }

    @Test
    void aloneTheGatewayIsTheOnlyWay() {
        assertThat(steer("").json().path("PATHWAY-PRIORITY"))
                .map(node -> node.asText())
                .containsExactly("gateway");
        assertThat(Asked.get(service, "/steer/nothing.json").status()).isEqualTo(404);
        assertThat(steer("?region=atlantis").status()).isEqualTo(400);
    }

    private Asked past(Instant start) {
        return Asked.get(service, "/dvr/" + stream.key().text() + "/0/" + start.getEpochSecond() + ".m3u8");
    }

    @Test
    void whatIsBeingBroadcastPlaysFromItsBeginningAndGrows() {
        stream.hold(stream.newest(0, 20).subList(0, 15), stream.relay(1, "127.0.0.1"));

        Asked asked = past(FakeStream.EPOCH);

        assertThat(asked.headers()).containsEntry("content-type", "application/vnd.apple.mpegurl");
        assertThat(asked.body())
                .contains("#EXT-X-PLAYLIST-TYPE:EVENT\n", "#EXT-X-START:TIME-OFFSET=0\n", "#EXT-X-MEDIA-SEQUENCE:100\n")
                .doesNotContain("ENDLIST");
        assertThat(uris(asked)).hasSize(15);
    }

    @Test
    void whatIsOverEndsAndIsItsLongestRun() {
        RelayView relay = stream.relay(1, "127.0.0.1");
        stream.publish(0, 100);
        stream.hold(stream.newest(0, 120).subList(0, 20), relay);
        stream.hold(stream.newest(0, 120).subList(21, 120), relay);

        Asked asked = past(FakeStream.EPOCH);

        assertThat(uris(asked)).hasSize(54).first().asString().endsWith("/121.ts");
        assertThat(asked.body()).endsWith("#EXT-X-ENDLIST\n");
    }

    @Test
    void pastThatNobodyHoldsIsToldAndNotKept() {
        Asked nobody = past(FakeStream.EPOCH);
        assertThat(nobody.status()).isEqualTo(503);
        assertThat(nobody.headers()).containsEntry("cache-control", "no-store").containsKey("retry-after");
        assertThat(past(FakeStream.EPOCH.plusSeconds(1)).status()).isEqualTo(404);
        assertThat(past(FakeStream.EPOCH.plusSeconds(3600)).status()).isEqualTo(503);
    }
}
