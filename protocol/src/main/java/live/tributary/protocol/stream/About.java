package live.tributary.protocol.stream;

import java.net.URI;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/** What a stream says of itself, signed; the head pins which about counts by its SHA-256. */
public final class About {
    /** The largest encoded about, bytes. */
    public static final int MAX_ENCODED = 8 * 1024;

    private static final int VERSION = 1;
    private static final int MAX_NAME = 200;
    private static final int MAX_DESCRIPTION = 4000;
    private static final int MAX_URL = 500;
    private static final int MAX_TAGS = 20;
    private static final int MAX_TAG = 50;
    private static final int MAX_LANGUAGE = 35;
    private static final int MAX_RENDITIONS = 16;
    private static final long MAX_TARGET_MILLIS = 120_000;

    private final Body body;
    private final byte[] encoded;
    private final byte[] signature;

    private About(Body body, byte[] signature) {
        this.body = body;
        this.signature = signature;
        this.encoded = encode(body, signature);
    }

    /**
     * What is signed.
     *
     * @param name the broadcaster's or channel's name
     * @param title what is on now; may be empty
     * @param poster an https picture and the SHA-256 of its bytes, if there is one
     * @param renditions in order of their numbers
     * @param targetDuration the feed's EXT-X-TARGETDURATION
     * @param successor the key that takes over from this one, if it was rotated
     */
    public record Body(
            StreamKey stream,
            String name,
            String title,
            String description,
            List<String> tags,
            Optional<String> language,
            Optional<Poster> poster,
            List<Rendition> renditions,
            Duration targetDuration,
            Optional<StreamKey> successor) {
        public Body {
            tags = List.copyOf(tags);
            renditions = List.copyOf(renditions);
            if (renditions.isEmpty() || renditions.size() > MAX_RENDITIONS) {
                throw new IllegalArgumentException(
                        "renditions: " + renditions.size() + " (expected: 1.." + MAX_RENDITIONS + ")");
            }
            if (targetDuration.toMillis() < 1 || targetDuration.toMillis() > MAX_TARGET_MILLIS) {
                throw new IllegalArgumentException("target duration: " + targetDuration + " (expected: <= 120 s)");
            }
        }
    }

    /** A picture and what its bytes hash to. */
    public record Poster(URI url, Sha256 sha256) {}

    public static About sign(Body body, SigningKey key) {
        About about = new About(body, key.sign(SignedKind.ABOUT, Bencode.encode(fields(body))));
        if (about.encoded.length > MAX_ENCODED) {
            throw new IllegalArgumentException(
                    "about: " + about.encoded.length + " bytes (expected: <= " + MAX_ENCODED + ")");
        }
        return about;
    }

    /** Reads an encoded about, at most {@link #MAX_ENCODED} bytes, without unknown keys; the signature is not looked at. */
    public static About decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        d.integer("v", VERSION, VERSION);
        try {
            Optional<Poster> poster = Optional.empty();
            if (d.has("po")) {
                poster = Optional.of(
                        new Poster(URI.create(d.text("po", MAX_URL)), Sha256.of(d.exactBytes("ph", Sha256.LENGTH))));
            }
            List<Rendition> renditions = new ArrayList<>();
            for (BencodeDictionary r : d.dictionaries("rs", MAX_RENDITIONS)) {
                renditions.add(new Rendition(
                        (int) r.integer("n", 0, ChunkId.MAX_RENDITION),
                        Rendition.Kind.valueOf(r.text("k", 8).toUpperCase(Locale.ROOT)),
                        r.text("a", Rendition.MAX_ATTRIBUTES)));
            }
            Body body = new Body(
                    StreamKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                    d.text("n", MAX_NAME),
                    d.text("ti", MAX_NAME),
                    d.text("d", MAX_DESCRIPTION),
                    d.texts("tg", MAX_TAGS, MAX_TAG),
                    d.optionalText("la", MAX_LANGUAGE),
                    poster,
                    renditions,
                    Duration.ofMillis(d.integer("td", 1, MAX_TARGET_MILLIS)),
                    d.optionalExactBytes("su", PublicKey.LENGTH).map(StreamKey::of));
            About about = new About(body, d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
            if (!MessageDigest.isEqual(about.encoded, encoded)) {
                throw new FormatException("about: unknown keys (expected: those of version 1)");
            }
            return about;
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    public boolean verifies() {
        return body.stream().verifies(SignedKind.ABOUT, Bencode.encode(fields(body)), signature);
    }

    public Body body() {
        return body;
    }

    public byte[] encoded() {
        return encoded.clone();
    }

    /** SHA-256 of the encoded about, signature included: what a head pins. */
    public Sha256 hash() {
        return Sha256.ofContent(encoded);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof About that && Arrays.equals(encoded, that.encoded);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encoded);
    }

    @Override
    public String toString() {
        return "about of " + body.stream();
    }

    private static byte[] encode(Body body, byte[] signature) {
        Map<String, Object> fields = fields(body);
        fields.put("sig", signature);
        return Bencode.encode(fields);
    }

    private static Map<String, Object> fields(Body body) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("v", VERSION);
        fields.put("k", body.stream().bytes());
        fields.put("n", body.name());
        fields.put("ti", body.title());
        fields.put("d", body.description());
        if (!body.tags().isEmpty()) {
            fields.put("tg", body.tags());
        }
        body.language().ifPresent(language -> fields.put("la", language));
        body.poster().ifPresent(poster -> {
            fields.put("po", poster.url().toString());
            fields.put("ph", poster.sha256().bytes());
        });
        fields.put("rs", body.renditions().stream().map(About::fields).toList());
        fields.put("td", body.targetDuration().toMillis());
        body.successor().ifPresent(successor -> fields.put("su", successor.bytes()));
        return fields;
    }

    private static Map<String, Object> fields(Rendition rendition) {
        return Map.of(
                "n", rendition.number(),
                "k", rendition.kind().name().toLowerCase(Locale.ROOT),
                "a", rendition.attributes());
    }
}
