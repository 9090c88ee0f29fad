package live.tributary.protocol.tracker;

import java.nio.charset.StandardCharsets;
import live.tributary.protocol.stream.Digest;

/** The 20 bytes by which a client calls itself; not an identity, since anybody may send any. */
public final class PeerId extends Digest {
    public static final int LENGTH = 20;

    /** What every Stremio player in the world announces, with a port on which it does not listen. */
    public static final PeerId STREMIO = of("01234567890123456789".getBytes(StandardCharsets.US_ASCII));

    private PeerId(byte[] bytes) {
        super(bytes, LENGTH);
    }

    public static PeerId of(byte[] bytes) {
        return new PeerId(bytes);
    }
}
