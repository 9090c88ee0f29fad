package live.tributary.protocol.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Random;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.WebTrackerRequest.Announce;
import live.tributary.protocol.tracker.WebTrackerRequest.Answer;
import live.tributary.protocol.tracker.WebTrackerRequest.Malformed;
import live.tributary.protocol.tracker.WebTrackerRequest.Offer;
import live.tributary.protocol.tracker.WebTrackerRequest.OfferId;
import live.tributary.protocol.tracker.WebTrackerRequest.Scrape;
import live.tributary.protocol.tracker.WebTrackerRequest.SessionDescription;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebTrackerFormatTest {
    private static final String HASH = "eNk1A/E0u8gIYwEas1bR";
    private static final String PEER = "-PM0203-abcdefghijkl";
    private static final String OFFER = "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}";
    private static final String SWARM =
            "\"action\":\"announce\",\"info_hash\":\"" + HASH + "\",\"peer_id\":\"" + PEER + "\"";

    @Test
    void readsTheAnnounceThatAPlayerSends() {
        Announce announce = (Announce) read("{\"numwant\":5,\"uploaded\":0,\"downloaded\":0,\"event\":\"started\","
                + SWARM + ",\"offers\":[{\"offer\":" + OFFER + ",\"offer_id\":\"" + "o".repeat(20) + "\"}]}");

        assertThat(announce.infoHash()).isEqualTo(InfoHash.of(latin1(HASH)));
        assertThat(announce.peerId()).isEqualTo(PeerId.of(latin1(PEER)));
        assertThat(announce.event()).isEqualTo(AnnounceEvent.STARTED);
        assertThat(announce.seeds()).isFalse();
        assertThat(announce.wanted()).hasValue(5);
        assertThat(announce.offers()).singleElement().satisfies(offer -> {
            assertThat(offer.id()).isEqualTo(OfferId.of(latin1("o".repeat(20))));
            assertThat(text(offer.description())).isEqualTo(OFFER);
        });
    }

    @ParameterizedTest
    @CsvSource({
        "'', false",
        "',\"left\":0', true",
        "',\"left\":5', false",
        "',\"left\":\"0\"', false",
        "',\"left\":null', false"
    })
    void seedsWhoSaysThatNothingIsLeft(String left, boolean seeds) {
        assertThat(((Announce) read("{" + SWARM + left + "}")).seeds()).isEqualTo(seeds);
    }

    @ParameterizedTest
    @ValueSource(strings = {"update", "paused", ""})
    void takesOtherEventsForAPlainAnnounce(String event) {
        assertThat(((Announce) read("{" + SWARM + ",\"event\":\"" + event + "\"}")).event())
                .isEqualTo(AnnounceEvent.NONE);
    }

    @Test
    void readsIdsByteByByte() {
        byte[] all = new byte[20];
        new Random(1).nextBytes(all);
        all[0] = 0;
        all[1] = '"';
        all[2] = '\\';
        all[3] = (byte) 0xff;
        ByteBuf out = Unpooled.buffer();
        WebTrackerResponse.write(
                new WebTrackerResponse.Announced(InfoHash.of(all), Duration.ofSeconds(120), 1, 2), out);
        String written = out.toString(StandardCharsets.UTF_8);

        Malformed withoutPeer = (Malformed) read(written);

        assertThat(withoutPeer.infoHash()).isEqualTo(all);
        assertThat(json(written).path("info_hash").textValue()).isEqualTo(new String(all, StandardCharsets.ISO_8859_1));
    }

    @Test
    void readsAnswersAndScrapes() {
        Answer answer = (Answer) read("{" + SWARM + ",\"to_peer_id\":\"" + "t".repeat(20) + "\",\"offer_id\":\""
                + "o".repeat(20) + "\",\"answer\":{\"type\":\"answer\",\"sdp\":\"\"}}");
        assertThat(answer.to()).isEqualTo(PeerId.of(latin1("t".repeat(20))));

        assertThat(((Scrape) read("{\"action\":\"scrape\"}")).infoHashes()).isEmpty();
        assertThat(((Scrape) read("{\"action\":\"scrape\",\"info_hash\":\"" + HASH + "\"}")).infoHashes())
                .hasSize(1);
        assertThat(((Scrape) read("{\"action\":\"scrape\",\"info_hash\":[" + hashes(74) + "]}")).infoHashes())
                .hasSize(74);
        assertThat(((Malformed) read("{\"action\":\"scrape\",\"info_hash\":[" + hashes(75) + "]}")).action())
                .isEqualTo("scrape");
    }

    @Test
    void looksAtTenOffersAndNoMore() {
        String offer = "{\"offer\":" + OFFER + ",\"offer_id\":\"" + "o".repeat(20) + "\"}";
        String eleven = String.join(",", Collections.nCopies(11, offer));

        assertThat(((Announce) read("{" + SWARM + ",\"offers\":[" + eleven + "]}")).offers())
                .hasSize(10);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ",\"offers\":[null]",
                ",\"offers\":{}",
                ",\"offers\":\"\"",
                ",\"offers\":[{}]",
                ",\"offers\":[{\"offer_id\":\"oooooooooooooooooooo\",\"offer\":null}]",
                ",\"offers\":[{\"offer_id\":\"oooooooooooooooooooo\",\"offer\":{\"type\":\"offer\"}}]",
                ",\"offers\":[{\"offer_id\":\"oooooooooooooooooooo\",\"offer\":{\"type\":\"offer\",\"sdp\":5}}]",
                ",\"offers\":[{\"offer_id\":\"short\",\"offer\":{\"type\":\"offer\",\"sdp\":\"\"}}]",
                ",\"offers\":[{\"offer_id\":\"oooooooooooooooooooo\",\"offer\":{\"type\":\"offer\",\"sdp\":\"\u00e4\"}}]",
                ",\"answer\":{\"type\":\"answer\",\"sdp\":\"\"}",
                ",\"event\":\"resumed\"",
                ",\"peer_id\":\"\u0100bcdefghijklmnopqrst\"",
                ",\"peer_id\":null",
                ",\"action\":\"dance\"",
                ",\"x\":[[[[[[[[[[]]]]]]]]]]",
                ",\"offers\":[",
                "} {",
            })
    void failsWhatIsNotOfTheFormAndSaysOfWhichSwarm(String wrong) {
        Malformed malformed = (Malformed) read("{" + SWARM + wrong + "}");

        assertThat(malformed.action()).isEqualTo("announce");
        assertThat(malformed.infoHash()).isEqualTo(latin1(HASH));
        assertThat(malformed.reason()).contains("expected");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null", "[]", "5", "{\"action\":5}", "\u0000", "{\"info_hash\":\"short\"}"})
    void namesAnActionEvenWhereNothingCouldBeRead(String wrong) {
        Malformed malformed = (Malformed) read(wrong);

        assertThat(malformed.action()).isEqualTo("announce");
        assertThat(malformed.infoHash()).isEmpty();
    }

    @Test
    void refusesAMessageThatIsOneByteTooLong() {
        byte[] message = new byte[WebTrackerRequest.MAX_LENGTH + 1];
        Arrays.fill(message, (byte) ' ');
        byte[] announce = ("{" + SWARM + "}").getBytes(StandardCharsets.UTF_8);
        System.arraycopy(announce, 0, message, 0, announce.length);

        assertThat(WebTrackerRequest.read(message, message.length - 1)).isInstanceOf(Announce.class);
        assertThat(WebTrackerRequest.read(message, message.length)).isInstanceOf(Malformed.class);
    }

    @Test
    void survivesAnyBytes() {
        Random random = new Random(5);
        byte[] good = ("{" + SWARM + ",\"offers\":[{\"offer\":" + OFFER + ",\"offer_id\":\"" + "o".repeat(20) + "\"}]}")
                .getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 5000; i++) {
            byte[] changed = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            assertThat(WebTrackerRequest.read(changed, random.nextInt(changed.length + 1)))
                    .isNotNull();
        }
    }

    @Test
    void writesEachMessageAsClientsReadIt() {
        InfoHash hash = InfoHash.of(latin1(HASH));
        PeerId peer = PeerId.of(latin1(PEER));
        OfferId id = OfferId.of(latin1("o".repeat(20)));
        SessionDescription description = new SessionDescription(latin1(OFFER));

        assertThat(written(new WebTrackerResponse.Announced(hash, Duration.ofSeconds(120), 3, 4)))
                .isEqualTo("{\"complete\":3,\"incomplete\":4,\"action\":\"announce\",\"info_hash\":\"" + HASH
                        + "\",\"interval\":120}");
        assertThat(written(new WebTrackerResponse.Offered(hash, peer, new Offer(id, description))))
                .isEqualTo("{\"action\":\"announce\",\"offer\":" + OFFER + ",\"offer_id\":\"" + "o".repeat(20)
                        + "\",\"peer_id\":\"" + PEER + "\",\"info_hash\":\"" + HASH + "\"}");
        assertThat(json(written(new WebTrackerResponse.Answered(hash, peer, id, description)))
                        .path("answer")
                        .path("sdp")
                        .textValue())
                .isEqualTo("v=0\r\n");
        assertThat(written(new WebTrackerResponse.Scraped(
                        Map.of(hash, new ScrapeResponse.Counts(1, 2, 3)), Duration.ofSeconds(120))))
                .isEqualTo(
                        "{\"action\":\"scrape\",\"files\":{\"" + HASH
                                + "\":{\"complete\":1,\"incomplete\":3,\"downloaded\":2}},\"flags\":{\"min_request_interval\":120}}");
        assertThat(written(new WebTrackerResponse.Failed("announce", latin1(HASH), "no")))
                .isEqualTo("{\"action\":\"announce\",\"info_hash\":\"" + HASH + "\",\"failure reason\":\"no\"}");
    }

    private static String hashes(int count) {
        return String.join(",", Collections.nCopies(count, "\"" + HASH + "\""));
    }

    private static String text(SessionDescription description) {
        int length = description.to() - description.from();
        return new String(description.message(), description.from(), length, StandardCharsets.US_ASCII);
    }

    private static WebTrackerRequest read(String message) {
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        return WebTrackerRequest.read(bytes, bytes.length);
    }

    private static String written(WebTrackerResponse response) {
        ByteBuf out = Unpooled.buffer();
        WebTrackerResponse.write(response, out);
        return out.toString(StandardCharsets.UTF_8);
    }

    private static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (IOException e) {
            throw new AssertionError(text, e);
        }
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
