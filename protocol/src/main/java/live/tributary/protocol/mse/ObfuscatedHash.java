package live.tributary.protocol.mse;

import java.nio.charset.StandardCharsets;
import live.tributary.protocol.stream.Digest;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.InfoHash;

/** What MSE names a torrent by, {@code SHA-1("req2" ‖ infohash)}: only who knows the infohash knows which one is meant. */
public final class ObfuscatedHash extends Digest {
    public static final int LENGTH = 20;

    private static final byte[] TAG = "req2".getBytes(StandardCharsets.US_ASCII);

    private ObfuscatedHash(byte[] bytes) {
        super(bytes, LENGTH);
    }

    public static ObfuscatedHash of(InfoHash infoHash) {
        var sha1 = Digests.sha1();
        sha1.update(TAG);
        return new ObfuscatedHash(sha1.digest(infoHash.bytes()));
    }

    public static ObfuscatedHash of(byte[] bytes) {
        return new ObfuscatedHash(bytes);
    }
}
