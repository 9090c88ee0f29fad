package live.tributary.origin.ingest;

import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Owncast's "video serving endpoint" as it stands in the master playlist of Owncast's own folder.
 *
 * <p>Where an operator sends the viewers of Owncast's page to a gateway, Owncast writes the gateway's URLs into the very file
 * that is read here: followed, they would lead to this stream's own output. What they mean is Owncast's own
 * {@code <variant>/stream.m3u8} beside it.
 */
final class ServingEndpoint {
    private static final Pattern VARIANT =
            Pattern.compile("https?://[^/?#]+(?:/[^?#]*)?/hls/(\\d{1,2}/[^/?#]+\\.m3u8)");
    private static final String MASTER = "/hls/stream.m3u8";

    private ServingEndpoint() {}

    /**
     * The variant's name as it is to be read.
     *
     * @param master where the master was read: a file, or a URL
     */
    static String own(URI master, String uri) {
        Matcher variant = VARIANT.matcher(uri);
        boolean owncasts = "file".equals(master.getScheme())
                || String.valueOf(master.getPath()).endsWith(MASTER)
                        && !uri.startsWith(master.resolve("/").toString());
        return owncasts && variant.matches() ? variant.group(1) : uri;
    }
}
