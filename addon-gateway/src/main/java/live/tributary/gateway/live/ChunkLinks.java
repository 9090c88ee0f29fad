package live.tributary.gateway.live;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.protocol.stream.ChunkRecord;

/**
 * URLs of chunks at this gateway, which leads to whoever has them when they are asked for: they outlive any relay.
 *
 * <p>RFC 8216, 6.2.1: a listed segment keeps its URI. hls.js from 1.6 on gives up a stream of one variant, for good, whose playlist says
 * otherwise; so in browsers, where it runs, a relay that dies must change nothing that was listed. Other players are spared the detour.
 */
final class ChunkLinks {
    /** Of a link's path. */
    static final int SEGMENTS = 4;

    private static final Pattern FILE = Pattern.compile("(\\d{1,18})\\.(ts|mp4)");
    private static final String BROWSER = "Mozilla/";
    private static final AsciiString FETCH_MODE = AsciiString.cached("sec-fetch-mode");

    private final String base;
    private final LiveOptions options;

    ChunkLinks(String base, LiveOptions options) {
        this.base = base;
        this.options = options;
    }

    /** Whether it is a browser that asks, as far as it says so. */
    static boolean wanted(HttpHeaders headers) {
        return headers.contains(HttpHeaderNames.ORIGIN)
                || headers.contains(FETCH_MODE)
                || headers.get(HttpHeaderNames.USER_AGENT, "").startsWith(BROWSER);
    }

    /** The number in a chunk's file name. */
    static Optional<Long> seq(String fileName) {
        return Optional.of(FILE.matcher(fileName))
                .filter(Matcher::matches)
                .map(matcher -> Long.parseLong(matcher.group(1)));
    }

    LiveOptions options() {
        return options;
    }

    /** Not where a player that came by https is led to plain http: ExoPlayer does not follow there, though it takes such a URL as it is. */
    boolean leadEverywhere() {
        return !options.plainHttp();
    }

    /** Empty where nobody whom this viewer can reach has the chunk. */
    Optional<String> of(ChunkRecord record, ChunkSources sources) {
        return sources.any(record) ? Optional.of(to(record)) : Optional.empty();
    }

    /** Whoever has it. */
    String to(ChunkRecord record) {
        return base + "/live/" + record.body().stream().text() + "/" + record.rendition() + "/" + record.fileName()
                + options.query();
    }
}
