package live.tributary.protocol.stream;

import java.util.Arrays;
import java.util.HexFormat;

/** A fixed number of bytes with value equality, ordered as unsigned bytes. */
public abstract class Digest implements Comparable<Digest> {
    private final byte[] bytes;

    protected Digest(byte[] bytes, int length) {
        if (bytes.length != length) {
            throw new IllegalArgumentException("length: " + bytes.length + " (expected: " + length + ")");
        }
        this.bytes = bytes.clone();
    }

    public byte[] bytes() {
        return bytes.clone();
    }

    public String hex() {
        return HexFormat.of().formatHex(bytes);
    }

    @Override
    public int compareTo(Digest other) {
        return Arrays.compareUnsigned(bytes, other.bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Digest digest && getClass() == digest.getClass() && Arrays.equals(bytes, digest.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return hex();
    }
}
