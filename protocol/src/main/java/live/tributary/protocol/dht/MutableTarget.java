package live.tributary.protocol.dht;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.StreamKey;

/** The DHT key of a mutable item (BEP 44): the SHA-1 of its public key and its salt. */
public final class MutableTarget {
    private MutableTarget() {}

    /** Where a stream's head lies. */
    public static InfoHash ofHead(StreamKey stream) {
        return of(stream, Head.SALT);
    }

    static InfoHash of(StreamKey key, String salt) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(key.bytes());
            return InfoHash.of(sha1.digest(salt.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-1 is missing from this Java runtime", e);
        }
    }
}
