package live.tributary.protocol.tracker;

import io.netty.util.NetUtil;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;

/**
 * Tracker messages as HTTP carries them: requests in the query of a URL, answers bencoded (BEP 3, 7, 23, 48).
 *
 * <p>A request that cannot be read may always be answered with {@link #failure}: TCP has shown that its sender is where it says.
 */
public final class HttpTrackerFormat {
    /** The longest answer that is read, bytes. */
    public static final int MAX_ANSWER = 64 * 1024;

    private static final int MAX_PEERS = 1000;
    private static final int MAX_REASON = 1024;
    private static final int MAX_HOST = 64;

    private HttpTrackerFormat() {}

    /**
     * An announce as a URL carries it.
     *
     * @param compact false where the client prefers a list of dictionaries ({@code compact=0}); BEP 23 recommends compact otherwise
     */
    public record Announce(AnnounceRequest request, boolean compact) {}

    /** Reads the query of {@code /announce?…}, still percent-encoded. */
    public static Announce readAnnounce(String rawQuery) throws FormatException {
        RawQuery query = new RawQuery(rawQuery);
        AnnounceRequest request = new AnnounceRequest(
                InfoHash.of(twentyBytes(query, "info_hash")),
                PeerId.of(twentyBytes(query, "peer_id")),
                query.number("downloaded").orElse(0),
                query.number("left"),
                query.number("uploaded").orElse(0),
                query.text("event").map(AnnounceEvent::fromWord).orElse(AnnounceEvent.NONE),
                wanted(query),
                port(query));
        return new Announce(request, query.text("compact").filter("0"::equals).isEmpty());
    }

