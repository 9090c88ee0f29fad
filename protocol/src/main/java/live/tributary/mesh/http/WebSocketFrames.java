package live.tributary.mesh.http;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.netty.util.ReferenceCountUtil;

/** Answers a WebSocket's pings and closes; everything else goes on to the service's own handler. */
final class WebSocketFrames extends ChannelInboundHandlerAdapter {
    private WebSocketFrames() {}

    static void install(ChannelPipeline pipeline, ChannelHandler service) {
        pipeline.addLast(new WebSocketFrameAggregator(WebSocketService.MAX_MESSAGE), new WebSocketFrames(), service);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof PingWebSocketFrame ping) {
            ctx.writeAndFlush(new PongWebSocketFrame(ping.content()));
        } else if (message instanceof CloseWebSocketFrame close) {
            ctx.fireUserEventTriggered(WebSocketService.CLOSING);
            ctx.writeAndFlush(close).addListener(ChannelFutureListener.CLOSE);
        } else if (message instanceof PongWebSocketFrame) {
            ReferenceCountUtil.release(message);
        } else {
            ctx.fireChannelRead(message);
        }
    }
}
