package live.tributary.protocol.stream;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.HexFormat;

/** An Ed25519 public key (RFC 8032), 32 raw bytes; text form lower-case base32 without padding, 52 characters. */
public abstract class PublicKey extends Digest {
    public static final int LENGTH = 32;

    private static final byte[] X509_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

    protected PublicKey(byte[] bytes) {
        super(bytes, LENGTH);
    }

    public String text() {
        return Base32.encode(bytes());
    }

    /** Whether {@code signature} is this key's over {@code message}; false too where either is not well formed. */
    public boolean verifies(byte[] message, byte[] signature) {
        if (signature.length != SigningKey.SIGNATURE_LENGTH) {
            return false;
        }
        try {
            byte[] raw = bytes();
            byte[] encoded = new byte[X509_PREFIX.length + raw.length];
            System.arraycopy(X509_PREFIX, 0, encoded, 0, X509_PREFIX.length);
            System.arraycopy(raw, 0, encoded, X509_PREFIX.length, raw.length);
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)));
            ed25519.update(message);
            return ed25519.verify(signature);
        } catch (GeneralSecurityException e) {
            return false; // Not a point on the curve, or not a signature: nothing that this key signed.
        }
    }

    /** Whether {@code signature} is this key's over {@code body} as a thing of {@code kind}. */
    public boolean verifies(SignedKind kind, byte[] body, byte[] signature) {
        return verifies(kind.message(body), signature);
    }

    protected static byte[] parse(String text) {
        if (text.length() == 2 * LENGTH) {
            return HexFormat.of().parseHex(text);
        }
        byte[] bytes = Base32.decode(text);
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("key: " + text + " (expected: 52 characters of base32 or 64 of hex)");
        }
        return bytes;
    }

    @Override
    public String toString() {
        return text();
    }
}
