package live.tributary.protocol.tracker;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Digest;
import live.tributary.protocol.stream.InfoHash;
import org.jspecify.annotations.Nullable;

/**
 * A message from a browser to a tracker, as WebTorrent's clients send it over a WebSocket: JSON in which 20 bytes are a string of
 * 20 characters.
 *
 * <p>Session descriptions are not understood, only handed on byte for byte; they are JSON objects of ASCII, so that whoever
 * receives one gets a message that his WebSocket accepts.
 */
public sealed interface WebTrackerRequest {
    /** The longest message, bytes. */
    int MAX_LENGTH = 64 * 1024;

    /** The longest frame of a message, bytes: five offers with forty candidates each came in one of 22 KB. */
    int MAX_FRAME = 32 * 1024;

    /** Offers that are looked at; whatever stands behind them is passed over. */
    int MAX_OFFERS = 10;

    String ANNOUNCE = "announce";
    String SCRAPE = "scrape";

    /**
     * A browser takes part in a swarm, and offers connections to some of its others.
     *
     * @param seeds whether it says that nothing is left
     * @param wanted how many others it would like; empty for as many as it made offers
     */
    record Announce(
            InfoHash infoHash,
            PeerId peerId,
            AnnounceEvent event,
            boolean seeds,
            OptionalInt wanted,
            List<Offer> offers)
            implements WebTrackerRequest {
        public Announce {
            offers = List.copyOf(offers);
            if (offers.size() > MAX_OFFERS) {
                throw new IllegalArgumentException("offers: " + offers.size() + " (expected: <= " + MAX_OFFERS + ")");
            }
        }
    }

    /** The answer to an offer that the tracker passed on. */
    record Answer(InfoHash infoHash, PeerId peerId, PeerId to, OfferId offerId, SessionDescription answer)
            implements WebTrackerRequest {}

    record Scrape(List<InfoHash> infoHashes) implements WebTrackerRequest {
        public Scrape {
            infoHashes = List.copyOf(infoHashes);
        }
    }

    /**
     * Not a request.
     *
     * @param action what the failure has to name, since clients drop a connection on which they cannot tell what failed
     * @param infoHash of the swarm that it was about, as far as that could be read; empty else
     */
    record Malformed(String action, byte[] infoHash, String reason) implements WebTrackerRequest {}

    record Offer(OfferId id, SessionDescription description) {}

    /** The 20 bytes by which a browser knows its offer again. */
    final class OfferId extends Digest {
        private OfferId(byte[] bytes) {
            super(bytes, InfoHash.LENGTH);
        }

        public static OfferId of(byte[] bytes) {
            return new OfferId(bytes);
        }
    }

    /**
     * An offer or an answer of WebRTC: the JSON object {@code {"type":…,"sdp":…}}, ASCII.
     *
     * @param message in which it stands, from {@code from} up to {@code to}; not to be changed while this is in use
     */
    record SessionDescription(byte[] message, int from, int to) {
        public SessionDescription(byte[] json) {
            this(json, 0, json.length);
        }
    }

    /** Reads a message of {@code length} bytes; what it read refers to them. */
    static WebTrackerRequest read(byte[] message, int length) {
        return new Reader(message, length).read();
    }

    /** The fields of one message as they come, in any order. */
    final class Reader {
        private static final int MAX_DEPTH = 8;
        private static final int MAX_NUMBER = 32;
        private static final JsonFactory JSON = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxStringLength(MAX_LENGTH)
                        .maxNumberLength(MAX_NUMBER)
                        .build())
                .build();

        private static final VarHandle EIGHT_BYTES =
                MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
        private static final long NOT_ASCII = 0x8080808080808080L;

        private final byte[] message;
        private final int length;

        private String action = "";
        private List<byte[]> infoHashes = List.of();
        private byte[] peerId = {};
        private byte[] to = {};
        private byte[] offerId = {};
        private String event = "";
        private boolean seeds;
        private OptionalInt wanted = OptionalInt.empty();
        private List<Offer> offers = List.of();
        private @Nullable SessionDescription answer;

        Reader(byte[] message, int length) {
            this.message = message;
            this.length = length;
        }

        WebTrackerRequest read() {
            if (length > MAX_LENGTH) {
                return malformed("message: " + length + " bytes (expected: <= " + MAX_LENGTH + ")");
            }
            try (JsonParser json = JSON.createParser(message, 0, length)) {
                fields(json);
                return request();
            } catch (JsonProcessingException e) {
                return malformed("message: no JSON of the expected form");
            } catch (FormatException e) {
                return malformed(String.valueOf(e.getMessage()));
            } catch (IOException e) {
                throw new UncheckedIOException(e); // Nothing is read from anywhere.
            }
        }

