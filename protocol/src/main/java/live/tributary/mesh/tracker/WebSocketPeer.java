package live.tributary.mesh.tracker;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.mesh.tracker.AnnounceCounters.Result;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.ScrapeResponse;
import live.tributary.protocol.tracker.WebTrackerRequest;
import live.tributary.protocol.tracker.WebTrackerResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One browser's connection to the tracker, which may be in many swarms.
 *
 * <p>A quiet browser is asked for a sign of life after a minute and given up after two and a half, or after ten seconds where
 * another comes with its peer id. While it does not read what it was sent, nothing is read from it and offers go to others.
 */
final class WebSocketPeer extends ChannelInboundHandlerAdapter implements WebSwarm.Connection {
    /** Swarms that one connection may be in: a player is in one or two, one that loads torrents in some more. */
    static final int MAX_SWARMS = 64;
    /** Messages of no use after which the connection is closed. */
    static final int MAX_MALFORMED = 16;

    static final long QUIET = TimeUnit.SECONDS.toNanos(60);
    static final long GONE = TimeUnit.SECONDS.toNanos(150);
    static final long PROOF = TimeUnit.SECONDS.toNanos(10);

    private static final Logger LOG = LoggerFactory.getLogger(WebSocketPeer.class);

    /** Where an event loop's messages are parsed. */
    private static final ThreadLocal<byte[]> MESSAGE =
            ThreadLocal.withInitial(() -> new byte[WebTrackerRequest.MAX_LENGTH]);

    private final WebSocketTracker tracker;
    private final InetAddress address;
    private final Set<InfoHash> joined = new HashSet<>(2);
    private final Outbox outbox = new Outbox();
    private @Nullable DeliveryRound round;
    private @Nullable ChannelHandlerContext context;
    private @Nullable Future<?> check;
    private long heard;
    private boolean proving;
    private int malformed;
    private boolean left;

    WebSocketPeer(WebSocketTracker tracker, InetAddress address) {
        this.tracker = tracker;
        this.address = address;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        round = tracker.round(ctx.executor());
        context = ctx;
        heard = ctx.executor().ticker().nanoTime();
        tracker.opened();
        check(ctx, QUIET);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        leave();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        leave();
        ctx.fireChannelInactive();
    }

    private void leave() {
        if (left) {
            return;
        }
        left = true;
        outbox.close();
        tracker.closed();
        joined.forEach(infoHash -> tracker.tracker().leave(infoHash, this));
        joined.clear();
        if (check != null) {
            check.cancel(false);
        }
    }

