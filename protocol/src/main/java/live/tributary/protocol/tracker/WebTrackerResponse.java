package live.tributary.protocol.tracker;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.WebTrackerRequest.Offer;
import live.tributary.protocol.tracker.WebTrackerRequest.OfferId;
import live.tributary.protocol.tracker.WebTrackerRequest.SessionDescription;

/** A message from a tracker to a browser: see {@link WebTrackerRequest}. */
public sealed interface WebTrackerResponse {
    /** To every announce that is not an answer; others make themselves known by their offers. */
    record Announced(InfoHash infoHash, Duration interval, int seeders, int leechers) implements WebTrackerResponse {}

    /** Another browser's offer. */
    record Offered(InfoHash infoHash, PeerId from, Offer offer) implements WebTrackerResponse {}

    /** Another browser's answer to an offer of the receiver's. */
    record Answered(InfoHash infoHash, PeerId from, OfferId offerId, SessionDescription answer)
            implements WebTrackerResponse {}

    record Scraped(Map<InfoHash, ScrapeResponse.Counts> swarms, Duration interval) implements WebTrackerResponse {
        public Scraped {
            swarms = Map.copyOf(swarms);
        }
    }

    /**
     * A refusal. Clients look at {@code action} and {@code info_hash} before anything else, and give the whole connection up
     * where one is absent; so both are always there.
     *
     * @param infoHash 20 bytes, or none where it is not known
     */
    record Failed(String action, byte[] infoHash, String reason) implements WebTrackerResponse {}

    /** Writes a message as JSON. */
    static void write(WebTrackerResponse response, ByteBuf out) {
        Json json = new Json(out);
        if (response instanceof Announced announced) {
            json.text("{\"complete\":").number(announced.seeders());
            json.text(",\"incomplete\":").number(announced.leechers());
            json.text(",\"action\":\"announce\",\"info_hash\":")
                    .bytes(announced.infoHash().bytes());
            json.text(",\"interval\":").number(announced.interval().toSeconds()).text("}");
        } else if (response instanceof Offered offered) {
            json.text("{\"action\":\"announce\",\"offer\":").raw(offered.offer().description());
            json.text(",\"offer_id\":").bytes(offered.offer().id().bytes());
            json.text(",\"peer_id\":").bytes(offered.from().bytes());
            json.text(",\"info_hash\":").bytes(offered.infoHash().bytes()).text("}");
        } else if (response instanceof Answered answered) {
            json.text("{\"action\":\"announce\",\"answer\":").raw(answered.answer());
            json.text(",\"offer_id\":").bytes(answered.offerId().bytes());
            json.text(",\"peer_id\":").bytes(answered.from().bytes());
            json.text(",\"info_hash\":").bytes(answered.infoHash().bytes()).text("}");
        } else if (response instanceof Scraped scraped) {
            json.text("{\"action\":\"scrape\",\"files\":{");
            String separator = "";
            for (Map.Entry<InfoHash, ScrapeResponse.Counts> swarm :
                    scraped.swarms().entrySet()) {
                ScrapeResponse.Counts counts = swarm.getValue();
                json.text(separator).bytes(swarm.getKey().bytes());
                json.text(":{\"complete\":").number(counts.seeders());
                json.text(",\"incomplete\":").number(counts.leechers());
                json.text(",\"downloaded\":").number(counts.completed()).text("}");
                separator = ",";
            }
            json.text("},\"flags\":{\"min_request_interval\":")
                    .number(scraped.interval().toSeconds())
                    .text("}}");
        } else if (response instanceof Failed failed) {
            json.text("{\"action\":").bytes(failed.action().getBytes(StandardCharsets.ISO_8859_1));
            json.text(",\"info_hash\":").bytes(failed.infoHash());
            json.text(",\"failure reason\":").bytes(failed.reason().getBytes(StandardCharsets.ISO_8859_1));
            json.text("}");
        }
    }

    /** JSON written as it goes. */
    record Json(ByteBuf out) {
        private static final String HEX = "0123456789abcdef";
        /** A control character's escape, bytes. */
        private static final int LONGEST_CHARACTER = 6;

        Json text(String ascii) {
            ByteBufUtil.writeAscii(out, ascii);
            return this;
        }

        Json number(long number) {
            return text(Long.toString(number));
        }

        Json raw(SessionDescription description) {
            out.writeBytes(description.message(), description.from(), description.to() - description.from());
            return this;
        }

        /** A string with one character, 0 to 255, a byte. */
        Json bytes(byte[] bytes) {
            byte[] text = new byte[LONGEST_CHARACTER * bytes.length + 2];
            int at = 0;
            text[at++] = '"';
            for (byte b : bytes) {
                int c = b & 0xff;
                if (c < ' ') {
                    text[at++] = '\\';
                    text[at++] = 'u';
                    text[at++] = '0';
                    text[at++] = '0';
                    text[at++] = (byte) HEX.charAt(c >> 4);
                    text[at++] = (byte) HEX.charAt(c & 15);
                } else if (c >= 0x80) { // UTF-8
                    text[at++] = (byte) (0xc0 | c >> 6);
                    text[at++] = (byte) (0x80 | c & 0x3f);
                } else {
                    if (c == '"' || c == '\\') {
                        text[at++] = '\\';
                    }
                    text[at++] = b;
                }
            }
            text[at++] = '"';
            out.writeBytes(text, 0, at);
            return this;
        }
    }
}
