package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;

/**
 * Takes a GET apart that came whole: its target, and its headers one by one.
 *
 * <p>It reads what is written as RFC 9112 says, without any leniency, and steps over nothing: all else is for the codec to judge.
 */
final class GetParser {
    private static final int MOST = 4096;
    private static final byte[] VERSION = " HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final boolean[] TOKEN = token();

    /** Where an event loop's requests are read. */
    private static final ThreadLocal<byte[]> REQUEST = ThreadLocal.withInitial(() -> new byte[MOST]);

    private final byte[] start;
    private final int maxLength;

    private byte[] in = {};
    private int length;
    private int at;
    private int targetEnd;
    private int headersFrom;
    private int nameFrom;
    private int nameEnd;
    private int valueFrom;
    private int valueEnd;
    private int end;

    /**
     * @param start what a request begins with: GET, a space, and the beginning of its target
     * @param maxLength the longest request that is read, bytes; 4096 at most
     */
    GetParser(String start, int maxLength) {
        if (maxLength > MOST) {
            throw new IllegalArgumentException("length: " + maxLength + " (expected: <= " + MOST + ")");
        }
        this.start = start.getBytes(StandardCharsets.US_ASCII);
        this.maxLength = maxLength;
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

    /** Reads the request line at the front of {@code bytes}; false where there is none that is whole, well-formed and begins right. */
    boolean begin(ByteBuf bytes) {
        in = REQUEST.get();
        length = Math.min(bytes.readableBytes(), maxLength);
        bytes.getBytes(bytes.readerIndex(), in, 0, length);
        at = 0;
        end = 0;
        if (!starts(start)) {
            return false;
        }
        at = start.length;
        while (at < length && in[at] > ' ' && in[at] < 0x7f) {
            at++;
        }
        targetEnd = at;
        if (!starts(VERSION)) {
            return false;
        }
        at += VERSION.length;
        headersFrom = at;
        return true;
    }

    /** Reads the next header; false where there is none that is whole and well-formed: {@link #length()} says whether that is the end. */
    boolean nextHeader() {
        if (at + 1 >= length) {
            return false;
        }
        if (in[at] == '\r') {
            end = in[at + 1] == '\n' ? at + 2 : 0;
            return false;
        }
        nameFrom = at;
        while (at < length && in[at] > 0 && TOKEN[in[at]]) {
            at++;
        }
        nameEnd = at;
        if (nameEnd == nameFrom || at == length || in[at] != ':') {
            return false;
        }
        at++;
        while (at < length && in[at] == ' ') {
            at++;
        }
        valueFrom = at;
        while (at < length && in[at] >= ' ' && in[at] < 0x7f) {
            at++;
        }
        valueEnd = at;
        while (valueEnd > valueFrom && in[valueEnd - 1] == ' ') {
            valueEnd--;
        }
        if (at + 1 >= length || in[at] != '\r' || in[at + 1] != '\n') {
            return false;
        }
        at += 2;
        return true;
    }

    /** The length of the whole request, once its last header was read; 0 where it is not whole or not well-formed. */
    int length() {
        return end;
    }

    /** The length of the request line, without its end. */
    int lineLength() {
        return headersFrom - 2;
    }

    int headersLength() {
        return end - 2 - headersFrom;
    }

    /** The request line from {@code from} on, up to the end of the target. */
    String target(int from) {
        return text(from, targetEnd);
    }

    /** Whether the header's name is {@code name}, which is in lower case, in whatever case. */
    boolean isName(AsciiString name) {
        return is(name, nameFrom, nameEnd);
    }

    /** A name of no well-known header. */
    AsciiString name() {
        return new AsciiString(in, nameFrom, nameEnd - nameFrom, true);
    }

    /** Whether the header's value is {@code value}, which is in lower case, in whatever case. */
    boolean isValue(AsciiString value) {
        return is(value, valueFrom, valueEnd);
    }

    String value() {
        return text(valueFrom, valueEnd);
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

    private boolean is(AsciiString word, int from, int end) {
        if (end - from != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            int c = in[from + i];
            if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != word.byteAt(i)) {
                return false;
            }
        }
        return true;
    }

    private String text(int from, int end) {
        return new String(in, from, end - from, StandardCharsets.ISO_8859_1);
    }
}
