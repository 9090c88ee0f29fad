package live.tributary.mesh.program;

import java.net.URI;
import java.util.Locale;
import java.util.Optional;
import live.tributary.protocol.stream.StreamKey;

/** The text by which people name a stream: its key, {@code tributary:<key>}, or a gateway's page of it. */
final class StreamName {
    private StreamName() {}

    static StreamKey parse(String text) {
        String name = text.strip();
        String lower = name.toLowerCase(Locale.ROOT);
        try {
            if (!lower.startsWith("http://") && !lower.startsWith("https://")) {
                return StreamKey.fromText(name);
            }
            for (String segment : URI.create(name).getPath().split("/", -1)) {
                Optional<StreamKey> key = inSegment(segment);
                if (key.isPresent()) {
                    return key.get();
                }
            }
        } catch (IllegalArgumentException e) {
            throw unreadable(text, e);
        }
        throw unreadable(text, null);
    }

    /** Ids in a gateway's paths stand alone ({@code /watch/<key>}) or as {@code tributary:<key>:1:2.json}. */
    private static Optional<StreamKey> inSegment(String segment) {
        String id =
                segment.startsWith(StreamKey.URI_PREFIX) ? segment.substring(StreamKey.URI_PREFIX.length()) : segment;
        String bare = id.split("[:.]", 2)[0];
        try {
            return Optional.of(StreamKey.fromText(bare));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Another part of the path.
        }
    }

    private static IllegalArgumentException unreadable(
            String text, @org.jspecify.annotations.Nullable IllegalArgumentException cause) {
        return new IllegalArgumentException(
                text
                        + " (expected: a stream's key of 52 base32 or 64 hex characters, tributary:<key>, or a gateway's URL"
                        + " with the key in its path)",
                cause);
    }
}
