package live.tributary.protocol.stream;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/**
 * A head as a whole BEP 44 mutable item: key, salt, seq, value and signature.
 *
 * <p>What {@link #decode} returns is well formed, and its value agrees with its seq; whether the signature holds is
 * {@link #verifies()}.
 */
public final class SignedHead {
    /** The largest encoded tuple, bytes. */
    public static final int MAX_ENCODED = Head.MAX_ENCODED + 256;

    private final StreamKey stream;
    private final Head head;
    private final byte[] value;
    private final byte[] signature;

    private SignedHead(StreamKey stream, Head head, byte[] value, byte[] signature) {
        this.stream = stream;
        this.head = head;
        this.value = value;
        this.signature = signature;
    }

    public static SignedHead sign(Head head, SigningKey key) {
        byte[] value = head.encode();
        if (value.length > Head.MAX_ENCODED) {
            throw new IllegalArgumentException(
                    "head: " + value.length + " bytes (expected: <= " + Head.MAX_ENCODED + ")");
        }
        return new SignedHead(key.streamKey(), head, value, key.sign(signed(head.seq(), value)));
    }

    /** Puts together what a DHT answered; {@code seq} must be the one inside the value. */
    public static SignedHead of(StreamKey stream, long seq, byte[] value, byte[] signature) throws FormatException {
        Head head = Head.decode(value);
        if (head.seq() != seq) {
            throw new FormatException("seq: " + seq + " (expected: " + head.seq() + ", as in the value)");
        }
        if (signature.length != SigningKey.SIGNATURE_LENGTH) {
            throw new FormatException("sig: " + signature.length + " bytes (expected: 64)");
        }
        return new SignedHead(stream, head, value.clone(), signature.clone());
    }

    public static SignedHead decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        byte[] salt = d.bytes("salt", 64);
        if (!Arrays.equals(salt, Head.SALT.getBytes(StandardCharsets.US_ASCII))) {
            throw new FormatException("salt: another one (expected: " + Head.SALT + ")");
        }
        return of(
                StreamKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                d.integer("seq", 0, Long.MAX_VALUE),
                d.bytes("v", Head.MAX_ENCODED),
                d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
    }

    public byte[] encode() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("k", stream.bytes());
        fields.put("salt", Head.SALT);
        fields.put("seq", head.seq());
        fields.put("v", value);
        fields.put("sig", signature);
        return Bencode.encode(fields);
    }

    public boolean verifies() {
        return stream.verifies(signed(head.seq(), value), signature);
    }

    /** Whether this head is newer than {@code other}: by term, then by seq. */
    public boolean supersedes(SignedHead other) {
        return head.term() != other.head.term() ? head.term() > other.head.term() : head.seq() > other.head.seq();
    }

    public StreamKey stream() {
        return stream;
    }

    public Head head() {
        return head;
    }

    public byte[] value() {
        return value.clone();
    }

    public byte[] signature() {
        return signature.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SignedHead that
                && stream.equals(that.stream)
                && Arrays.equals(value, that.value)
                && Arrays.equals(signature, that.signature);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(signature);
    }

    @Override
    public String toString() {
        return "head " + head.seq() + " of term " + head.term();
    }

    /** BEP 44: the bytes that are signed are the bencoded salt, seq and v, without the dictionary around them. */
    private static byte[] signed(long seq, byte[] value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String prefix = "4:salt" + Head.SALT.length() + ":" + Head.SALT + "3:seqi" + seq + "e1:v";
        out.writeBytes(prefix.getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(value);
        return out.toByteArray();
    }
}
