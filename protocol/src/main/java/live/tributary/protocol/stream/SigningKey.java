package live.tributary.protocol.stream;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/** An Ed25519 key pair (RFC 8032) made from its 32-byte seed; the JDK's own implementation. */
public final class SigningKey {
    public static final int SEED_LENGTH = 32;
    public static final int SIGNATURE_LENGTH = 64;

    private final byte[] seed;
    private final byte[] publicKey;
    private final PrivateKey privateKey;

    private SigningKey(byte[] seed, byte[] publicKey, PrivateKey privateKey) {
        this.seed = seed;
        this.publicKey = publicKey;
        this.privateKey = privateKey;
    }

    public static SigningKey generate(SecureRandom random) {
        byte[] seed = new byte[SEED_LENGTH];
        random.nextBytes(seed);
        return fromSeed(seed);
    }

    public static SigningKey fromSeed(byte[] seed) {
        if (seed.length != SEED_LENGTH) {
            throw new IllegalArgumentException("seed: " + seed.length + " bytes (expected: " + SEED_LENGTH + ")");
        }
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
            generator.initialize(NamedParameterSpec.ED25519, new FixedBytes(seed));
            KeyPair pair = generator.generateKeyPair();
            byte[] x509 = pair.getPublic().getEncoded();
            byte[] raw = Arrays.copyOfRange(x509, x509.length - PublicKey.LENGTH, x509.length);
            return new SigningKey(seed.clone(), raw, pair.getPrivate());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Ed25519 is missing from this Java runtime", e);
        }
    }

    /** Reads what {@link #seedText()} wrote. */
    public static SigningKey fromSeedText(String text) {
        return fromSeed(Base32.decode(text));
    }

    public byte[] seed() {
        return seed.clone();
    }

    /** The seed in base32: as secret as the key. */
    public String seedText() {
        return Base32.encode(seed);
    }

    public StreamKey streamKey() {
        return StreamKey.of(publicKey);
    }

    public RelayKey relayKey() {
        return RelayKey.of(publicKey);
    }

    public byte[] sign(SignedKind kind, byte[] body) {
        return sign(kind.message(body));
    }

    /** Signs the bytes as they are: for BEP 44, which has a form of its own. */
    public byte[] sign(byte[] message) {
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initSign(privateKey);
            ed25519.update(message);
            return ed25519.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("signing with Ed25519 failed", e);
        }
    }

    /** The JDK derives a public key only while it generates a pair; handing it the seed as its randomness does just that. */
    private static final class FixedBytes extends SecureRandom {
        private static final long serialVersionUID = 1;

        @SuppressWarnings("serial")
        private final byte[] bytes;

        FixedBytes(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void nextBytes(byte[] target) {
            System.arraycopy(bytes, 0, target, 0, target.length);
        }
    }
}
