package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * Reads GETs that come whole and are plain, for half of what the codec behind it takes; the requests are the same.
 *
 * <p>Plain is what has no body and asks for nothing but an answer. What a read brings is either such requests, one behind the other,
 * or this handler hands on what it has not read and leaves for good: so that no byte is seen by both, and nothing is ever kept here.
 */
final class WholeGets extends ChannelInboundHandlerAdapter {
    /** The longest request that is read, bytes. */
    static final int MAX_LENGTH = 4096;

    private static final String START = "GET /";
    private static final int TARGET = START.length() - 1;

    /** Names that are read without being made anew. */
    private static final AsciiString[] USUAL = {
        HttpHeaderNames.HOST,
        HttpHeaderNames.ACCEPT,
        HttpHeaderNames.ACCEPT_ENCODING,
        HttpHeaderNames.ACCEPT_LANGUAGE,
        HttpHeaderNames.CONNECTION,
        HttpHeaderNames.USER_AGENT,
        HttpHeaderNames.ORIGIN,
        HttpHeaderNames.REFERER,
        HttpHeaderNames.RANGE,
        HttpHeaderNames.CACHE_CONTROL,
        HttpHeaderNames.IF_NONE_MATCH,
        AsciiString.cached("sec-fetch-dest"),
        AsciiString.cached("sec-fetch-mode"),
        AsciiString.cached("sec-fetch-site"),
        AsciiString.cached("x-forwarded-for"),
        AsciiString.cached("x-forwarded-host"),
        AsciiString.cached("x-forwarded-proto")
    };
    /** What makes a request one for the codec. */
    private static final AsciiString[] NOT_PLAIN = {
        HttpHeaderNames.CONTENT_LENGTH,
        HttpHeaderNames.TRANSFER_ENCODING,
        HttpHeaderNames.EXPECT,
        HttpHeaderNames.UPGRADE,
        HttpHeaderNames.TE,
        HttpHeaderNames.TRAILER
    };

    private final GetParser parser = new GetParser(START, MAX_LENGTH);
    private final int maxLine;
    private final int maxHeaders;

    WholeGets(HttpLimits limits) {
        this.maxLine = limits.requestLine();
        this.maxHeaders = limits.headers();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof ByteBuf bytes)) {
            ctx.fireChannelRead(message);
            return;
        }
        DefaultFullHttpRequest request = read(bytes);
        while (request != null) {
            ctx.fireChannelRead(request);
            request = bytes.isReadable() && !ctx.isRemoved() ? read(bytes) : null;
        }
        if (!bytes.isReadable()) {
            bytes.release();
            return;
        }
        if (!ctx.isRemoved()) {
            ctx.pipeline().remove(this);
        }
        ctx.fireChannelRead(bytes);
    }

    /** The request at the front of {@code bytes}, which is stepped over, or null where there is none that is whole and plain. */
    @Nullable
    DefaultFullHttpRequest read(ByteBuf bytes) {
        if (!parser.begin(bytes) || parser.lineLength() > maxLine) {
            return null;
        }
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        while (parser.nextHeader()) {
            if (!addsPlain(headers)) {
                return null;
            }
        }
        if (parser.length() == 0 || parser.headersLength() > maxHeaders) {
            return null;
        }
        bytes.skipBytes(parser.length());
        return new DefaultFullHttpRequest(
                HttpVersion.HTTP_1_1,
                HttpMethod.GET,
                parser.target(TARGET),
                Unpooled.EMPTY_BUFFER,
                headers,
                EmptyHttpHeaders.INSTANCE);
    }

    /** Adds the header that was read; false where it is not one of a plain request. */
    private boolean addsPlain(HttpHeaders headers) {
        for (AsciiString name : NOT_PLAIN) {
            if (parser.isName(name)) {
                return false;
            }
        }
        AsciiString name = name();
        if (name == HttpHeaderNames.HOST && headers.contains(name)) {
            return false;
        }
        headers.add(name, parser.value());
        return true;
    }

    private AsciiString name() {
        for (AsciiString usual : USUAL) {
            if (parser.isName(usual)) {
                return usual;
            }
        }
        return parser.name();
    }
}
