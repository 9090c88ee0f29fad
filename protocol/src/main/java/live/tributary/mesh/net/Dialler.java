package live.tributary.mesh.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.timeout.IdleStateHandler;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.HandshakeDecoder;
import live.tributary.protocol.wire.PeerMessageDecoder;
import live.tributary.protocol.wire.PeerMessageEncoder;

/** Opens connections on a stream's mesh infohash, and fits a channel out as a link. */
final class Dialler {
    /** Silence after which a keep-alive is sent, and after which the other end counts as gone; BEP 3 gives two minutes. */
    private static final int KEEP_ALIVE_SECONDS = 30;

    private static final int IDLE_SECONDS = 100;
    private static final int HANDSHAKE_SECONDS = 5;

    private final NodeContext node;
    private final EventLoop loop;
    private final InfoHash mesh;

    Dialler(NodeContext node, EventLoop loop, InfoHash mesh) {
        this.node = node;
        this.loop = loop;
        this.mesh = mesh;
    }

    /**
     * Dials; either {@code opened}, once both handshakes are exchanged, or {@code failed} is told, on the loop.
     *
     * @param make makes the link of the channel, on the loop
     */
    void dial(Endpoint endpoint, Function<Channel, Link> make, Consumer<Link> opened, Runnable failed) {
        Greeting greeting = new Greeting(make, opened, failed);
        ChannelFuture connecting = node.parts()
                .transport()
                .client(loop)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new PeerMessageEncoder(), new HandshakeDecoder(), greeting);
                    }
                })
                .connect(endpoint.socketAddress());
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                loop.execute(greeting::fail);
            }
        });
    }

    /** Puts a link's handlers behind those that are there; the handshake is over. */
    void install(Channel channel, Link link) {
        channel.pipeline()
                .addLast(
                        new IdleStateHandler(IDLE_SECONDS, KEEP_ALIVE_SECONDS, 0),
                        PeerMessageDecoder.ofLink(),
                        new LinkHandler(link, loop));
    }

    /** The dialling side's handshake: ours goes out, theirs must name the same stream. */
    private final class Greeting extends SimpleChannelInboundHandler<Handshake> {
        private final Function<Channel, Link> make;
        private final Consumer<Link> opened;
        private final Runnable failed;
        private boolean over;

        Greeting(Function<Channel, Link> make, Consumer<Link> opened, Runnable failed) {
            this.make = make;
            this.opened = opened;
            this.failed = failed;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush(PeerIds.handshake(mesh, node.parts().random()));
            context.executor().schedule(() -> timeOut(context), HANDSHAKE_SECONDS, TimeUnit.SECONDS);
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, Handshake theirs) {
            if (over || !theirs.infoHash().equals(mesh) || !theirs.extensions()) {
                context.close();
                return;
            }
            over = true;
            Link link = make.apply(context.channel());
            install(context.channel(), link);
            context.pipeline().remove(this);
            opened.accept(link);
        }

        private void timeOut(ChannelHandlerContext context) {
            if (!over) {
                context.close();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            fail();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close(); // Refused, reset, or another protocol: a failed dial like any other.
        }

        private void fail() {
            if (!over) {
                over = true;
                failed.run();
            }
        }
    }
}
