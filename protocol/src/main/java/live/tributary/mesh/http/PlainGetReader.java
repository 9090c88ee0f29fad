package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.util.AsciiString;

/** Reads GETs of one path that are whole and plain: that have only headers that change nothing in an answer. */
final class PlainGetReader {
    /** The longest request that is read, bytes. */
    static final int MAX_LENGTH = 2048;

    private static final AsciiString[] WITHOUT_EFFECT = {
        HttpHeaderNames.USER_AGENT,
        HttpHeaderNames.ACCEPT,
        HttpHeaderNames.ACCEPT_ENCODING,
        HttpHeaderNames.ACCEPT_LANGUAGE,
        HttpHeaderNames.CACHE_CONTROL,
        HttpHeaderNames.PRAGMA
    };

    private final int queryFrom;
    private final GetParser parser;

    private boolean hostSeen;
    private boolean connectionSeen;
    private String host = "";
    private boolean keepAlive;

    PlainGetReader(String path) {
        String start = "GET " + path + "?";
        this.queryFrom = start.length();
        this.parser = new GetParser(start, MAX_LENGTH);
    }

    /** The length of the request at the front of {@code bytes}, or 0 where there is none that is whole and plain. */
    int read(ByteBuf bytes) {
        hostSeen = false;
        connectionSeen = false;
        host = "";
        keepAlive = true;
        if (!parser.begin(bytes)) {
            return 0;
        }
        while (parser.nextHeader()) {
            if (!isPlain()) {
                return 0;
            }
        }
        return parser.length();
    }

    private boolean isPlain() {
        if (parser.isName(HttpHeaderNames.HOST)) {
            boolean first = !hostSeen;
            hostSeen = true;
            host = parser.value();
            return first;
        }
        if (parser.isName(HttpHeaderNames.CONNECTION)) {
            boolean first = !connectionSeen;
            connectionSeen = true;
            keepAlive = parser.isValue(HttpHeaderValues.KEEP_ALIVE);
            return first && (keepAlive || parser.isValue(HttpHeaderValues.CLOSE));
        }
        for (AsciiString name : WITHOUT_EFFECT) {
            if (parser.isName(name)) {
                return true;
            }
        }
        return false;
    }

    String query() {
        return parser.target(queryFrom);
    }

    /** Empty where there was none. */
    String host() {
        return host;
    }

    boolean keepAlive() {
        return keepAlive;
    }
}
