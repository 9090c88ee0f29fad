package live.tributary.protocol.stream;

import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/** A mesh node's signed word about itself: where it can be reached, what it carries, and how loaded it says it is. */
public final class RelayDescriptor {
    /** The largest encoded descriptor, bytes. */
    public static final int MAX_ENCODED = 1024;

    public static final Duration MAX_LIFETIME = Duration.ofMinutes(10);

    private static final int VERSION = 1;
    private static final int MAX_TEXT = 253;
    private static final int MAX_ENDPOINTS = 4;
    private static final String LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
    private static final Pattern HOST_NAME = Pattern.compile(LABEL + "(?:\\." + LABEL + ")*", Pattern.CASE_INSENSITIVE);
    private static final int MAX_PER_MILLE = 1000;

    private final Body body;
    private final byte[] encoded;
    private final byte[] signature;

    private RelayDescriptor(Body body, byte[] signature) {
        this.body = body;
        this.signature = signature;
        this.encoded = encode(body, signature);
    }

    /**
     * What is signed.
     *
     * @param endpoints of the one TCP and UDP port, one an address
     * @param tlsName the DNS name under which the same port answers with a valid certificate, if any
     * @param renditions those carried; empty for all
     * @param region latitude and longitude in whole degrees, if told
     * @param uploadBitsPerSecond the most that it will send
     * @param loadPerMille of that in use, 0..1000
     */
    public record Body(
            RelayKey relay,
            NodeRole role,
            List<Endpoint> endpoints,
            Optional<String> tlsName,
            List<Integer> renditions,
            Optional<Region> region,
            long uploadBitsPerSecond,
            int loadPerMille,
            String software,
            Optional<String> contact,
            Instant expires) {
        public Body {
            endpoints = List.copyOf(endpoints);
            renditions = List.copyOf(renditions);
            if (endpoints.size() > MAX_ENDPOINTS) {
                throw new IllegalArgumentException(
                        "endpoints: " + endpoints.size() + " (expected: <= " + MAX_ENDPOINTS + ")");
            }
            if (tlsName.isPresent() && !isHostName(tlsName.get())) {
                throw new IllegalArgumentException("tls: " + tlsName.get() + " (expected: a DNS name)");
            }
            if (uploadBitsPerSecond < 0 || loadPerMille < 0 || loadPerMille > MAX_PER_MILLE) {
                throw new IllegalArgumentException("load: " + loadPerMille + " (expected: 0..1000)");
            }
        }
    }

    /** A place rounded to whole degrees, so that it names no home. */
    public record Region(int latitude, int longitude) {
        public Region {
            if (latitude < -90 || latitude > 90 || longitude < -180 || longitude > 180) {
                throw new IllegalArgumentException("region: " + latitude + "," + longitude + " (expected: degrees)");
            }
        }
    }

    /** Whether a text is a name as in DNS: others write it into URLs and playlists, where any other text could say anything. */
    public static boolean isHostName(String text) {
        return text.length() <= MAX_TEXT && HOST_NAME.matcher(text).matches();
    }

    public static RelayDescriptor sign(Body body, SigningKey key) {
        return new RelayDescriptor(body, key.sign(SignedKind.DESCRIPTOR, Bencode.encode(fields(body))));
    }

    /** Reads an encoded descriptor of at most {@link #MAX_ENCODED} bytes; the signature is not looked at. */
    public static RelayDescriptor decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        d.integer("v", VERSION, VERSION);
        try {
            List<Endpoint> endpoints = new ArrayList<>();
            for (byte[] compact : d.byteStrings("e", MAX_ENDPOINTS, Endpoint.COMPACT_V6)) {
                endpoints.add(Endpoint.fromCompact(compact));
            }
            List<Long> region = d.integers("g", 2, -180, 180);
            Body body = new Body(
                    RelayKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                    NodeRole.valueOf(d.text("ro", 8).toUpperCase(Locale.ROOT)),
                    endpoints,
                    d.optionalText("tls", MAX_TEXT),
                    d.integers("rs", ChunkId.MAX_RENDITION + 1, 0, ChunkId.MAX_RENDITION).stream()
                            .map(Long::intValue)
                            .toList(),
                    region.size() == 2
                            ? Optional.of(new Region(
                                    region.get(0).intValue(), region.get(1).intValue()))
                            : Optional.empty(),
                    d.integer("up", 0, Long.MAX_VALUE),
                    (int) d.integer("ld", 0, MAX_PER_MILLE),
                    d.text("ver", MAX_TEXT),
                    d.optionalText("c", MAX_TEXT),
                    Instant.ofEpochSecond(d.integer("x", 0, 1L << 48)));
            RelayDescriptor descriptor = new RelayDescriptor(body, d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
            if (!MessageDigest.isEqual(descriptor.encoded, encoded)) {
                throw new FormatException("descriptor: unknown keys (expected: those of version 1)");
            }
            return descriptor;
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    public boolean verifies() {
        return body.relay().verifies(SignedKind.DESCRIPTOR, Bencode.encode(fields(body)), signature);
    }

    public Body body() {
        return body;
    }

    public byte[] encoded() {
        return encoded.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RelayDescriptor that && Arrays.equals(encoded, that.encoded);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encoded);
    }

    @Override
    public String toString() {
        return "descriptor of " + body.relay();
    }

    private static byte[] encode(Body body, byte[] signature) {
        Map<String, Object> fields = fields(body);
        fields.put("sig", signature);
        return Bencode.encode(fields);
    }

    private static Map<String, Object> fields(Body body) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("v", VERSION);
        fields.put("k", body.relay().bytes());
        fields.put("ro", body.role().name().toLowerCase(Locale.ROOT));
        fields.put("e", body.endpoints().stream().map(Endpoint::compact).toList());
        body.tlsName().ifPresent(name -> fields.put("tls", name));
        if (!body.renditions().isEmpty()) {
            fields.put("rs", body.renditions());
        }
        body.region().ifPresent(region -> fields.put("g", List.of(region.latitude(), region.longitude())));
        fields.put("up", body.uploadBitsPerSecond());
        fields.put("ld", body.loadPerMille());
        fields.put("ver", body.software());
        body.contact().ifPresent(contact -> fields.put("c", contact));
        fields.put("x", body.expires().getEpochSecond());
        return fields;
    }
}
