package live.tributary.origin.ingest;

import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;

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
