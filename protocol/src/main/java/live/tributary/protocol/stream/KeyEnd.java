package live.tributary.protocol.stream;

import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/**
 * A key's last word: it signs nothing newer, and may name the key that takes over.
 *
 * <p>With a successor it is a rotation (kind {@code successor}), without one a revocation (kind {@code revoked}). It cannot be taken
 * back. Of two that disagree a revocation counts, since who holds a stolen key can name a successor too; of two successors the one
 * that a node heard first.
 */
public final class KeyEnd {
    /** The largest encoded statement, bytes. */
    public static final int MAX_ENCODED = 256;

    private static final int VERSION = 1;
    private static final long MAX_MILLIS = 1L << 48;

    private final StreamKey stream;
    private final Instant at;
    private final Optional<StreamKey> successor;
    private final byte[] signature;

    private KeyEnd(StreamKey stream, Instant at, Optional<StreamKey> successor, byte[] signature) {
        this.stream = stream;
        this.at = at;
        this.successor = successor;
        this.signature = signature;
    }

    /** The key hands over to {@code successor}. */
    public static KeyEnd rotation(SigningKey key, StreamKey successor, Instant at) {
        return sign(key, at, Optional.of(successor));
    }

    /** The key is dead. */
    public static KeyEnd revocation(SigningKey key, Instant at) {
        return sign(key, at, Optional.empty());
    }

    private static KeyEnd sign(SigningKey key, Instant at, Optional<StreamKey> successor) {
        if (successor.equals(Optional.of(key.streamKey()))) {
            throw new IllegalArgumentException("successor: " + key.streamKey() + " (expected: another key)");
        }
        byte[] body = Bencode.encode(fields(key.streamKey(), at, successor));
        return new KeyEnd(key.streamKey(), at, successor, key.sign(kind(successor), body));
    }

    /** Reads an encoded statement, at most {@link #MAX_ENCODED} bytes, without unknown keys; the signature is not looked at. */
    public static KeyEnd decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        d.integer("v", VERSION, VERSION);
        KeyEnd end = new KeyEnd(
                StreamKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                Instant.ofEpochMilli(d.integer("at", 0, MAX_MILLIS)),
                d.optionalExactBytes("su", PublicKey.LENGTH).map(StreamKey::of),
                d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
        if (!MessageDigest.isEqual(end.encoded(), encoded)) {
            throw new FormatException("key end: unknown keys (expected: those of version 1)");
        }
        if (end.successor.equals(Optional.of(end.stream))) {
            throw new FormatException("key end: its own successor (expected: another key)");
        }
        return end;
    }

    public byte[] encoded() {
        Map<String, Object> fields = fields(stream, at, successor);
        fields.put("sig", signature);
        return Bencode.encode(fields);
    }

    public boolean verifies() {
        return stream.verifies(kind(successor), Bencode.encode(fields(stream, at, successor)), signature);
    }

    /** Whether this statement takes the place of {@code known}, of the same key. */
    public boolean overrides(KeyEnd known) {
        return isRevocation() && !known.isRevocation();
    }

    public boolean isRevocation() {
        return successor.isEmpty();
    }

    /** The key that has ended. */
    public StreamKey stream() {
        return stream;
    }

    public Instant at() {
        return at;
    }

    public Optional<StreamKey> successor() {
        return successor;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KeyEnd that && Arrays.equals(encoded(), that.encoded());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(signature);
    }

    @Override
    public String toString() {
        return successor.map(next -> stream + " went over to " + next).orElseGet(() -> stream + " was revoked");
    }

    private static SignedKind kind(Optional<StreamKey> successor) {
        return successor.isPresent() ? SignedKind.SUCCESSOR : SignedKind.REVOKED;
    }

    private static Map<String, Object> fields(StreamKey stream, Instant at, Optional<StreamKey> successor) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("v", VERSION);
        fields.put("k", stream.bytes());
        fields.put("at", at.toEpochMilli());
        successor.ifPresent(next -> fields.put("su", next.bytes()));
        return fields;
    }
}
