package live.tributary.protocol.mse;

import java.math.BigInteger;
import java.util.Optional;
import java.util.Random;

/**
 * One side's half of a Diffie-Hellman exchange over MSE's 768-bit prime. Making one and agreeing on a secret take a fraction of a
 * millisecond each: not for an event loop.
 */
public final class MseKey {
    /** Length of a public key, bytes. */
    public static final int LENGTH = 96;

    /** The specification's prime. */
    private static final BigInteger PRIME = new BigInteger(
            "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
                    + "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
            16);

    private static final BigInteger GENERATOR = BigInteger.TWO;
    /** What clients use; more bits add time and, with a 768-bit prime, no strength. */
    private static final int PRIVATE_BITS = 160;

    private final BigInteger exponent;
    private final byte[] publicKey;

    public MseKey(Random random) {
        this.exponent = new BigInteger(PRIVATE_BITS, random);
        this.publicKey = padded(GENERATOR.modPow(exponent, PRIME));
    }

    /** What goes to the other side, {@link #LENGTH} bytes. */
    public byte[] publicKey() {
        return publicKey.clone();
    }

    /** The common secret; empty where the other's key is one that would give it away to everybody. */
    public Optional<MseSecret> agree(byte[] theirPublicKey) {
        if (theirPublicKey.length != LENGTH) {
            throw new IllegalArgumentException("key: " + theirPublicKey.length + " bytes (expected: " + LENGTH + ")");
        }
        BigInteger theirs = new BigInteger(1, theirPublicKey);
        boolean usable = theirs.compareTo(BigInteger.ONE) > 0 && theirs.compareTo(PRIME.subtract(BigInteger.ONE)) < 0;
        return usable ? Optional.of(new MseSecret(padded(theirs.modPow(exponent, PRIME)))) : Optional.empty();
    }

    private static byte[] padded(BigInteger number) {
        byte[] shortest = number.toByteArray();
        byte[] padded = new byte[LENGTH];
        int length = Math.min(shortest.length, LENGTH); // A leading zero byte holds the sign.
        System.arraycopy(shortest, shortest.length - length, padded, LENGTH - length, length);
        return padded;
    }
}
