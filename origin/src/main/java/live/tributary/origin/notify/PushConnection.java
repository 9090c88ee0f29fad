package live.tributary.origin.notify;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler.ClientHandshakeStateEvent;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.admin.Via;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.notify.NotifyCodec;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.notify.NotifyProof;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One WebSocket to a gateway: proves both ends, then sends what the plan has due, as fast as the uplink and the gateway take it. */
final class PushConnection extends SimpleChannelInboundHandler<WebSocketFrame> {
    private static final Logger log = LoggerFactory.getLogger(PushConnection.class);

    private enum State {
        CONNECTING,
        OPENED,
        PROVEN,
        PUSHING
    }

    private enum Result {
        SENT,
        DROPPED
    }

    private final GatewayPush push;
    private final NotifyTarget target;
    private final SigningKey key;
    private final StreamKey stream;
    private final GatewayPush.Surroundings around;
    private final Tally sentBytes;
    private final Tally sent;
    private final Tally dropped;
    private final byte[] nonce = new byte[NotifyMessage.NONCE_LENGTH];
    private Optional<ChannelHandlerContext> context = Optional.empty();
    private Optional<byte[]> waiting = Optional.empty();
    private State state = State.CONNECTING;
    private String why = "it closed the connection";
    private boolean saidNo;
    private boolean pausing;
    private boolean fallingBehind;

    PushConnection(
            GatewayPush push, NotifyTarget target, SigningKey key, StreamKey stream, GatewayPush.Surroundings around) {
        this.push = push;
        this.target = target;
        this.key = key;
        this.stream = stream;
        this.around = around;
        this.sentBytes = around.meters().tally(Meter.SENT, PeerKind.GATEWAY, Via.WS);
        this.sent = around.meters().tally(Meter.NOTIFY_NEWS, Result.SENT);
        this.dropped = around.meters().tally(Meter.NOTIFY_NEWS, Result.DROPPED);
        around.random().nextBytes(nonce);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = Optional.of(ctx);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event == ClientHandshakeStateEvent.HANDSHAKE_COMPLETE) {
            state = State.OPENED;
            send(ctx, NotifyCodec.encode(new NotifyMessage.Open(stream, nonce)));
            ctx.flush();
        } else if (event == ClientHandshakeStateEvent.HANDSHAKE_TIMEOUT) {
            give(ctx, "it does not answer");
        } else if (event instanceof IdleStateEvent idle && idle.state() == IdleState.READER_IDLE) {
            give(ctx, "it is silent");
        } else if (event instanceof IdleStateEvent && state != State.CONNECTING) {
            ctx.writeAndFlush(new PingWebSocketFrame());
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, WebSocketFrame frame) {
        if (!(frame instanceof BinaryWebSocketFrame)) {
            give(ctx, "it answers in text (expected: binary frames)");
            return;
        }
        try {
            received(ctx, NotifyCodec.decode(ByteBufUtil.getBytes(frame.content())));
        } catch (LiveMessageCodec.UnknownKindException e) {
            log.debug("passed over: {}", e.getMessage());
        } catch (FormatException e) {
            give(ctx, "it is no gateway: " + e.getMessage());
        }
    }

    private void received(ChannelHandlerContext ctx, NotifyMessage message) {
        if (message instanceof NotifyMessage.Refused refused) {
            saidNo = true;
            give(ctx, "it refuses: " + refused.reason().replaceAll("[^\\x20-\\x7e]", "?"));
        } else if (state == State.OPENED && message instanceof NotifyMessage.Challenge challenge) {
            challenged(ctx, challenge);
        } else if (state == State.PROVEN && message instanceof NotifyMessage.Have have) {
            state = State.PUSHING;
            push.plan().begin(have.places());
            push.proven();
            pump();
        } else {
            give(ctx, "it is no gateway: " + message.getClass().getSimpleName() + " while " + state);
        }
    }

    private void challenged(ChannelHandlerContext ctx, NotifyMessage.Challenge challenge) {
        NotifyProof proof = new NotifyProof(stream, challenge.gateway(), nonce, challenge.nonce());
        if (target.gateway()
                .filter(expected -> !expected.equals(challenge.gateway()))
                .isPresent()) {
            give(ctx, "another key answers there: " + challenge.gateway() + " (expected: the one behind #)");
        } else if (!proof.isByGateway(challenge.signature())) {
            give(ctx, "it does not prove its key");
        } else {
            state = State.PROVEN;
            send(ctx, NotifyCodec.encode(new NotifyMessage.Proof(proof.signByOrigin(key))));
            ctx.flush();
        }
    }

    /** Sends what is due. */
    void pump() {
        context.filter(ctx -> state == State.PUSHING).ifPresent(this::pump);
    }

    private void pump(ChannelHandlerContext ctx) {
        boolean any = false;
        while (!pausing && ctx.channel().isActive() && ctx.channel().isWritable()) {
            if (waiting.isEmpty()) {
                Optional<LiveMessage> next = push.plan().next();
                tellDropped();
                waiting = next.map(LiveMessageCodec::encode);
            }
            if (waiting.isEmpty()) {
                break;
            }
            byte[] message = waiting.get();
            long wait = around.uplink().applyAsLong(message.length);
            if (wait > 0) {
                pausing = true;
                var unused = ctx.executor()
                        .schedule(
                                () -> {
                                    pausing = false;
                                    pump();
                                },
                                wait,
                                TimeUnit.NANOSECONDS);
                break;
            }
            waiting = Optional.empty();
            send(ctx, message);
            sent.increment();
            any = true;
        }
        if (any) {
            ctx.flush();
        }
    }

    private void tellDropped() {
        long count = push.plan().takeDropped();
        if (count > 0) {
            dropped.add(count);
            if (!fallingBehind) {
                log.warn("{} is too slow: {} records were not told to it, the oldest", target, count);
            }
        }
        fallingBehind = count > 0;
    }

    private void send(ChannelHandlerContext ctx, byte[] message) {
        sentBytes.add(message.length);
        ctx.write(new BinaryWebSocketFrame(Unpooled.wrappedBuffer(message)));
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        pump();
        ctx.fireChannelWritabilityChanged();
    }

    private void give(ChannelHandlerContext ctx, String reason) {
        why = reason;
        ctx.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        state = State.CONNECTING;
        push.ended(this, why, saidNo);
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        give(ctx, String.valueOf(root.getMessage()));
    }
}
