package live.tributary.mesh.tracker;

import io.netty.channel.ChannelHandler;
import io.netty.util.concurrent.EventExecutor;
import java.net.InetAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.http.Forwarded;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.protocol.tracker.WebTrackerRequest;

/**
 * The tracker for browsers (WebTorrent's protocol over WebSockets).
 *
 * <p>Where it differs from the usual server: an infohash that no carried stream gives is refused; a peer id belongs to the
 * connection that brought it; answers are passed on only where an offer is awaited; a scrape without a question gets no list.
 */
public final class WebSocketTracker implements WebSocketService {
    /** Connections that may be open; each takes some kilobytes, and the next is turned away. */
    static final int MAX_CONNECTIONS = 20_000;

    private final WebTracker tracker;
    private final Predicate<String> paths;
    private final Function<HttpQuery, InetAddress> client;
    private final LongSupplier nanoTime;
    private final AtomicInteger open = new AtomicInteger();
    private final Map<EventExecutor, DeliveryRound> rounds = new ConcurrentHashMap<>();
    private final AnnounceCounters counters;
    private final Tally passed;
    private final Tally dropped;
    private final Tally unasked;

    /**
     * @param paths at which it is found
     * @param client the browser's address, which behind a proxy is not the connection's
     * @param nanoTime a monotonic clock
     */
    public WebSocketTracker(
            WebTracker tracker,
            Predicate<String> paths,
            Function<HttpQuery, InetAddress> client,
            Meters meters,
            LongSupplier nanoTime) {
        this.tracker = tracker;
        this.paths = paths;
        this.client = client;
        this.nanoTime = nanoTime;
        this.counters = new AnnounceCounters(meters, "ws");
        this.passed = meters.tally(Meter.OFFERS, "passed");
        this.dropped = meters.tally(Meter.OFFERS, "dropped");
        this.unasked = meters.tally(Meter.OFFERS, "unasked");
        meters.gauge(open::get, Meter.WEB_SOCKETS);
    }

    /** On any path, for browsers that connect directly or through a proxy on this machine. */
    public static WebSocketTracker everywhere(WebTracker tracker, Meters meters, LongSupplier nanoTime) {
        return new WebSocketTracker(
                tracker,
                path -> true,
                query -> Forwarded.client(query.remote().getAddress(), query.headers()),
                meters,
                nanoTime);
    }

    @Override
    public int maxFrame() {
        return WebTrackerRequest.MAX_FRAME;
    }

    @Override
    public Optional<ChannelHandler> accept(HttpQuery query) {
        if (!paths.test(query.rawPath())) {
            return Optional.empty();
        }
        if (open.get() >= MAX_CONNECTIONS) {
            counters.count(AnnounceCounters.Result.LIMITED);
            return Optional.empty();
        }
        return Optional.of(new WebSocketPeer(this, client.apply(query)));
    }

    WebTracker tracker() {
        return tracker;
    }

    AnnounceCounters counters() {
        return counters;
    }

    long now() {
        return nanoTime.getAsLong();
    }

    DeliveryRound round(EventExecutor loop) {
        return rounds.computeIfAbsent(loop, DeliveryRound::new);
    }

    void opened() {
        open.incrementAndGet();
    }

    void closed() {
        open.decrementAndGet();
    }

    void count(WebSwarm.Passed offers) {
        passed.add(offers.offers());
        dropped.add(offers.dropped());
    }

    void countUnasked() {
        unasked.increment();
    }
}
