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
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads GETs that come whole and are plain, for half of what the codec behind it takes; the requests are the same.
 *
 * <p>Plain is what has no body, asks for nothing but an answer, and is written as RFC 9112 says, without any leniency. What a read brings is
 * either such requests, one behind the other, or this handler hands on what it has not read and leaves for good: so that no byte is seen by
 * both, and nothing is ever kept here.
 */
final class WholeGets extends ChannelInboundHandlerAdapter {
    /** The longest request that is read, bytes. */
    static final int MAX_LENGTH = 4096;

    private static final byte[] METHOD = ascii("GET /");
    private static final byte[] VERSION = ascii(" HTTP/1.1\r\n");
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

    private static final boolean[] TOKEN = token();

    /** Where an event loop's requests are read. */
    private static final ThreadLocal<byte[]> REQUEST = ThreadLocal.withInitial(() -> new byte[MAX_LENGTH]);

    private final int maxLine;
    private final int maxHeaders;
    private byte[] in = {};
    private int length;
    private int at;

    WholeGets(HttpLimits limits) {
        this.maxLine = limits.requestLine();
        this.maxHeaders = limits.headers();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** RFC 9110, 5.6.2. */
    private static boolean[] token() {
        boolean[] token = new boolean[128];
        for (char c = '0'; c <= 'z'; c++) {
            token[c] = Character.isLetterOrDigit(c);
        }
        for (char c : "!#$%&'*+-.^_`|~".toCharArray()) {
            token[c] = true;
        }
        return token;
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
        in = REQUEST.get();
        length = Math.min(bytes.readableBytes(), in.length);
        bytes.getBytes(bytes.readerIndex(), in, 0, length);
        at = 0;
        if (!starts(METHOD)) {
            return null;
        }
        int target = METHOD.length - 1;
        at = METHOD.length;
        while (at < length && in[at] > ' ' && in[at] < 0x7f) {
            at++;
        }
        int targetEnd = at;
        if (!starts(VERSION) || at + VERSION.length - 2 > maxLine) {
            return null;
        }
        at += VERSION.length;
        int headersFrom = at;
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        while (at + 1 < length) {
            if (in[at] == '\r') {
                if (in[at + 1] != '\n' || at - headersFrom > maxHeaders) {
                    return null;
                }
                bytes.skipBytes(at + 2);
                return new DefaultFullHttpRequest(
                        HttpVersion.HTTP_1_1,
                        HttpMethod.GET,
                        text(target, targetEnd),
                        Unpooled.EMPTY_BUFFER,
                        headers,
                        EmptyHttpHeaders.INSTANCE);
            }
            if (!header(headers)) {
                return null;
            }
        }
        return null;
    }

    /** Reads one header; false where it is not whole, not well-formed, or not of a plain request. */
    private boolean header(HttpHeaders headers) {
        int nameFrom = at;
        while (at < length && in[at] > 0 && TOKEN[in[at]]) {
            at++;
        }
        int nameEnd = at;
        if (nameEnd == nameFrom || at == length || in[at] != ':') {
            return false;
        }
        at++;
        while (at < length && in[at] == ' ') {
            at++;
        }
        int from = at;
        while (at < length && in[at] >= ' ' && in[at] < 0x7f) {
            at++;
        }
        int end = at;
        while (end > from && in[end - 1] == ' ') {
            end--;
        }
        if (at + 1 >= length || in[at] != '\r' || in[at + 1] != '\n') {
            return false;
        }
        at += 2;
        for (AsciiString name : NOT_PLAIN) {
            if (is(name, nameFrom, nameEnd)) {
                return false;
            }
        }
        AsciiString name = name(nameFrom, nameEnd);
        if (name == HttpHeaderNames.HOST && headers.contains(name)) {
            return false;
        }
        headers.add(name, text(from, end));
        return true;
    }

    private AsciiString name(int from, int end) {
        for (AsciiString usual : USUAL) {
            if (is(usual, from, end)) {
                return usual;
            }
        }
        return new AsciiString(in, from, end - from, true);
    }

    private boolean starts(byte[] what) {
        if (length - at < what.length) {
            return false;
        }
        for (int i = 0; i < what.length; i++) {
            if (in[at + i] != what[i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether these bytes are {@code name}, which is in lower case, in whatever case. */
    private boolean is(AsciiString name, int from, int end) {
        if (end - from != name.length()) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            int c = in[from + i];
            if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != name.byteAt(i)) {
                return false;
            }
        }
        return true;
    }

    private String text(int from, int end) {
        return new String(in, from, end - from, StandardCharsets.ISO_8859_1);
    }
}
