package live.tributary.mesh.http;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One range of a body (RFC 9110, section 14).
 *
 * @param length 0 where nothing of the range lies within the body
 */
record ByteRange(int from, int length) {
    private static final Pattern SINGLE = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

    /** Reads a Range header; empty where it asks for several ranges or is not one: the whole body answers those. */
    static Optional<ByteRange> parse(String header, int bodyLength) {
        Matcher matcher = SINGLE.matcher(header.strip());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String first = matcher.group(1);
        String last = matcher.group(2);
        if (first.isEmpty() && last.isEmpty()) {
            return Optional.empty();
        }
        if (first.isEmpty()) { // The last n bytes.
            int length = (int) Math.min(Long.parseLong(last), bodyLength);
            return Optional.of(new ByteRange(bodyLength - length, length));
        }
        long from = Long.parseLong(first);
        long to = last.isEmpty() ? Long.MAX_VALUE : Long.parseLong(last);
        if (to < from) {
            return Optional.empty();
        }
        if (from >= bodyLength) {
            return Optional.of(new ByteRange(0, 0));
        }
        return Optional.of(new ByteRange((int) from, (int) (Math.min(to, bodyLength - 1L) - from + 1)));
    }

    boolean satisfiable() {
        return length > 0;
    }

    String contentRange(int bodyLength) {
        return satisfiable() ? "bytes " + from + "-" + (from + length - 1) + "/" + bodyLength : "bytes */" + bodyLength;
    }
}
