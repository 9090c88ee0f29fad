package live.tributary.protocol.dht;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.StreamKey;

/** The DHT key under which a stream's head is stored. */
public final class HeadTarget {
    private HeadTarget() {}

    /** BEP 44: the SHA-1 of the public key and the salt. */
    public static InfoHash of(StreamKey stream) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(stream.bytes());
            return InfoHash.of(sha1.digest(Head.SALT.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-1 is missing from this Java runtime", e);
        }
    }
}
