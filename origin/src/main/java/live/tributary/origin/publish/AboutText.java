package live.tributary.origin.publish;

import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.About;

/** What a broadcaster says of the stream, in words. */
public record AboutText(
        String name,
        String title,
        String description,
        List<String> tags,
        Optional<String> language,
        Optional<About.Poster> poster) {
    public AboutText {
        tags = List.copyOf(tags);
    }

    public static AboutText named(String name) {
        return new AboutText(name, "", "", List.of(), Optional.empty(), Optional.empty());
    }
}
