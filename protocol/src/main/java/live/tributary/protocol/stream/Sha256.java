package live.tributary.protocol.stream;

import java.util.HexFormat;

/** A SHA-256 digest, 32 bytes. */
public final class Sha256 extends Digest {
    public static final int LENGTH = 32;

    private Sha256(byte[] bytes) {
        super(bytes, LENGTH);
    }

    public static Sha256 of(byte[] digest) {
        return new Sha256(digest);
    }

    public static Sha256 ofContent(byte[] content) {
        return new Sha256(Digests.sha256().digest(content));
    }

    public static Sha256 fromHex(String hex) {
        return new Sha256(HexFormat.of().parseHex(hex));
    }
}
