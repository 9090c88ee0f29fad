package live.tributary.gateway.notify;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.mesh.StreamIntake;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Via;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.notify.NotifyCodec;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.notify.NotifyProof;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One origin's connection: its challenge, and then the news that it pushes, each signature checked before it goes on.
 *
 * <p>Everything happens on the channel's event loop but the checks, which are done one after another on a thread apart, so that
 * news stays in order. Whoever pushes faster than he may, or than the checks go, is read slower.
 */
final class NotifyConnection extends SimpleChannelInboundHandler<WebSocketFrame> {
    private static final Logger LOG = LoggerFactory.getLogger(NotifyConnection.class);

    /** The most messages of one connection that wait for their check. */
    private static final int MAX_CHECKING = 32;

    private static final Duration MAX_FUTURE = Duration.ofSeconds(30);

    private final Surroundings around;
    private final InetAddress from;
    private State state = State.NEW;
    private Optional<NotifyProof> proof = Optional.empty();
    private Optional<PushRate> rate = Optional.empty();
    private Instant headCounts = Instant.MIN;
    private boolean connected;
    private boolean proven;
    private boolean slowed;
    private int checking;

    private enum State {
        NEW,
        CHALLENGED,
        /** The proof is being checked: nothing may be said meanwhile. */
        PROVING,
        PROVEN,
        CLOSED
    }

    private enum Result {
        TAKEN,
        NOT_LIVE,
        WRONG_STREAM,
        BAD_SIGNATURE,
        MALFORMED
    }

    /** What all connections share. */
    record Surroundings(
            SigningKey key,
            PushedStreams streams,
            ListedStreams listed,
            NotifyLimits limits,
            Duration history,
            Executor checks,
            Meters meters,
            InstantSource clock,
            SecureRandom random) {}