    // ---- In

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            if (message instanceof TextWebSocketFrame || message instanceof BinaryWebSocketFrame) {
                take(ctx, ((WebSocketFrame) message).content());
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void take(ChannelHandlerContext ctx, ByteBuf content) {
        long now = tracker.now();
        int length = Math.min(content.readableBytes(), WebTrackerRequest.MAX_LENGTH); // The server's own limit.
        byte[] message = MESSAGE.get();
        content.readBytes(message, 0, length);
        WebTrackerRequest request = WebTrackerRequest.read(message, length);
        if (outbox.hasEnough()) { // Else who asks without end would have it grow.
            deliver();
        }
        if (!tracker.tracker().admits(address, now)) {
            refuse(request, Result.LIMITED, "too many requests from this address");
        } else if (request instanceof WebTrackerRequest.Announce announce) {
            announce(announce, now);
        } else if (request instanceof WebTrackerRequest.Answer answer) {
            answer(answer, now);
        } else if (request instanceof WebTrackerRequest.Scrape scrape) {
            tracker.counters().count(Result.SCRAPED);
            Map<InfoHash, ScrapeResponse.Counts> counts = tracker.tracker().scrape(scrape, now);
            send(new WebTrackerResponse.Scraped(
                    counts, tracker.tracker().limits().interval()));
        } else if (request instanceof WebTrackerRequest.Malformed useless) {
            refuse(useless, Result.MALFORMED, useless.reason());
            malformed++;
            if (malformed >= MAX_MALFORMED) {
                ctx.close();
            }
        }
    }

    private void announce(WebTrackerRequest.Announce announce, long now) {
        InfoHash infoHash = announce.infoHash();
        if (joined.size() >= MAX_SWARMS && !joined.contains(infoHash)) {
            refuse(announce, Result.LIMITED, "too many torrents on one connection");
            return;
        }
        Optional<WebTracker.Announced> announced = tracker.tracker().announce(announce, this, now);
        if (announced.isEmpty()) {
            refuse(announce, Result.UNKNOWN, Tracker.UNKNOWN_TORRENT);
            return;
        }
        switch (announced.get().passed().outcome()) {
            case NOT_YOURS -> refuse(announce, Result.REFUSED, "peer_id: in use by another connection");
            case FULL -> refuse(announce, Result.LIMITED, "too many peers");
            default -> {
                if (announce.event() == AnnounceEvent.STOPPED) {
                    joined.remove(infoHash);
                } else {
                    joined.add(infoHash);
                }
                tracker.counters().count(Result.ANSWERED);
                tracker.count(announced.get().passed());
                ScrapeResponse.Counts counts = announced.get().counts();
                send(new WebTrackerResponse.Announced(
                        infoHash, tracker.tracker().limits().interval(), counts.seeders(), counts.leechers()));
            }
        }
    }

    private void answer(WebTrackerRequest.Answer answer, long now) {
        switch (tracker.tracker().answer(answer, this, now)) {
            case NOT_YOURS -> refuse(answer, Result.REFUSED, "peer_id: not announced on this connection");
            case NOT_ASKED -> tracker.countUnasked(); // It may only be late.
            default -> tracker.counters().count(Result.PASSED);
        }
    }

    private void refuse(WebTrackerRequest request, Result result, String reason) {
        tracker.counters().count(result);
        String action = WebTrackerRequest.ANNOUNCE;
        byte[] infoHash = {};
        if (request instanceof WebTrackerRequest.Announce announce) {
            infoHash = announce.infoHash().bytes();
        } else if (request instanceof WebTrackerRequest.Answer answer) {
            infoHash = answer.infoHash().bytes();
        } else if (request instanceof WebTrackerRequest.Scrape) {
            action = WebTrackerRequest.SCRAPE;
        } else if (request instanceof WebTrackerRequest.Malformed useless) {
            action = useless.action();
            infoHash = useless.infoHash();
        }
        send(new WebTrackerResponse.Failed(action, infoHash, reason));
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        heard = ctx.executor().ticker().nanoTime(); // A pong too, which comes no further than to here.
        ctx.fireChannelReadComplete();
    }

    // ---- Out; from any thread, since another's announce may cause it

    @Override
    public boolean keepsUp() {
        ChannelHandlerContext ctx = context;
        return ctx != null && ctx.channel().isActive() && ctx.channel().isWritable() && !outbox.hasEnough();
    }

    @Override
    public void send(WebTrackerResponse message) {
        ChannelHandlerContext ctx = context;
        DeliveryRound delivery = round;
        if (ctx == null || delivery == null || !ctx.channel().isActive()) {
            return;
        }
        if (outbox.add(message, ctx.alloc())) {
            delivery.add(this);
        }
    }

    /** Gives the browser what waits for it; on its event loop. */
    void deliver() {
        ChannelHandlerContext ctx = context;
        if (ctx != null && !left) {
            ctx.writeAndFlush(outbox.take(), ctx.voidPromise());
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event == WebSocketService.CLOSING) {
            deliver();
            leave(); // Before the other end hears that it is gone, and comes again.
        }
        ctx.fireUserEventTriggered(event);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(ctx.channel().isWritable());
        ctx.fireChannelWritabilityChanged();
    }

    // ---- Signs of life

    @Override
    public void prove() {
        ChannelHandlerContext ctx = context;
        if (ctx != null) {
            ctx.executor().execute(() -> prove(ctx));
        }
    }

    private void prove(ChannelHandlerContext ctx) {
        if (proving || left) {
            return;
        }
        proving = true;
        long asked = heard;
        ping(ctx);
        ctx.executor()
                .schedule(
                        () -> {
                            proving = false;
                            if (heard == asked) {
                                ctx.close();
                            }
                        },
                        PROOF,
                        TimeUnit.NANOSECONDS);
    }

    private void check(ChannelHandlerContext ctx, long after) {
        check = ctx.executor().schedule(() -> checked(ctx), after, TimeUnit.NANOSECONDS);
    }

    private void checked(ChannelHandlerContext ctx) {
        long silence = ctx.executor().ticker().nanoTime() - heard;
        if (silence >= GONE) {
            ctx.close();
        } else if (silence >= QUIET) {
            ping(ctx);
            check(ctx, GONE - silence);
        } else {
            check(ctx, QUIET - silence);
        }
    }

    private static void ping(ChannelHandlerContext ctx) {
        ctx.writeAndFlush(new PingWebSocketFrame(), ctx.voidPromise());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof TooLongFrameException || cause instanceof CorruptedWebSocketFrameException) {
            tracker.counters().count(Result.MALFORMED);
        } else if (!(cause instanceof IOException)) {
            LOG.warn("a WebSocket failed", cause);
        }
        ctx.close();
    }
}
