package live.tributary.protocol.stream;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** What a swarm is known by: 20 bytes (BEP 3's SHA-1 of an info dictionary, or a stream's mesh infohash). */
public final class InfoHash extends Digest {
    public static final int LENGTH = 20;

    private static final byte[] MESH_TAG = "tributary/1/mesh\0".getBytes(StandardCharsets.US_ASCII);

    private InfoHash(byte[] bytes) {
        super(bytes, LENGTH);
    }

    public static InfoHash of(byte[] bytes) {
        return new InfoHash(bytes);
    }

    /** The infohash of a bencoded info dictionary. */
    public static InfoHash ofInfo(byte[] info) {
        return new InfoHash(Digests.sha1().digest(info));
    }

    /** The infohash on which the mesh nodes of one stream find and link to each other. */
    public static InfoHash ofMesh(StreamKey stream) {
        var sha1 = Digests.sha1();
        sha1.update(MESH_TAG);
        return new InfoHash(sha1.digest(stream.bytes()));
    }

    public static InfoHash fromHex(String hex) {
        return new InfoHash(HexFormat.of().parseHex(hex));
    }
}
