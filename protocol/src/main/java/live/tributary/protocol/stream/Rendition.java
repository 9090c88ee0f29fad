package live.tributary.protocol.stream;

/**
 * One quality or one alternate audio of a stream.
 *
 * @param number its number in paths and records, from 0; alternate audio comes after the variants
 * @param kind which tag of the master playlist it stands in
 * @param attributes the attribute list of that tag without its URI, byte for byte as in the feed's master playlist
 *     ({@code BANDWIDTH=800000,CODECS="..."}); empty where the feed is a bare media playlist
 */
public record Rendition(int number, Kind kind, String attributes) {
    public static final int MAX_ATTRIBUTES = 1024;

    /** Which tag of a master playlist a rendition stands in. */
    public enum Kind {
        /** EXT-X-STREAM-INF. */
        VARIANT,
        /** EXT-X-MEDIA, TYPE=AUDIO. */
        AUDIO
    }

    public Rendition {
        if (number < 0 || number > ChunkId.MAX_RENDITION) {
            throw new IllegalArgumentException(
                    "rendition: " + number + " (expected: 0.." + ChunkId.MAX_RENDITION + ")");
        }
        if (attributes.length() > MAX_ATTRIBUTES || attributes.indexOf('\n') >= 0 || attributes.indexOf('\r') >= 0) {
            throw new IllegalArgumentException(
                    "attributes: " + attributes.length() + " characters (expected: one line of <= 1024)");
        }
    }
}
