package live.tributary.origin.notify;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import live.tributary.mesh.http.HttpLimits;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.Pace;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.notify.NotifyCodec;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.notify.NotifyProof;
import live.tributary.protocol.stream.SigningKey;

/** The gateway's end of {@code /notify}, which keeps what it hears and answers as a test wants. */
final class RawGateway implements AutoCloseable {
    static final long BOUND_SECONDS = 40;

    final BlockingQueue<NotifyMessage> heard = new LinkedBlockingQueue<>();
    private final EventLoopGroup loops = Transport.NIO.newGroup("raw-gateway", 1);
    private final BoundPort port;

    /** @param answer to a message; empty for none */
    RawGateway(
            int number, Optional<SslContext> tls, BiFunction<RawGateway, NotifyMessage, Optional<NotifyMessage>> answer)
            throws IOException {
        WebSocketService service =
                query -> Optional.of((ChannelHandler) new SimpleChannelInboundHandler<BinaryWebSocketFrame>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext ctx, BinaryWebSocketFrame frame)
                            throws FormatException {
                        NotifyMessage message = NotifyCodec.decode(ByteBufUtil.getBytes(frame.content()));
                        heard.add(message);
                        answer.apply(RawGateway.this, message)
                                .ifPresent(next -> ctx.writeAndFlush(
                                        new BinaryWebSocketFrame(Unpooled.wrappedBuffer(NotifyCodec.encode(next)))));
                    }
                });
        port = BoundPort.bind(
                Transport.NIO,
                loops,
                BoundPort.Config.of(
                        List.of(InetAddress.getLoopbackAddress(), InetAddress.getByName("127.0.0.2")), number),
                new PortServices(
                        List.of(),
                        new HttpServer(List.of(), List.of(service), HttpLimits.DEFAULT, Pace.UNLIMITED),
                        tls),
                Optional.empty());
    }

    /** One that proves its key and has what a test says. */
    static RawGateway honest(int number, Optional<SslContext> tls, SigningKey key, NotifyMessage.Have have)
            throws IOException {
        return new RawGateway(number, tls, (gateway, message) -> {
            if (message instanceof NotifyMessage.Open open) {
                return Optional.of(challenge(open, key, key));
            }
            return message instanceof NotifyMessage.Proof ? Optional.of(have) : Optional.empty();
        });
    }

    /** What a gateway answers that says it has one key and signs with another. */
    static NotifyMessage.Challenge challenge(NotifyMessage.Open open, SigningKey says, SigningKey signs) {
        byte[] nonce = new byte[NotifyMessage.NONCE_LENGTH];
        NotifyProof proof = new NotifyProof(open.stream(), says.relayKey(), open.nonce(), nonce);
        return new NotifyMessage.Challenge(says.relayKey(), nonce, proof.signByGateway(signs));
    }

    int port() {
        return port.port();
    }

    NotifyMessage hears() throws InterruptedException {
        NotifyMessage message = heard.poll(BOUND_SECONDS, TimeUnit.SECONDS);
        if (message == null) {
            throw new AssertionError("nothing was heard within " + BOUND_SECONDS + " s");
        }
        return message;
    }

    @Override
    public void close() {
        port.close();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
