package live.tributary.mesh.tracker;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;

/** As much of an HTTP server as a tracker's client needs. */
final class TinyHttpServer implements AutoCloseable {
    private final Channel channel;

    TinyHttpServer(EventLoopGroup loops, HttpService service) throws InterruptedException {
        this.channel = new ServerBootstrap()
                .group(loops)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel accepted) {
                        accepted.pipeline()
                                .addLast(new HttpServerCodec(), new HttpObjectAggregator(0), new Answering(service));
                    }
                })
                .bind(InetAddress.getLoopbackAddress(), 0)
                .sync()
                .channel();
    }

    int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    @Override
    public void close() throws InterruptedException {
        channel.close().sync();
    }

    private static final class Answering extends SimpleChannelInboundHandler<FullHttpRequest> {
        private final HttpService service;

        Answering(HttpService service) {
            this.service = service;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
            URI uri = URI.create(request.uri());
            HttpQuery query = new HttpQuery(
                    "GET",
                    uri.getRawPath(),
                    uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                    request.headers(),
                    (InetSocketAddress) context.channel().remoteAddress(),
                    false,
                    request.content());
            service.answer(query).orElseThrow().thenAccept(answer -> {
                DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()), answer.body());
                response.headers().set("content-length", answer.body().readableBytes());
                context.writeAndFlush(response);
            });
        }
    }
}
