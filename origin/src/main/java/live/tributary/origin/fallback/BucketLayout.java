package live.tributary.origin.fallback;

import java.net.URI;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.StreamKey;

/**
 * The names of a term's objects.
 *
 * @param base what they all begin with; ends in the stream's key and the term
 */
record BucketLayout(String base) {
    private static final int HASH_CHARACTERS = 8;

    static BucketLayout of(BucketSettings settings, StreamKey stream, long term) {
        String prefix = settings.prefix().replaceAll("^/+|/+$", "");
        return new BucketLayout((prefix.isEmpty() ? "" : prefix + "/") + stream.text() + "/" + term);
    }

    URI publicUrl(BucketSettings settings) {
        return URI.create(settings.publicBase() + "/" + base);
    }

    String chunk(ChunkRecord record) {
        return base + "/" + record.rendition() + "/" + chunkName(record);
    }

    /** Its name beside the playlist of its rendition. */
    static String chunkName(ChunkRecord record) {
        return record.seq() + "-" + record.body().sha256().hex().substring(0, HASH_CHARACTERS) + "."
                + record.body().container().extension();
    }

    String playlist(int rendition) {
        return base + "/" + rendition + "/live.m3u8";
    }

    String master() {
        return base + "/master.m3u8";
    }

    String head() {
        return base + "/head";
    }

    String about() {
        return base + "/about";
    }
}