        private void fields(JsonParser json) throws IOException, FormatException {
            expect(json.nextToken(), JsonToken.START_OBJECT, "message");
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                JsonToken value = json.nextToken();
                switch (name) {
                    case "action" -> action = text(json, name);
                    case "info_hash" -> infoHashes = infoHashes(json);
                    case "peer_id" -> peerId = twentyBytes(json, name);
                    case "to_peer_id" -> to = twentyBytes(json, name);
                    case "offer_id" -> offerId = twentyBytes(json, name);
                    case "event" -> event = value == JsonToken.VALUE_NULL ? "" : text(json, name);
                    case "left" -> seeds = value.isNumeric() && json.getDoubleValue() == 0;
                    case "numwant" -> wanted = number(json, value);
                    case "offers" -> offers = value == JsonToken.VALUE_NULL ? List.of() : offers(json);
                    case "answer" -> answer = value == JsonToken.VALUE_NULL ? answer : description(json, name);
                    default -> json.skipChildren();
                }
            }
            if (json.nextToken() != null) {
                throw new FormatException("message: more behind its object (expected: one object)");
            }
        }

        private WebTrackerRequest request() throws FormatException {
            if (action.equals(SCRAPE)) {
                if (infoHashes.size() > ScrapeRequest.MAX_INFO_HASHES) {
                    throw new FormatException("info_hash: " + infoHashes.size() + " (expected: <= "
                            + ScrapeRequest.MAX_INFO_HASHES + ")");
                }
                return new Scrape(infoHashes.stream().map(InfoHash::of).toList());
            }
            if (!action.equals(ANNOUNCE)) {
                throw new FormatException("action: unknown (expected: announce or scrape)");
            }
            if (infoHashes.size() != 1) {
                throw new FormatException("info_hash: " + infoHashes.size() + " (expected: one)");
            }
            InfoHash infoHash = InfoHash.of(infoHashes.get(0));
            PeerId peer = PeerId.of(present(peerId, "peer_id"));
            if (answer != null) {
                return new Answer(
                        infoHash,
                        peer,
                        PeerId.of(present(to, "to_peer_id")),
                        OfferId.of(present(offerId, "offer_id")),
                        answer);
            }
            return new Announce(infoHash, peer, event(), seeds, wanted, offers);
        }

        private AnnounceEvent event() throws FormatException {
            return switch (event) {
                case "", "update", "paused" -> AnnounceEvent.NONE; // BEP 21's paused changes nothing here.
                case "started", "stopped", "completed" -> AnnounceEvent.fromWord(event);
                default ->
                    throw new FormatException("event: unknown (expected: started, stopped, completed or update)");
            };
        }

        /** In a scrape there may be many. */
        private List<byte[]> infoHashes(JsonParser json) throws IOException, FormatException {
            if (json.currentToken() == JsonToken.VALUE_NULL) {
                return List.of();
            }
            if (json.currentToken() != JsonToken.START_ARRAY) {
                return List.of(twentyBytes(json, "info_hash"));
            }
            List<byte[]> all = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                all.add(twentyBytes(json, "info_hash"));
            }
            return all;
        }

        private List<Offer> offers(JsonParser json) throws IOException, FormatException {
            expect(json.currentToken(), JsonToken.START_ARRAY, "offers");
            List<Offer> all = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (all.size() == MAX_OFFERS) {
                    json.skipChildren();
                } else {
                    all.add(offer(json));
                }
            }
            return all;
        }

        private Offer offer(JsonParser json) throws IOException, FormatException {
            expect(json.currentToken(), JsonToken.START_OBJECT, "offers");
            byte[] id = {};
            SessionDescription description = null;
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "offer_id" -> id = twentyBytes(json, name);
                    case "offer" -> description = description(json, name);
                    default -> json.skipChildren();
                }
            }
            if (description == null) {
                throw absent("offer");
            }
            return new Offer(OfferId.of(present(id, "offer_id")), description);
        }

        /** The bytes of an object with a type and an SDP, both strings. */
        private SessionDescription description(JsonParser json, String name) throws IOException, FormatException {
            expect(json.currentToken(), JsonToken.START_OBJECT, name);
            int from = (int) json.currentTokenLocation().getByteOffset();
            boolean sdp = false;
            boolean type = false;
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                boolean text = json.nextToken() == JsonToken.VALUE_STRING;
                sdp |= text && field.equals("sdp");
                type |= text && field.equals("type");
                json.skipChildren();
            }
            if (!sdp || !type) {
                throw new FormatException(name + ": without type or sdp (expected: both)");
            }
            int to = (int) json.currentLocation().getByteOffset();
            if (!isAscii(from, to)) {
                throw new FormatException(name + ": not ASCII (expected: ASCII)");
            }
            return new SessionDescription(message, from, to);
        }

        private boolean isAscii(int from, int to) {
            long all = 0;
            int at = from;
            for (; at + Long.BYTES <= to; at += Long.BYTES) {
                all |= (long) EIGHT_BYTES.get(message, at);
            }
            for (; at < to; at++) {
                all |= message[at] & 0x80;
            }
            return (all & NOT_ASCII) == 0;
        }

        private static byte[] twentyBytes(JsonParser json, String name) throws IOException, FormatException {
            String text = text(json, name);
            int all = 0;
            for (int i = 0; i < text.length(); i++) {
                all |= text.charAt(i);
            }
            if (text.length() != InfoHash.LENGTH || all > 0xff) {
                throw new FormatException(
                        name + ": " + text.length() + " characters, or one above 255 (expected: 20, each one byte)");
            }
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }

        private static String text(JsonParser json, String name) throws IOException, FormatException {
            expect(json.currentToken(), JsonToken.VALUE_STRING, name);
            return json.getText();
        }

        private static OptionalInt number(JsonParser json, JsonToken value) throws IOException {
            if (!value.isNumeric()) {
                json.skipChildren();
                return OptionalInt.empty();
            }
            double number = json.getDoubleValue();
            return number >= 0 ? OptionalInt.of((int) Math.min(number, Integer.MAX_VALUE)) : OptionalInt.empty();
        }

        private static byte[] present(byte[] bytes, String name) throws FormatException {
            if (bytes.length == 0) {
                throw absent(name);
            }
            return bytes;
        }

        private static FormatException absent(String name) {
            return new FormatException(name + ": absent (expected: one)");
        }

        private static void expect(JsonToken token, JsonToken expected, String name) throws FormatException {
            if (token != expected) {
                throw new FormatException(name + ": " + token + " (expected: " + expected + ")");
            }
        }

        private Malformed malformed(String reason) {
            return new Malformed(
                    action.equals(SCRAPE) ? SCRAPE : ANNOUNCE,
                    infoHashes.size() == 1 ? infoHashes.get(0) : new byte[0],
                    reason);
        }
    }
}
