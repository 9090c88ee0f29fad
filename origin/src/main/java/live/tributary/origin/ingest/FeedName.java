package live.tributary.origin.ingest;

import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import live.tributary.protocol.stream.StreamKey;

/** Where a feed is: a path on this machine, or an http(s) URL. */
public record FeedName(String text) {
    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:/.*");

    /**
     * Reads what an operator gave.
     *
     * @throws IllegalArgumentException if it is neither a path nor an http(s) URL, with the value and what was expected
     */
    public static FeedName parse(String text) {
        FeedName name = new FeedName(text.strip());
        if (name.text.isEmpty() || !(name.isUrl() ? isSound(name.text) : isPath(name.text))) {
            throw new IllegalArgumentException((name.text.isEmpty() ? "nothing" : name.text)
                    + " (expected: a folder, a playlist, or its http(s) URL)");
        }
        return name;
    }

    boolean isUrl() {
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.startsWith("http://") || lower.startsWith("https://");
    }

    /** Whether this is the address of a stream itself, at a relay, a gateway or in a bucket. */
    public boolean isOutputOf(StreamKey stream) {
        String lower = text.toLowerCase(Locale.ROOT);
        return Stream.of(stream.text(), HexFormat.of().formatHex(stream.bytes()))
                .anyMatch(key -> isUrl() ? lower.contains(key) : lower.contains("/live/" + key + "/"));
    }

    private static boolean isSound(String url) {
        try {
            return URI.create(url).getHost() != null;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** A thing with a scheme is a URL of a kind that is not fetched; who has a folder of such a name gives ./ before it. */
    private static boolean isPath(String text) {
        try {
            return !SCHEME.matcher(text).matches() && !Path.of(text).toString().isEmpty();
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
