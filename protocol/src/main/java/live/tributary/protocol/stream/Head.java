package live.tributary.protocol.stream;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/**
 * A stream's present state in one small item: the value that its origin keeps in the DHT (BEP 44) and sends over links.
 *
 * @param seq BEP 44's sequence number, repeated inside the value; greater than any before
 * @param expires when the head stops to count; at most {@link #MAX_LIFETIME} ahead while live
 * @param status whether the stream runs
 * @param term the origin's run
 * @param window the newest closed window of rendition 0 (BEP 46's {@code ih}), if one is closed
 * @param fallback base URL of the bucket, if there is one
 * @param entryPoints nodes to link to, at most {@link #MAX_ENTRY_POINTS} of each family
 * @param about SHA-256 of the encoded {@link About}
 */
public record Head(
        long seq,
        Instant expires,
        Status status,
        long term,
        Optional<InfoHash> window,
        Optional<URI> fallback,
        List<Endpoint> entryPoints,
        Sha256 about) {
    /** The largest encoded value, bytes. */
    public static final int MAX_ENCODED = 900;

    public static final int MAX_ENTRY_POINTS = 4;
    public static final Duration MAX_LIFETIME = Duration.ofMinutes(10);
    public static final String SALT = "tributary/1";

    private static final int VERSION = 1;
    private static final int MAX_URL = 300;
    private static final long MAX_NUMBER = 1L << 48;

    /** Whether a stream runs. */
    public enum Status {
        LIVE,
        ENDED
    }

    public Head {
        entryPoints = List.copyOf(entryPoints);
        long v4 = entryPoints.stream().filter(Endpoint::isIpv4).count();
        if (v4 > MAX_ENTRY_POINTS || entryPoints.size() - v4 > MAX_ENTRY_POINTS) {
            throw new IllegalArgumentException("entry points: " + entryPoints.size() + " (expected: <= 4 of a family)");
        }
        if (fallback.isPresent() && !isBase(fallback.get())) {
            throw new IllegalArgumentException(
                    "fallback: " + fallback.get() + " (expected: a base URL, http or https)");
        }
    }

    /** Whether names can be put behind a URL, and no player takes it for anything but an address on the web. */
    public static boolean isBase(URI url) {
        return ("https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme()))
                && url.getHost() != null
                && url.getRawUserInfo() == null
                && url.getRawQuery() == null
                && url.getRawFragment() == null;
    }

    public boolean expired(Instant now) {
        return !now.isBefore(expires);
    }

    /** The bencoded value. */
    public byte[] encode() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("v", VERSION);
        fields.put("n", seq);
        fields.put("x", expires.getEpochSecond());
        fields.put("st", status.name().toLowerCase(Locale.ROOT));
        fields.put("t", term);
        window.ifPresent(infoHash -> fields.put("ih", infoHash.bytes()));
        fallback.ifPresent(url -> fields.put("f", url.toString()));
        fields.put("e4", compact(true));
        fields.put("e6", compact(false));
        fields.put("a", about.bytes());
        return Bencode.encode(fields);
    }

    /** Reads a value of at most {@link #MAX_ENCODED} bytes; unknown keys are kept out of the way (BEP 46 readers add none). */
    public static Head decode(byte[] value) throws FormatException {
        BencodeDictionary d = Bencode.decode(value, MAX_ENCODED);
        d.integer("v", VERSION, VERSION);
        Optional<String> fallback = d.optionalText("f", MAX_URL);
        List<Endpoint> entryPoints = new ArrayList<>(endpoints(d, "e4", Endpoint.COMPACT_V4));
        entryPoints.addAll(endpoints(d, "e6", Endpoint.COMPACT_V6));
        try {
            return new Head(
                    d.integer("n", 0, MAX_NUMBER),
                    Instant.ofEpochSecond(d.integer("x", 0, MAX_NUMBER)),
                    Status.valueOf(d.text("st", 8).toUpperCase(Locale.ROOT)),
                    d.integer("t", 0, MAX_NUMBER),
                    d.optionalExactBytes("ih", InfoHash.LENGTH).map(InfoHash::of),
                    fallback.map(URI::create),
                    entryPoints,
                    Sha256.of(d.exactBytes("a", Sha256.LENGTH)));
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    private List<byte[]> compact(boolean ipv4) {
        return entryPoints.stream()
                .filter(e -> e.isIpv4() == ipv4)
                .map(Endpoint::compact)
                .toList();
    }

    private static List<Endpoint> endpoints(BencodeDictionary d, String key, int length) throws FormatException {
        List<Endpoint> endpoints = new ArrayList<>();
        for (byte[] compact : d.byteStrings(key, MAX_ENTRY_POINTS, length)) {
            endpoints.add(Endpoint.fromCompact(compact));
        }
        return endpoints;
    }
}
