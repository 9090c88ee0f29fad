package live.tributary.protocol.stream;

import java.util.Arrays;

/** The SHA-1 hashes of a chunk's pieces in order, 20 bytes each. */
public final class PieceHashes {
    public static final int HASH_LENGTH = 20;

    private final byte[] hashes;

    public PieceHashes(byte[] hashes) {
        if (hashes.length == 0 || hashes.length % HASH_LENGTH != 0) {
            throw new IllegalArgumentException(
                    "pieces: " + hashes.length + " bytes (expected: a multiple of 20, not 0)");
        }
        this.hashes = hashes.clone();
    }

    public int count() {
        return hashes.length / HASH_LENGTH;
    }

    public byte[] hash(int piece) {
        return Arrays.copyOfRange(hashes, piece * HASH_LENGTH, (piece + 1) * HASH_LENGTH);
    }

    /** Whether {@code sha1} is the hash of {@code piece}. */
    public boolean matches(int piece, byte[] sha1) {
        int from = piece * HASH_LENGTH;
        return Arrays.equals(hashes, from, from + HASH_LENGTH, sha1, 0, sha1.length);
    }

    public byte[] bytes() {
        return hashes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PieceHashes that && Arrays.equals(hashes, that.hashes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(hashes);
    }

    @Override
    public String toString() {
        return count() + " hashes";
    }
}
