package live.tributary.origin.ingest;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;

/**
 * A feed on a web server.
 *
 * <p>Only its own origin (scheme, host and port of the URL that the operator gave), the one to which that URL redirects, and
 * hosts that the operator allowed are ever asked: a playlist is a stranger's text and could name this machine's neighbours.
 */
final class HttpSource implements FeedSource {
    /** Encoders write names as they are: ffmpeg leaves a {@code %v} where there is one variant. */
    private static final Pattern STRAY_PERCENT = Pattern.compile("%(?![0-9A-Fa-f]{2})");

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration TIMEOUT = Duration.ofSeconds(15);
    private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(250);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(15);
    private static final int MAX_REDIRECTS = 5;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> MISSING = Set.of(403, 404, 410);

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).build();
    private final URI feed;
    private final Set<String> origins = ConcurrentHashMap.newKeySet();
    private final Set<String> allowedHosts;
    private final Map<URI, Cached> playlists = new ConcurrentHashMap<>();

    /** A playlist and what a server compares to say that it did not change. */
    private record Cached(String header, String validator, Playlist playlist) {}

    HttpSource(URI feed, Set<String> allowedHosts) {
        this.feed = feed;
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
        boolean gzip = headers.firstValue("content-encoding")
                .filter(encoding -> encoding.toLowerCase(Locale.ROOT).contains("gzip"))
                .isPresent();
        byte[] bytes =
                gzip ? unzip(answer.response().body()) : answer.response().body();
        Playlist playlist = new Playlist(answer.location(), bytes);
        playlists.remove(location);
        headers.firstValue("etag")
                .map(tag -> new Cached("if-none-match", tag, playlist))
                .or(() -> headers.firstValue("last-modified")
                        .map(date -> new Cached("if-modified-since", date, playlist)))
                .ifPresent(known -> playlists.put(location, known));
        return playlist;
    }

    private static byte[] unzip(byte[] zipped) throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(zipped))) {
            byte[] bytes = in.readNBytes(HlsReader.MAX_PLAYLIST + 1);
            if (bytes.length > HlsReader.MAX_PLAYLIST) {
                throw new IOException("playlist: unpacks to more than " + HlsReader.MAX_PLAYLIST + " bytes");
            }
            return bytes;
        }
    }

    @Override
    public URI resolve(URI playlist, String uri) throws FormatException {
        URI resolved;
        try {
            String name = STRAY_PERCENT.matcher(uri.strip()).replaceAll("%25");
            resolved = playlist.resolve(name.replace(" ", "%20"));
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
        if (!isAllowed(resolved)) {
            throw new FormatException("location: " + resolved + " (expected: one of " + origins
                    + "; --hls-allow-host names further hosts)");
        }
        return resolved;
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

    @Override
    public FileLook look(URI location) throws IOException {
        HttpRequest head = request(location)
                .method("HEAD", HttpRequest.BodyPublishers.noBody())
                .build();
        Answer answer = send(head, 0, false);
        if (answer.response().statusCode() == 405 || answer.response().statusCode() == 501) {
            return new FileLook(OptionalLong.empty(), "");
        }
        requireStatus(answer, 200);
        HttpHeaders headers = answer.response().headers();
        return new FileLook(
                headers.firstValueAsLong("content-length"),
                headers.firstValue("last-modified")
                        .or(() -> headers.firstValue("etag"))
                        .orElse(""));
    }

    @Override
    public byte[] read(URI location, Optional<HlsSegment.ByteRange> range, int max) throws IOException {
        HttpRequest.Builder request = request(location);
        range.ifPresent(
                part -> request.header("range", "bytes=" + part.offset() + "-" + (part.offset() + part.length() - 1)));
        Answer answer = send(request.build(), max, false);
        requireStatus(answer, range.isPresent() ? 206 : 200);
        byte[] bytes = answer.response().body();
        long expected = range.map(HlsSegment.ByteRange::length).orElse((long) bytes.length);
        if (bytes.length != expected) {
            throw new IOException(location + ": " + bytes.length + " bytes (expected: " + expected + ")");
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
        HttpRequest next = request;
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpResponse<byte[]> response = exchange(next, max);
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

    /** The client's own timeout ends with the headers; this one covers the body too. */
    private HttpResponse<byte[]> exchange(HttpRequest request, int max) throws IOException {
        CompletableFuture<HttpResponse<byte[]>> exchange =
                client.sendAsync(request, info -> new LimitedBody(request.uri(), max));
        try {
            return exchange.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            exchange.cancel(true);
            throw new IOException(request.uri() + ": no whole answer within " + TIMEOUT.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(request.uri() + ": " + e.getCause(), e);
        } catch (InterruptedException e) {
            exchange.cancel(true);
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(request.uri() + ": interrupted");
        }
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