    /** Reads the query of {@code /scrape?…}, still percent-encoded. One that names no torrent is refused: nobody gets the whole list. */
    public static ScrapeRequest readScrape(String rawQuery) throws FormatException {
        List<InfoHash> infoHashes = new ArrayList<>();
        for (byte[] bytes : new RawQuery(rawQuery).all("info_hash")) {
            if (bytes.length != InfoHash.LENGTH) {
                throw new FormatException("info_hash: " + bytes.length + " bytes (expected: 20)");
            }
            infoHashes.add(InfoHash.of(bytes));
        }
        try {
            return new ScrapeRequest(infoHashes);
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    /** The query of an announce as a client writes it. */
    public static String query(Announce announce) {
        AnnounceRequest request = announce.request();
        StringBuilder query =
                new StringBuilder("info_hash=").append(encode(request.infoHash().bytes()));
        query.append("&peer_id=").append(encode(request.peerId().bytes()));
        query.append("&port=").append(request.port());
        query.append("&uploaded=").append(request.uploaded());
        query.append("&downloaded=").append(request.downloaded());
        request.left().ifPresent(left -> query.append("&left=").append(left));
        if (request.event() != AnnounceEvent.NONE) {
            query.append("&event=").append(request.event().word());
        }
        request.wanted().ifPresent(wanted -> query.append("&numwant=").append(wanted));
        return query.append(announce.compact() ? "&compact=1" : "&compact=0").toString();
    }

    /** The query of a scrape as a client writes it. */
    public static String query(ScrapeRequest scrape) {
        StringBuilder query = new StringBuilder();
        scrape.infoHashes()
                .forEach(infoHash -> query.append(query.isEmpty() ? "" : "&")
                        .append("info_hash=")
                        .append(encode(infoHash.bytes())));
        return query.toString();
    }

    /** The body that answers an announce. */
    public static byte[] body(AnnounceResponse response, boolean compact) {
        if (compact) {
            return compactBody(response);
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("complete", response.seeders());
        body.put("incomplete", response.leechers());
        body.put("interval", response.interval().toSeconds());
        // Without "peer id", as with no_peer_id: nobody may rely on one, and relays have none that lasts.
        body.put(
                "peers",
                response.peers().stream()
                        .map(peer -> Map.of("ip", host(peer.address()), "port", peer.port()))
                        .toList());
        return Bencode.encode(body);
    }

    /** What nearly every client asks for, written without a tree in between; the keys are in the order of their bytes. */
    private static byte[] compactBody(AnnounceResponse response) {
        CompactPeers peers = response.compactPeers();
        int length = peers.length(true);
        int length6 = peers.length(false); // BEP 7
        String start = "d8:completei" + response.seeders() + "e10:incompletei" + response.leechers() + "e8:intervali"
                + response.interval().toSeconds() + "e5:peers" + length + ":";
        String between = length6 > 0 ? "6:peers6" + length6 + ":" : "";
        byte[] body = new byte[start.length() + length + between.length() + length6 + 1];
        int at = put(start, body, 0);
        at = peers.copy(true, body, at);
        at = put(between, body, at);
        at = peers.copy(false, body, at);
        body[at] = 'e';
        return body;
    }

    @SuppressWarnings("deprecation") // The characters are ASCII, and this copies them without an array in between.
    private static int put(String ascii, byte[] into, int at) {
        ascii.getBytes(0, ascii.length(), into, at);
        return at + ascii.length();
    }

    /** The body that answers a scrape: the swarms that are known. */
    public static byte[] body(ScrapeResponse response) {
        // The keys are raw infohashes, in an order that a text-keyed encoder cannot give.
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("d5:filesd".getBytes(StandardCharsets.US_ASCII));
        response.swarms().entrySet().stream()
                .sorted(Comparator.comparing(Map.Entry::getKey))
                .forEach(swarm -> {
                    out.writeBytes("20:".getBytes(StandardCharsets.US_ASCII));
                    out.writeBytes(swarm.getKey().bytes());
                    ScrapeResponse.Counts counts = swarm.getValue();
                    out.writeBytes(Bencode.encode(Map.of(
                            "complete", counts.seeders(),
                            "downloaded", counts.completed(),
                            "incomplete", counts.leechers())));
                });
        out.writeBytes("ee".getBytes(StandardCharsets.US_ASCII));
        return out.toByteArray();
    }

    /** The body that answers a request which is refused. */
    public static byte[] failure(String reason) {
        return Bencode.encode(Map.of("failure reason", reason));
    }

    /** What a tracker answered: the response, or the reason why there is none. */
    public record Answer(Optional<AnnounceResponse> response, Optional<String> failure) {}

    /** Reads the body that answers an announce, in whichever form the tracker chose. */
    public static Answer readAnswer(byte[] body) throws FormatException {
        BencodeDictionary answer = Bencode.decodePrefix(body, MAX_ANSWER).dictionary();
        Optional<String> failure = answer.optionalText("failure reason", MAX_REASON);
        if (failure.isPresent()) {
            return new Answer(Optional.empty(), failure);
        }
        List<Endpoint> peers = new ArrayList<>();
        if (answer.asMap().get("peers") instanceof List<?>) {
            for (BencodeDictionary peer : answer.dictionaries("peers", MAX_PEERS)) {
                peers.add(new Endpoint(
                        address(peer.text("ip", MAX_HOST)), (int) peer.integer("port", 1, AnnounceRequest.MAX_PORT)));
            }
        } else {
            readCompact(answer.optionalBytes("peers", MAX_PEERS * Endpoint.COMPACT_V4), Endpoint.COMPACT_V4, peers);
        }
        readCompact(answer.optionalBytes("peers6", MAX_PEERS * Endpoint.COMPACT_V6), Endpoint.COMPACT_V6, peers);
        return new Answer(
                Optional.of(new AnnounceResponse(
                        Duration.ofSeconds(answer.integer("interval", 0, Integer.MAX_VALUE)),
                        (int) answer.optionalInteger("complete", 0, Integer.MAX_VALUE)
                                .orElse(0),
                        (int) answer.optionalInteger("incomplete", 0, Integer.MAX_VALUE)
                                .orElse(0),
                        peers)),
                Optional.empty());
    }

    private static void readCompact(Optional<byte[]> compact, int length, List<Endpoint> peers) throws FormatException {
        byte[] bytes = compact.orElse(new byte[0]);
        if (bytes.length % length != 0) {
            throw new FormatException("peers: " + bytes.length + " bytes (expected: a multiple of " + length + ")");
        }
        for (int from = 0; from < bytes.length; from += length) {
            peers.add(Endpoint.fromCompact(Arrays.copyOfRange(bytes, from, from + length)));
        }
    }

    private static String host(InetAddress address) {
        return NetUtil.toAddressString(address);
    }

    private static InetAddress address(String ip) throws FormatException {
        byte[] raw = NetUtil.createByteArrayFromIpAddressString(ip);
        if (raw == null) {
            throw new FormatException("ip: not a number (expected: an IPv4 or IPv6 address)");
        }
        try {
            return InetAddress.getByAddress(raw);
        } catch (UnknownHostException e) {
            throw new FormatException("ip: not an address", e);
        }
    }

    private static byte[] twentyBytes(RawQuery query, String name) throws FormatException {
        byte[] bytes = query.bytes(name)
                .orElseThrow(() -> new FormatException(name + ": absent (expected: 20 bytes, percent-encoded)"));
        if (bytes.length != InfoHash.LENGTH) {
            throw new FormatException(name + ": " + bytes.length + " bytes (expected: 20)");
        }
        return bytes;
    }

    private static int port(RawQuery query) throws FormatException {
        OptionalLong port = query.number("port");
        if (port.isEmpty() || port.getAsLong() > AnnounceRequest.MAX_PORT) {
            throw new FormatException("port: absent or no port (expected: 0.." + AnnounceRequest.MAX_PORT + ")");
        }
        return (int) port.getAsLong();
    }

    private static OptionalInt wanted(RawQuery query) throws FormatException {
        OptionalLong wanted = query.number("numwant");
        return wanted.isPresent()
                ? OptionalInt.of((int) Math.min(wanted.getAsLong(), Integer.MAX_VALUE))
                : OptionalInt.empty();
    }

    private static String encode(byte[] bytes) {
        StringBuilder encoded = new StringBuilder(3 * bytes.length);
        for (byte b : bytes) {
            char c = (char) (b & 0xff);
            boolean unreserved = c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z';
            encoded.append(unreserved ? String.valueOf(c) : String.format(Locale.ROOT, "%%%02X", (int) c));
        }
        return encoded.toString();
    }
}
