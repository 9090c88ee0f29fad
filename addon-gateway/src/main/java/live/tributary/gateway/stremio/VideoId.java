package live.tributary.gateway.stremio;

import java.util.Optional;
import live.tributary.protocol.stream.StreamKey;

/**
 * What Stremio asks streams for: {@code tributary:<key>}, live, or {@code tributary:<key>:<season>:<episode>}.
 *
 * @param key as it stands in the id; whether it is one that is listed, others know
 */
record VideoId(String key, Optional<Episode> episode) {
    private static final int OF_EPISODE = 3;

    /** Empty where the text has another form. */
    static Optional<VideoId> parse(String id) {
        String bare = id.startsWith(StreamKey.URI_PREFIX) ? id.substring(StreamKey.URI_PREFIX.length()) : id;
        String[] parts = bare.split(":", -1);
        if (parts.length == 1) {
            return Optional.of(new VideoId(bare, Optional.empty()));
        }
        if (parts.length != OF_EPISODE) {
            return Optional.empty();
        }
        try {
            return Episode.of(Integer.parseInt(parts[1]), Integer.parseInt(parts[2]))
                    .map(episode -> new VideoId(parts[0], Optional.of(episode)));
        } catch (NumberFormatException e) {
            return Optional.empty(); // The caller answers 404.
        }
    }
}
