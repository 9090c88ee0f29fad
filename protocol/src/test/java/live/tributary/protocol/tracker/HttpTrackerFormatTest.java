package live.tributary.protocol.tracker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpTrackerFormatTest {
    private static final String HASH = "%00%FF%26%3D%25abcdefghijklmn%2B";
    private static final String REST = "&peer_id=01234567890123456789&port=6881";

    @Test
    void readsTheAnnounceThatStremioSends() throws Exception {
        var announce = HttpTrackerFormat.readAnnounce("numwant=50&uploaded=0&downloaded=0&event=started&compact=1"
                + "&info_hash=" + "%AA".repeat(20) + "&peer_id=01234567890123456789&port=6881");

        assertThat(announce.compact()).isTrue();
        assertThat(announce.request().infoHash()).isEqualTo(InfoHash.fromHex("aa".repeat(20)));
        assertThat(announce.request().left()).isEmpty();
        assertThat(announce.request().seeds()).isFalse();
        assertThat(announce.request().cannotBeReached()).isTrue();
        assertThat(announce.request().event()).isEqualTo(AnnounceEvent.STARTED);
    }

    @Test
    void decodesAnInfoHashByteByByte() throws Exception {
        byte[] hash = {0, -1, '&', '=', '%', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', '+'};

        assertThat(HttpTrackerFormat.readAnnounce("info_hash=" + HASH + REST)
                        .request()
                        .infoHash())
                .isEqualTo(InfoHash.of(hash));
        assertThat(HttpTrackerFormat.readAnnounce("info_hash=" + HASH.replace("%2B", "+") + REST)
                        .request()
                        .infoHash())
                .isEqualTo(InfoHash.of(hash));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&left=-1", "&left=18446744073709551615", "&left=", "&left=NaN"})
    void takesAnUnsaidOrImpossibleLeftAsNotSeeding(String left) throws Exception {
        var request = HttpTrackerFormat.readAnnounce("info_hash=" + HASH + REST + left)
                .request();

        assertThat(request.left()).isEmpty();
        assertThat(request.seeds()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "7, 7",
        "9223372036854775807, 9223372036854775807",
        "%37, 7",
        "007, 7",
        "9223372036854775808, ''",
        "99999999999999999999, ''",
        "+7, ''",
        "7x, ''",
        "'', ''",
        "%2d7, ''"
    })
    void readsNumbersUpToTheLargest(String text, String number) throws Exception {
        assertThat(HttpTrackerFormat.readAnnounce("info_hash=" + HASH + REST + "&left=" + text)
                        .request()
                        .left())
                .isEqualTo(number.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(number)));
    }

    @Test
    void knowsAParameterByItsEncodedName() throws Exception {
        assertThat(HttpTrackerFormat.readAnnounce("info%5Fhash=" + HASH + REST + "&le%66t=7")
                        .request()
                        .left())
                .hasValue(7);
    }

    @Test
    void takesLeftZeroAsSeeding() throws Exception {
        assertThat(HttpTrackerFormat.readAnnounce("info_hash=" + HASH + REST + "&left=0")
                        .request()
                        .seeds())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"&compact=1", "", "&compact=yes"})
    void answersCompactUnlessAskedNotTo(String compact) throws Exception { // BEP 23
        assertThat(HttpTrackerFormat.readAnnounce("info_hash=" + HASH + REST + compact)
                        .compact())
                .isTrue();
        assertThat(HttpTrackerFormat.readAnnounce("info_hash=" + HASH + REST + "&compact=0")
                        .compact())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "&&==&",
                "info_hash=%AA" + REST,
                "info_hash=%A",
                "info_hash=%",
                "info_hash=%zz" + REST,
                "info_hash=" + HASH + "&peer_id=short&port=1",
                "info_hash=" + HASH + "&peer_id=01234567890123456789",
                "info_hash=" + HASH + "&peer_id=01234567890123456789&port=65536",
                "info_hash=" + HASH + "&peer_id=01234567890123456789&port=-1",
                "peer_id=01234567890123456789&port=1"
            })
    void saysWhatIsWrongWithAnAnnounce(String query) {
        assertThatExceptionOfType(FormatException.class)
                .isThrownBy(() -> HttpTrackerFormat.readAnnounce(query))
                .withMessageContaining("expected");
    }

    @Test
    void refusesOneCharacterMoreThanTheLongestQuery() throws Exception {
        String query = "info_hash=" + HASH + REST + "&x=";
        String longest = query + "x".repeat(RawQuery.MAX_LENGTH - query.length());

        assertThat(HttpTrackerFormat.readAnnounce(longest).request().port()).isEqualTo(6881);
        assertThatExceptionOfType(FormatException.class)
                .isThrownBy(() -> HttpTrackerFormat.readAnnounce(longest + "x"));
    }

    @Test
    void refusesAScrapeOfNothingAndOneOfTooMuch() throws Exception {
        String most = ("info_hash=" + "%AA".repeat(20) + "&").repeat(ScrapeRequest.MAX_INFO_HASHES);

        assertThat(HttpTrackerFormat.readScrape(most).infoHashes()).hasSize(ScrapeRequest.MAX_INFO_HASHES);
        assertThatExceptionOfType(FormatException.class).isThrownBy(() -> HttpTrackerFormat.readScrape(""));
        assertThatExceptionOfType(FormatException.class)
                .isThrownBy(() -> HttpTrackerFormat.readScrape(most + "info_hash=" + "%AA".repeat(20)));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void announcesComeBackAsTheyWere(long seed) throws Exception {
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            var announce = new HttpTrackerFormat.Announce(
                    new AnnounceRequest(
                            InfoHash.of(bytes(random)),
                            PeerId.of(bytes(random)),
                            random.nextLong(0, Long.MAX_VALUE),
                            random.nextBoolean()
                                    ? OptionalLong.empty()
                                    : OptionalLong.of(random.nextLong(0, Long.MAX_VALUE)),
                            random.nextLong(0, Long.MAX_VALUE),
                            AnnounceEvent.values()[random.nextInt(4)],
                            random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(1000)),
                            random.nextInt(65536)),
                    random.nextBoolean());
            String query = HttpTrackerFormat.query(announce);
            assertThat(HttpTrackerFormat.readAnnounce(query)).isEqualTo(announce);
            for (int length = 0; length < query.length(); length++) {
                readTruncated(query.substring(0, length));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void answersComeBackAsTheyWere(boolean compact) throws Exception {
        Random random = new Random(5);
        for (int round = 0; round < 100; round++) {
            List<Endpoint> peers = new ArrayList<>();
            for (int i = random.nextInt(9); i > 0; i--) {
                peers.add(new Endpoint(
                        InetAddress.getByName("192.0.2." + random.nextInt(256)), 1 + random.nextInt(65535)));
            }
            for (int i = random.nextInt(9); i > 0; i--) {
                peers.add(new Endpoint(
                        InetAddress.getByName("2001:db8::" + (1 + random.nextInt(900))), 1 + random.nextInt(65535)));
            }
            var response = new AnnounceResponse(
                    Duration.ofSeconds(random.nextInt(9999)), random.nextInt(99), random.nextInt(99), peers);
            byte[] body = HttpTrackerFormat.body(response, compact);

            assertThat(HttpTrackerFormat.readAnswer(body).response()).contains(response);
        }
    }

    @Test
    void aFailureIsADictionaryWithAReason() throws Exception {
        byte[] body = HttpTrackerFormat.failure("port: absent");

        assertThat(new String(body, StandardCharsets.US_ASCII)).isEqualTo("d14:failure reason12:port: absente");
        assertThat(HttpTrackerFormat.readAnswer(body).failure()).contains("port: absent");
    }

    @Test
    void aScrapeIsKeyedByRawInfoHashes() throws Exception { // BEP 48
        ScrapeRequest request =
                new ScrapeRequest(List.of(InfoHash.fromHex("ff".repeat(20)), InfoHash.fromHex("41".repeat(20))));
        assertThat(HttpTrackerFormat.readScrape(HttpTrackerFormat.query(request)))
                .isEqualTo(request);

        Map<InfoHash, ScrapeResponse.Counts> swarms = new LinkedHashMap<>();
        request.infoHashes().forEach(infoHash -> swarms.put(infoHash, new ScrapeResponse.Counts(1, 2, 3)));
        String counts = "d8:completei1e10:downloadedi2e10:incompletei3ee";
        assertThat(new String(HttpTrackerFormat.body(new ScrapeResponse(swarms)), StandardCharsets.ISO_8859_1))
                .isEqualTo("d5:filesd20:" + "A".repeat(20) + counts + "20:" + "\u00ff".repeat(20) + counts + "ee");
    }

    private static void readTruncated(String query) {
        try {
            HttpTrackerFormat.readAnnounce(query);
        } catch (FormatException expected) {
            assertThat(expected).hasMessageContaining("expected");
        }
    }

    private static byte[] bytes(Random random) {
        byte[] bytes = new byte[20];
        random.nextBytes(bytes);
        return bytes;
    }
}
