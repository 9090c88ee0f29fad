package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Answers a connection's plain GETs of one path before they reach the codec, which they then do not need.
 *
 * <p>What a read brings is either such requests, whole, one behind the other, or this handler leaves for good and hands on what is
 * not answered. So nothing is ever kept here, and no request is seen by both ways.
 */
final class PlainGets extends ChannelInboundHandlerAdapter {
    private static final int MAX_DIGITS = 10;
    private static final byte[] STAYING = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] CLOSING = ("\r\n" + HttpHeaderNames.CONNECTION + ": " + HttpHeaderValues.CLOSE
                    + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII);

    private final Heads heads;
    private final HttpConnection connection;
    private final boolean tls;
    private final PlainGetReader reader;
    private boolean closing;

    /** A service and what its answers begin with, up to the length of their bodies; shared by all connections. */
    static final class Heads {
        private final PlainGetService service;
        private final HttpTallies tallies;
        private final byte[] head;

        Heads(PlainGetService service, HttpTallies tallies) {
            this.service = service;
            this.tallies = tallies;
            StringBuilder text = new StringBuilder("HTTP/1.1 200 OK\r\n");
            service.headers().forEach((name, value) -> line(text, name, value));
            HttpConnection.COMMON_HEADERS.forEach((name, value) -> line(text, name, value));
            this.head = text.append("content-length: ").toString().getBytes(StandardCharsets.US_ASCII);
        }

        private static void line(StringBuilder head, String name, String value) {
            head.append(name).append(": ").append(value).append("\r\n");
        }
    }

    PlainGets(Heads heads, HttpConnection connection, boolean tls) {
        this.heads = heads;
        this.connection = connection;
        this.tls = tls;
        this.reader = new PlainGetReader(heads.service.path());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof ByteBuf in)) {
            ctx.fireChannelRead(message);
            return;
        }
        boolean plain = true;
        try {
            while (!closing && in.isReadable() && plain) {
                plain = ctx.channel().isWritable() && answered(ctx, in);
            }
            if (!plain) {
                ctx.pipeline().remove(this);
                ctx.fireChannelRead(in.retain());
            }
        } finally {
            in.release();
        }
    }

    private boolean answered(ChannelHandlerContext ctx, ByteBuf in) {
        int length = reader.read(in);
        if (length == 0) {
            return false;
        }
        InetSocketAddress remote = (InetSocketAddress) ctx.channel().remoteAddress();
        Optional<byte[]> body = heads.service.answer(new PlainGet(reader.query(), reader.host(), remote, tls));
        if (body.isEmpty()) {
            return false;
        }
        in.skipBytes(length);
        connection.answeredPlainly(ctx, body.get().length);
        heads.tallies.answered(200);
        write(ctx, body.get());
        return true;
    }

    private void write(ChannelHandlerContext ctx, byte[] body) {
        closing = !reader.keepAlive();
        byte[] end = closing ? CLOSING : STAYING;
        ByteBuf out = ctx.alloc().ioBuffer(heads.head.length + MAX_DIGITS + end.length + body.length);
        out.writeBytes(heads.head);
        out.writeCharSequence(Integer.toString(body.length), StandardCharsets.US_ASCII);
        out.writeBytes(end).writeBytes(body);
        if (closing) {
            ctx.write(out).addListener(ChannelFutureListener.CLOSE);
        } else {
            ctx.write(out, ctx.voidPromise());
        }
    }

    /** Answers to requests that came together leave together; nothing of this read went further. */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.flush();
    }
}