    NotifyConnection(Surroundings around, InetAddress from) {
        this.around = around;
        this.from = from;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        connected = around.streams().connect(from);
        rate = Optional.of(
                new PushRate(around.limits().bytesPerSecond(), around.limits().burst(), now(ctx)));
        if (!connected) {
            refuse(ctx, "too many connections");
            return;
        }
        schedule(ctx, around.limits().handshake(), () -> {
            if (state != State.PROVEN) {
                ctx.close();
            }
        });
        // Pings count too, and are answered before they come here.
        ctx.pipeline()
                .addFirst(new IdleStateHandler(around.limits().silence().toMillis(), 0, 0, TimeUnit.MILLISECONDS));
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof IdleStateEvent) {
            ctx.close();
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    private static void schedule(ChannelHandlerContext ctx, Duration after, Runnable task) {
        Future<?> timer = ctx.executor().schedule(task, after.toNanos(), TimeUnit.NANOSECONDS);
        ctx.channel().closeFuture().addListener(closed -> timer.cancel(false));
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        closed();
        ctx.fireChannelInactive();
    }

    private void closed() {
        state = State.CLOSED;
        if (proven) {
            proven = false;
            proof.ifPresent(one -> around.streams().end(one.stream()));
        }
        if (connected) {
            connected = false;
            around.streams().disconnect(from);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, WebSocketFrame frame) {
        if (state == State.CLOSED) {
            return;
        }
        int length = frame.content().readableBytes();
        around.meters().tally(Meter.RECEIVED, PeerKind.ORIGIN, Via.WS).add(length);
        if (!(frame instanceof BinaryWebSocketFrame)) {
            malformed(ctx, "a text frame (expected: binary)");
            return;
        }
        slowDown(ctx, rate.orElseThrow().take(length, now(ctx)));
        try {
            received(ctx, NotifyCodec.decode(ByteBufUtil.getBytes(frame.content())));
        } catch (LiveMessageCodec.UnknownKindException e) {
            LOG.debug("passed over: {}", e.getMessage()); // A newer version's.
        } catch (FormatException e) {
            malformed(ctx, String.valueOf(e.getMessage()));
        }
    }

    private void received(ChannelHandlerContext ctx, NotifyMessage message) {
        if (state == State.NEW && message instanceof NotifyMessage.Open open) {
            open(ctx, open);
        } else if (state == State.CHALLENGED && message instanceof NotifyMessage.Proof answer) {
            NotifyProof asked = proof.orElseThrow();
            state = State.PROVING;
            check(ctx, () -> asked.isByOrigin(answer.signature()), genuine -> proven(ctx, asked.stream(), genuine));
        } else if (state == State.PROVEN && message instanceof NotifyMessage.News news) {
            news(ctx, proof.orElseThrow().stream(), news.message());
        } else {
            malformed(ctx, message.getClass().getSimpleName() + " while " + state);
        }
    }

    // ---- who is it

    private void open(ChannelHandlerContext ctx, NotifyMessage.Open open) {
        Optional<String> refusal = around.streams().refusal(open.stream(), from);
        if (refusal.isPresent()) {
            refuse(ctx, refusal.get());
            return;
        }
        byte[] nonce = new byte[NotifyMessage.NONCE_LENGTH];
        around.random().nextBytes(nonce);
        NotifyProof asked = new NotifyProof(open.stream(), around.key().relayKey(), open.nonce(), nonce);
        proof = Optional.of(asked);
        state = State.PROVING;
        check(ctx, () -> asked.signByGateway(around.key()), signature -> {
            state = State.CHALLENGED;
            send(ctx, new NotifyMessage.Challenge(around.key().relayKey(), nonce, signature));
        });
    }

    private void proven(ChannelHandlerContext ctx, StreamKey stream, boolean genuine) {
        if (!genuine) {
            badSignature(ctx);
        } else if (!around.streams().begin(stream)) {
            refuse(ctx, "others push this stream already");
        } else {
            proven = true;
            state = State.PROVEN;
            send(ctx, new NotifyMessage.Have(places(stream)));
        }
    }

    private List<NotifyMessage.Place> places(StreamKey stream) {
        List<NotifyMessage.Place> places = new ArrayList<>();
        Optional<StreamView> known =
                around.listed().find(stream.text()); // Or its successor, of which it need not hear.
        known.filter(view -> view.key().equals(stream))
                .ifPresent(view -> view.renditions().stream()
                        .limit(NotifyMessage.MAX_PLACES)
                        .flatMap(rendition -> view.newest(rendition, 1).stream())
                        .forEach(newest -> places.add(new NotifyMessage.Place(newest.chunk(), newest.hash()))));
        return places;
    }

    // ---- what it says

    private void news(ChannelHandlerContext ctx, StreamKey stream, LiveMessage message) {
        if (message instanceof LiveMessage.HeadNews news) {
            if (ofAnother(news.head().stream(), stream)) {
                return;
            }
            SignedHead head = news.head();
            taken(ctx, head::verifies, () -> head(head));
        } else if (message instanceof LiveMessage.AboutNews news) {
            if (!ofAnother(news.about().body().stream(), stream)) {
                taken(ctx, news.about()::verifies, () -> intake(stream, intake -> intake.take(news.about())));
            }
        } else if (message instanceof LiveMessage.RecordNews news) {
            if (!ofAnother(news.record().body().stream(), stream)) {
                taken(ctx, news.record()::verifies, () -> record(stream, news.record()));
            }
        } else if (message instanceof LiveMessage.Stored stored) {
            taken(ctx, () -> stored.verifies(stream), () -> intake(stream, intake -> intake.take(stored)));
        } else if (message instanceof LiveMessage.KeyEndNews news) {
            if (!ofAnother(news.end().stream(), stream)) {
                taken(ctx, news.end()::verifies, () -> {
                    around.streams().ended(news.end(), around.clock().instant());
                    intake(stream, intake -> intake.take(news.end()));
                });
            }
        } else if (message instanceof LiveMessage.Relays relays) {
            taken(
                    ctx,
                    () -> relays.relays().stream().allMatch(RelayDescriptor::verifies),
                    () -> intake(stream, intake -> intake.take(relays.relays())));
        }
    }

    private boolean ofAnother(StreamKey named, StreamKey pushed) {
        boolean another = !named.equals(pushed);
        if (another) {
            count(Result.WRONG_STREAM);
        }
        return another;
    }

    private void head(SignedHead head) {
        Instant now = around.clock().instant();
        if (head.head().expired(now)
                || head.head().expires().isAfter(now.plus(Head.MAX_LIFETIME).plus(MAX_FUTURE))) {
            count(Result.NOT_LIVE);
            return;
        }
        headCounts = head.head().expires();
        around.streams().head(head, from).ifPresentOrElse(intake -> intake.take(head), () -> count(Result.NOT_LIVE));
    }

    private void record(StreamKey stream, ChunkRecord record) {
        Instant now = around.clock().instant();
        Instant published = record.body().published();
        boolean live = now.isBefore(headCounts)
                && !published.isBefore(now.minus(around.history()))
                && !published.isAfter(now.plus(MAX_FUTURE));
        if (live) {
            intake(stream, intake -> intake.take(record));
        } else {
            count(Result.NOT_LIVE);
        }
    }

    private void intake(StreamKey stream, Consumer<StreamIntake> news) {
        around.streams().intake(stream).ifPresentOrElse(news, () -> count(Result.NOT_LIVE));
    }

    private void taken(ChannelHandlerContext ctx, Supplier<Boolean> genuine, Runnable take) {
        check(ctx, genuine, good -> {
            if (good) {
                count(Result.TAKEN);
                take.run();
            } else {
                badSignature(ctx);
            }
        });
    }

    private <T> void check(ChannelHandlerContext ctx, Supplier<T> question, Consumer<T> answer) {
        checking++;
        readOrWait(ctx);
        try {
            around.checks().execute(() -> {
                T result = question.get();
                ctx.executor().execute(() -> {
                    checking--;
                    if (state != State.CLOSED) {
                        readOrWait(ctx);
                        answer.accept(result);
                    }
                });
            });
        } catch (RejectedExecutionException e) {
            ctx.close(); // The gateway stops.
        }
    }

    private void slowDown(ChannelHandlerContext ctx, long nanos) {
        if (nanos > 0 && !slowed) {
            slowed = true;
            readOrWait(ctx);
            schedule(ctx, Duration.ofNanos(nanos), () -> {
                slowed = false;
                readOrWait(ctx);
            });
        }
    }

    private void readOrWait(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(!slowed && checking < MAX_CHECKING);
    }

    // ---- answers

    private void badSignature(ChannelHandlerContext ctx) {
        count(Result.BAD_SIGNATURE);
        refuse(ctx, "bad signature");
    }

    private void malformed(ChannelHandlerContext ctx, String what) {
        LOG.debug("a connection to /notify broke the protocol: {}", what);
        count(Result.MALFORMED);
        refuse(ctx, "malformed");
    }

    private void refuse(ChannelHandlerContext ctx, String reason) {
        closed();
        ctx.write(frame(new NotifyMessage.Refused(reason)));
        ctx.writeAndFlush(new CloseWebSocketFrame(WebSocketCloseStatus.POLICY_VIOLATION))
                .addListener(ChannelFutureListener.CLOSE);
    }

    private static void send(ChannelHandlerContext ctx, NotifyMessage message) {
        ctx.writeAndFlush(frame(message));
    }

    private static BinaryWebSocketFrame frame(NotifyMessage message) {
        return new BinaryWebSocketFrame(Unpooled.wrappedBuffer(NotifyCodec.encode(message)));
    }

    private void count(Result result) {
        around.meters().tally(Meter.NOTIFY_NEWS, result).increment();
    }

    private static long now(ChannelHandlerContext ctx) {
        return ctx.executor().ticker().nanoTime();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("a connection to /notify failed: {}", cause.toString());
        count(Result.MALFORMED);
        ctx.close();
    }
}
