package live.tributary.mesh.tracker;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.Forwarded;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.http.PlainGet;
import live.tributary.mesh.http.PlainGetService;
import live.tributary.mesh.tracker.AnnounceCounters.Result;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.HttpTrackerFormat;

/** The tracker at {@code /announce} and {@code /scrape}. */
public final class HttpTracker implements HttpService, PlainGetService {
    private static final String ANNOUNCE = "/announce";
    private static final String SCRAPE = "/scrape";
    private static final Map<String, String> HEADERS =
            Map.of("content-type", "text/plain", "cache-control", "no-store");
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    private final Tracker tracker;
    private final AnnounceCounters counters;
    private final LongSupplier nanoTime;
    private volatile Reached lastReached = new Reached("", false, Optional.empty());

    /** What a client wrote as its host, and what that means. */
    private record Reached(String host, boolean tls, Optional<Endpoint> endpoint) {}

    public HttpTracker(Tracker tracker, Meters meters, LongSupplier nanoTime) {
        this.tracker = tracker;
        this.counters = new AnnounceCounters(meters, "http");
        this.nanoTime = nanoTime;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        boolean announce = query.rawPath().equals(ANNOUNCE);
        if (!announce && !query.rawPath().equals(SCRAPE)) {
            return Optional.empty();
        }
        long now = nanoTime.getAsLong();
        if (!tracker.admits(Forwarded.client(query.remote().getAddress(), query.headers()), now)) {
            counters.count(Result.LIMITED);
            HttpAnswer limited = ok(HttpTrackerFormat.failure("too many requests from this address"));
            return done(new HttpAnswer(TOO_MANY_REQUESTS, limited.headers(), limited.body()).with("retry-after", "30"));
        }
        try {
            return done(ok(announce ? announce(query, now) : scrape(query, now)));
        } catch (FormatException e) {
            return done(ok(malformed(e)));
        }
    }

    @Override
    public String path() {
        return ANNOUNCE;
    }

    @Override
    public Map<String, String> headers() {
        return HEADERS;
    }

    @Override
    public Optional<byte[]> answer(PlainGet request) {
        long now = nanoTime.getAsLong();
        if (!tracker.admits(request.remote().getAddress(), now)) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    announce(request.rawQuery(), request.remote(), reached(request.host(), request.tls()), now));
        } catch (FormatException e) {
            return Optional.of(malformed(e));
        }
    }

    private byte[] announce(HttpQuery query, long now) throws FormatException {
        String host = query.headers().get(HttpHeaderNames.HOST, "");
        return announce(query.rawQuery(), query.remote(), reached(host, query.tls()), now);
    }

    private byte[] announce(String rawQuery, InetSocketAddress from, Optional<Endpoint> reached, long now)
            throws FormatException {
        HttpTrackerFormat.Announce announce = HttpTrackerFormat.readAnnounce(rawQuery);
        Tracker.Answer answer = tracker.announce(announce.request(), from, reached, now);
        if (answer instanceof Tracker.Answer.Peers peers) {
            counters.count(Result.ANSWERED);
            return HttpTrackerFormat.body(peers.response(), announce.compact());
        }
        counters.count(Result.UNKNOWN);
        return HttpTrackerFormat.failure(Tracker.UNKNOWN_TORRENT);
    }

    private byte[] scrape(HttpQuery query, long now) throws FormatException {
        byte[] body = HttpTrackerFormat.body(tracker.scrape(HttpTrackerFormat.readScrape(query.rawQuery()), now));
        counters.count(Result.SCRAPED);
        return body;
    }

    private byte[] malformed(FormatException failure) {
        counters.count(Result.MALFORMED);
        return HttpTrackerFormat.failure(String.valueOf(failure.getMessage()));
    }

    /**
     * Where the client says that it reached this node. A lie comes back to the liar alone, and only a known endpoint, or within a
     * LAN a neighbouring address, is taken from it.
     */
    private Optional<Endpoint> reached(String host, boolean tls) {
        Reached last = lastReached;
        if (last.tls() != tls || !last.host().equals(host)) { // Most clients of a relay come by the same name.
            last = new Reached(host, tls, endpoint(host, tls));
            lastReached = last;
        }
        return last.endpoint();
    }

    private static Optional<Endpoint> endpoint(String host, boolean tls) {
        // A numeric host, in brackets if it is IPv6, and behind it a port unless it is the scheme's own.
        int colon = host.indexOf(':', host.indexOf(']') + 1);
        byte[] address = NetUtil.createByteArrayFromIpAddressString(colon < 0 ? host : host.substring(0, colon));
        if (address == null) {
            return Optional.empty();
        }
        try {
            int port = colon < 0 ? (tls ? HTTPS_PORT : HTTP_PORT) : Integer.parseInt(host.substring(colon + 1));
            return Optional.of(new Endpoint(InetAddress.getByAddress(address), port));
        } catch (UnknownHostException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static HttpAnswer ok(byte[] body) {
        return new HttpAnswer(200, HEADERS, Unpooled.wrappedBuffer(body));
    }

    private static Optional<CompletionStage<HttpAnswer>> done(HttpAnswer answer) {
        return Optional.of(CompletableFuture.completedFuture(answer));
    }
}
