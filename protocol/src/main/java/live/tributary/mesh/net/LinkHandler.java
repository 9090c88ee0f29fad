package live.tributary.mesh.net;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.WireException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The last handler of a link's channel: carries what happens there to the {@link Link} on the stream's thread. */
final class LinkHandler extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(LinkHandler.class);

    private final Link link;
    private final EventLoop loop;
    private final ReadBacklog backlog;

    LinkHandler(Link link, EventLoop loop) {
        this.link = link;
        this.loop = loop;
        this.backlog = new ReadBacklog(loop);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof PeerMessage received && loop.inEventLoop()) {
            link.received(received);
        } else if (message instanceof PeerMessage received && !loop.isShuttingDown()) {
            backlog.add(context.channel().config(), () -> link.received(received));
        } else {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable()) {
            onLoop(link::pump);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        onLoop(link::ended);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof IdleStateEvent idle && idle.state() == IdleState.WRITER_IDLE) {
            context.writeAndFlush(new PeerMessage.KeepAlive());
        } else if (event instanceof IdleStateEvent) {
            context.close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof WireException) {
            onLoop(() -> link.broke(true, String.valueOf(cause.getMessage())));
        } else if (!(cause instanceof IOException)) {
            LOG.warn("link closed by a failure", cause);
        }
        context.close();
    }

    private void onLoop(Runnable task) {
        if (loop.inEventLoop()) {
            task.run();
        } else if (!loop.isShuttingDown()) {
            loop.execute(task);
        }
    }
}
