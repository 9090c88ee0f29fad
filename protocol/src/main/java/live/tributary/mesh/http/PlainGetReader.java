package live.tributary.mesh.http;

import java.nio.charset.StandardCharsets;

/**
 * Reads GETs of one path that are whole and plain, and finds nothing else.
 *
 * <p>Plain is what has only headers that change nothing in an answer, and is written as RFC 9112 says, without any leniency: all
 * else is for the codec to judge.
 */
final class PlainGetReader {
    /** The longest request that is read, bytes. */
    static final int MAX_LENGTH = 2048;

    private static final byte[] VERSION = ascii(" HTTP/1.1\r\n");
    private static final byte[] HOST = ascii("host");
    private static final byte[] CONNECTION = ascii("connection");
    private static final byte[][] WITHOUT_EFFECT = {
        ascii("user-agent"),
        ascii("accept"),
        ascii("accept-encoding"),
        ascii("accept-language"),
        ascii("cache-control"),
        ascii("pragma")
    };
    private static final byte[] KEEP_ALIVE = ascii("keep-alive");
    private static final byte[] CLOSE = ascii("close");

    private final byte[] start;

    private byte[] in = {};
    private int length;
    private int at;
    private int queryEnd;
    private int hostFrom;
    private int hostEnd;
    private boolean hostSeen;
    private boolean connectionSeen;
    private boolean keepAlive;

    PlainGetReader(String path) {
        this.start = ascii("GET " + path + "?");
    }

    /** The length of the request at the front of {@code bytes}, or 0 where there is none that is whole and plain. */
    int read(byte[] bytes, int readable) {
        in = bytes;
        length = readable;
        at = 0;
        hostSeen = false;
        hostFrom = 0;
        hostEnd = 0;
        connectionSeen = false;
        keepAlive = true;
        if (!starts(start)) {
            return 0;
        }
        at = start.length;
        while (at < length && in[at] > ' ' && in[at] < 0x7f) {
            at++;
        }
        queryEnd = at;
        if (!starts(VERSION)) {
            return 0;
        }
        at += VERSION.length;
        while (at + 1 < length) {
            if (in[at] == '\r') {
                return in[at + 1] == '\n' ? at + 2 : 0;
            }
            if (!header()) {
                return 0;
            }
        }
        return 0;
    }

    String query() {
        return text(start.length, queryEnd);
    }

    /** Empty where there was none. */
    String host() {
        return text(hostFrom, hostEnd);
    }

    boolean keepAlive() {
        return keepAlive;
    }

    /** Steps over one header; false where it is not whole, not well-formed, or not without effect. */
    private boolean header() {
        int nameFrom = at;
        while (at < length && in[at] > ' ' && in[at] != ':' && in[at] < 0x7f) {
            at++;
        }
        int nameEnd = at;
        if (at == length || in[at] != ':') {
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
        return isPlain(nameFrom, nameEnd, from, end);
    }

    private boolean isPlain(int nameFrom, int nameEnd, int from, int end) {
        if (is(HOST, nameFrom, nameEnd)) {
            boolean first = !hostSeen;
            hostSeen = true;
            hostFrom = from;
            hostEnd = end;
            return first;
        }
        if (is(CONNECTION, nameFrom, nameEnd)) {
            boolean first = !connectionSeen;
            connectionSeen = true;
            keepAlive = is(KEEP_ALIVE, from, end);
            return first && (keepAlive || is(CLOSE, from, end));
        }
        for (byte[] name : WITHOUT_EFFECT) {
            if (is(name, nameFrom, nameEnd)) {
                return true;
            }
        }
        return false;
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

    /** Whether these bytes are {@code word}, which is in lower case, in whatever case. */
    private boolean is(byte[] word, int from, int end) {
        if (end - from != word.length) {
            return false;
        }
        for (int i = 0; i < word.length; i++) {
            int c = in[from + i];
            if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != word[i]) {
                return false;
            }
        }
        return true;
    }

    private String text(int from, int end) {
        return new String(in, from, end - from, StandardCharsets.ISO_8859_1);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
