package live.tributary.origin.ingest;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A feed on a web server.
 *
 * <p>Only its own origin (scheme, host and port of the URL that the operator gave), the one to which that URL redirects, and
 * hosts that the operator allowed are ever asked: a playlist is a stranger's text and could name this machine's neighbours.
 */
final class HttpSource implements FeedSource {
    private static final Logger log = LoggerFactory.getLogger(HttpSource.class);

    /** Encoders write names as they are: ffmpeg leaves a {@code %v} where there is one variant. */
    private static final Pattern STRAY_PERCENT = Pattern.compile("%(?![0-9A-Fa-f]{2})");

    private static final String ILLEGAL = "\"<>\\^`{|}\u007f";

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration TIMEOUT = Duration.ofSeconds(15);
    /** An answer to HEAD has no body to wait for. */
    private static final Duration HEAD_TIMEOUT = Duration.ofSeconds(5);
    /** RFC 9110, 15.5.9 and 15.6; RFC 6585, 4: what a server says that may answer the next time. */
    private static final Set<Integer> FOR_NOW = Set.of(408, 429, 500, 502, 503, 504);
    /** How many times in a row a HEAD may fail until none is asked for a while: a long one where none was ever answered. */
    static final int HEADS_TRIED = 3;

    static final Duration WITHOUT_HEAD = Duration.ofSeconds(10);
    static final Duration NEVER_A_HEAD = Duration.ofMinutes(10);
    private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(250);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(15);
    private static final int MAX_REDIRECTS = 5;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> MISSING = Set.of(403, 404, 410);
    /** How many playlists are remembered for servers that say whether one changed. */
    static final int MAX_KEPT = 256;
    /** The largest file that a server sends whole where a range of it was asked for. */
    static final int MAX_FILE = 64 * 1024 * 1024;

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).build();
    private final URI feed;
    private final Set<String> origins = ConcurrentHashMap.newKeySet();
    private final Set<String> allowedHosts;
    private final Map<URI, Cached> playlists = new ConcurrentHashMap<>();
    private final LongSupplier nanoTime;
    private boolean headsAnswered;
    private int headsFailed;
    private OptionalLong headsFrom = OptionalLong.empty();

    /** A playlist and what a server compares to say that it did not change. */
    private record Cached(String header, String validator, Playlist playlist) {}

    HttpSource(URI feed, Set<String> allowedHosts) {
        this(feed, allowedHosts, System::nanoTime);
    }

    HttpSource(URI feed, Set<String> allowedHosts, LongSupplier nanoTime) {
        this.feed = feed;
        this.nanoTime = nanoTime;
        this.allowedHosts = Set.copyOf(allowedHosts);
        origins.add(origin(feed));
    }

    @Override
    public Playlist playlist(URI location) throws IOException {
        Optional<Cached> cached = Optional.ofNullable(playlists.get(location));
        HttpRequest.Builder request = request(location).header("accept-encoding", "gzip");
        cached.ifPresent(known -> request.header(known.header(), known.validator()));
        Answer answer = send(request.build(), HlsReader.MAX_PLAYLIST, location.equals(feed));
        if (answer.response().statusCode() == 304 && cached.isPresent()) {
            return cached.get().playlist();
        }
        requireStatus(answer, 200);
        HttpHeaders headers = answer.response().headers();
        byte[] bytes = decoded(answer, HlsReader.MAX_PLAYLIST);
        Playlist playlist = new Playlist(answer.location(), bytes);
        playlists.remove(location);
        if (playlists.size() >= MAX_KEPT) {
            playlists.clear(); // Each is only read whole once more; a master may name its lists anew each time.
        }
        headers.firstValue("etag")
                .map(tag -> new Cached("if-none-match", tag, playlist))
                .or(() -> headers.firstValue("last-modified")
                        .map(date -> new Cached("if-modified-since", date, playlist)))
                .ifPresent(known -> playlists.put(location, known));
        return playlist;
    }

    /** The body as it was before the server packed it: some do so unasked. */
    private static byte[] decoded(Answer answer, int max) throws IOException {
        byte[] body = answer.response().body();
        String coding = answer.response()
                .headers()
                .firstValue("content-encoding")
                .orElse("identity")
                .strip()
                .toLowerCase(Locale.ROOT);
        InputStream in = new ByteArrayInputStream(body);
        try (InputStream decoded = switch (coding) {
            case "", "identity" -> in;
            case "gzip", "x-gzip" -> new GZIPInputStream(in);
            case "deflate" -> new InflaterInputStream(in);
            default -> throw new IOException("content-encoding: " + coding + " (expected: gzip, or none)");
        }) {
            byte[] bytes = decoded.readNBytes(max + 1);
            if (bytes.length > max) {
                throw new IOException("unpacks to more than " + max + " bytes");
            }
            return bytes;
        } catch (IOException e) {
            throw new IOException(answer.location() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public URI resolve(URI playlist, String uri) throws FormatException {
        URI resolved = resolved(playlist, uri.strip());
        if (!isAllowed(resolved)) {
            throw new ForeignLocationException("location: " + resolved + " (expected: one of " + origins
                    + "; --hls-allow-host names further hosts)");
        }
        return resolved;
    }

    private static URI resolved(URI base, String uri) throws FormatException {
        String name = STRAY_PERCENT.matcher(uri).replaceAll("%25");
        try {
            if (name.startsWith(
                    "?")) { // RFC 3986, 5.2.2: a query alone asks the playlist's own path; java.net.URI drops its name.
                return URI.create(base.toString().split("[?#]", 2)[0] + escaped(name));
            }
            URI from = base.getRawPath().isEmpty() ? URI.create(base.toString().split("[?#]", 2)[0] + "/") : base;
            return URI.create(from.resolve(escaped(name)).toASCIIString());
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    /** Encoders write names as they are; what a URL cannot hold is escaped, as browsers do it. */
    private static String escaped(String name) {
        StringBuilder escaped = new StringBuilder();
        int path = Math.max(0, name.indexOf('/', Math.max(0, name.indexOf("//") + 2))); // Brackets are a host's only.
        for (int at = 0; at < name.length(); at++) {
            char one = name.charAt(at);
            boolean illegal = one <= ' ' || ILLEGAL.indexOf(one) >= 0 || ("[]".indexOf(one) >= 0 && at >= path);
            escaped.append(illegal ? String.format("%%%02X", (int) one) : String.valueOf(one));
        }
        return escaped.toString();
    }

    private boolean isAllowed(URI location) {
        String scheme = Optional.ofNullable(location.getScheme()).orElse("").toLowerCase(Locale.ROOT);
        String host = Optional.ofNullable(location.getHost()).orElse("").toLowerCase(Locale.ROOT);
        boolean http = scheme.equals("https") || (scheme.equals("http") && !isSecure(feed));
        return http && !host.isEmpty() && (origins.contains(origin(location)) || allowedHosts.contains(host));
    }

    private static boolean isSecure(URI location) {
        return "https".equalsIgnoreCase(location.getScheme());
    }

    private static String origin(URI location) {
        int port = location.getPort() >= 0 ? location.getPort() : isSecure(location) ? 443 : 80;
        return (location.getScheme() + "://" + location.getHost() + ":" + port).toLowerCase(Locale.ROOT);
    }

    /**
     * A server need not answer HEAD, nor know a size, to send a file: whether it is there is seen by reading it. But one HEAD that
     * failed says nothing of the file, which may be growing.
     *
     * @throws IOException if the next HEAD may be answered
     */
    @Override
    public FileLook look(URI location) throws IOException {
        FileLook unknown = new FileLook(OptionalLong.empty(), "");
        if (!asksHead()) {
            return unknown;
        }
        HttpRequest head = request(location)
                .timeout(HEAD_TIMEOUT)
                .method("HEAD", HttpRequest.BodyPublishers.noBody())
                .build();
        Answer answer;
        try {
            answer = send(head, 0, false);
            if (FOR_NOW.contains(answer.response().statusCode())) {
                throw new IOException(location + ": HEAD: " + answer.response().statusCode() + " (expected: 200)");
            }
        } catch (IOException e) {
            if (headFailed()) {
                throw e;
            }
            log.debug("no answer to HEAD, so files count as they are read: {}", e.getMessage());
            return unknown;
        }
        headAnswered();
        if (answer.response().statusCode() != 200) {
            return unknown;
        }
        HttpHeaders headers = answer.response().headers();
        OptionalLong size = headers.firstValueAsLong("content-length");
        return new FileLook(
                size.orElse(0) > 0 ? size : OptionalLong.empty(),
                headers.firstValue("last-modified")
                        .or(() -> headers.firstValue("etag"))
                        .orElse(""));
    }

    private synchronized boolean asksHead() {
        return headsFrom.isEmpty() || nanoTime.getAsLong() - headsFrom.getAsLong() >= 0;
    }

    private synchronized void headAnswered() {
        headsAnswered = true;
        headsFailed = 0;
        headsFrom = OptionalLong.empty();
    }

    /** Whether another is tried at once. */
    private synchronized boolean headFailed() {
        headsFailed++;
        if (headsFailed < HEADS_TRIED) {
            return true;
        }
        Duration rest = headsAnswered ? WITHOUT_HEAD : NEVER_A_HEAD;
        headsFrom = OptionalLong.of(nanoTime.getAsLong() + rest.toNanos());
        return false;
    }

    @Override
    public byte[] read(URI location, Optional<HlsSegment.ByteRange> range, int max) throws IOException {
        HttpRequest.Builder request = request(location);
        range.ifPresent(
                part -> request.header("range", "bytes=" + part.offset() + "-" + (part.offset() + part.length() - 1)));
        Answer answer = send(request.build(), range.isPresent() ? MAX_FILE : max, false);
        boolean whole = range.isEmpty()
                || answer.response().statusCode() == 200; // RFC 9110, 14.2: a server may ignore a range.
        requireStatus(answer, whole ? 200 : 206);
        byte[] bytes = decoded(answer, range.isPresent() ? MAX_FILE : max);
        if (range.isPresent() && whole) {
            long end = range.get().offset() + range.get().length();
            if (bytes.length < end) {
                throw new IOException(location + ": ends after " + bytes.length + " bytes (expected: " + end + ")");
            }
            bytes = Arrays.copyOfRange(bytes, (int) range.get().offset(), (int) end);
        }
        long expected = range.map(HlsSegment.ByteRange::length).orElse((long) bytes.length);
        if (bytes.length != expected || bytes.length > max) {
            throw new IOException(
                    location + ": " + bytes.length + " bytes (expected: " + Math.min(expected, max) + ")");
        }
        return bytes;
    }

    @Override
    public Duration interval(Duration target) {
        Duration half = target.dividedBy(2);
        return half.compareTo(SHORTEST_INTERVAL) < 0 ? SHORTEST_INTERVAL : half;
    }

    private static HttpRequest.Builder request(URI location) {
        return HttpRequest.newBuilder(location).timeout(TIMEOUT).header("user-agent", "tributary-origin");
    }

    private record Answer(URI location, HttpResponse<byte[]> response) {}

    /** @param trusted whether a redirect may lead to another origin, which is the feed's from then on */
    private Answer send(HttpRequest request, int max, boolean trusted) throws IOException {
        Duration timeout = request.timeout().orElse(TIMEOUT);
        HttpRequest next = request;
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpResponse<byte[]> response = LimitedBody.exchange(client, next, max, timeout);
            if (!REDIRECTS.contains(response.statusCode())) {
                return new Answer(next.uri(), response);
            }
            String to = response.headers()
                    .firstValue("location")
                    .orElseThrow(() -> new IOException(request.uri() + ": redirect without a location"));
            URI target;
            try {
                target = next.uri().resolve(to);
            } catch (IllegalArgumentException e) {
                throw new IOException(request.uri() + ": redirects to " + to + " (expected: a URL)", e);
            }
            if (trusted && (isSecure(target) || (!isSecure(feed) && "http".equalsIgnoreCase(target.getScheme())))) {
                origins.add(origin(target));
            }
            if (!isAllowed(target)) {
                throw new IOException(
                        request.uri() + ": redirects to " + target + " (expected: one of " + origins + ")");
            }
            next = HttpRequest.newBuilder(request, (name, value) -> true)
                    .uri(target)
                    .build();
        }
        throw new IOException(request.uri() + ": more than " + MAX_REDIRECTS + " redirects");
    }

    private static void requireStatus(Answer answer, int status) throws IOException {
        int given = answer.response().statusCode();
        if (MISSING.contains(given)) {
            throw new MissingException(answer.location() + ": " + given);
        }
        if (given != status) {
            throw new IOException(answer.location() + ": " + given + " (expected: " + status + ")");
        }
    }

    @Override
    public Duration longestRetry() {
        return LONGEST_RETRY;
    }
}
