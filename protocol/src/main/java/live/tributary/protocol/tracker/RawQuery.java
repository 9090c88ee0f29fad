package live.tributary.protocol.tracker;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import live.tributary.protocol.bencode.FormatException;

/**
 * The query part of a URL as bytes.
 *
 * <p>An info_hash is 20 arbitrary bytes, percent-encoded one by one: decoding it as text would lose it. A {@code +} is a plus
 * (RFC 3986), since clients that mean a space write %20.
 */
final class RawQuery {
    /** The longest query that is looked at, characters: a scrape of {@link ScrapeRequest#MAX_INFO_HASHES}, every byte encoded. */
    static final int MAX_LENGTH = 8192;

    private static final int USUAL_PARAMETERS = 12;
    /** Of 2^63 - 1. */
    private static final int MAX_DIGITS = 19;

    private final String query;
    /** Where each parameter begins, where its {@code =} is, and where it ends. */
    private int[] places = new int[3 * USUAL_PARAMETERS];

    private int used;

    RawQuery(String query) throws FormatException {
        if (query.length() > MAX_LENGTH) {
            throw new FormatException("query: " + query.length() + " characters (expected: <= " + MAX_LENGTH + ")");
        }
        this.query = query;
        int from = 0;
        while (from <= query.length()) {
            int ampersand = query.indexOf('&', from);
            int to = ampersand < 0 ? query.length() : ampersand;
            int equals = query.indexOf('=', from);
            if (equals > from && equals < to) {
                add(from, equals, to);
            }
            from = to + 1;
        }
    }

    private void add(int from, int equals, int to) {
        if (used == places.length) {
            places = Arrays.copyOf(places, 2 * used);
        }
        places[used++] = from;
        places[used++] = equals;
        places[used++] = to;
    }

    /** The first value of a parameter. */
    Optional<byte[]> bytes(String name) throws FormatException {
        int at = find(name, 0);
        return at < 0 ? Optional.empty() : Optional.of(value(at));
    }

    List<byte[]> all(String name) throws FormatException {
        List<byte[]> all = new ArrayList<>();
        for (int at = find(name, 0); at >= 0; at = find(name, at + 3)) {
            all.add(value(at));
        }
        return all;
    }

    /** A decimal number from 0 to 2^63 - 1; whatever else a client writes there counts as not said: Stremio's -1, unsigned, for one. */
    OptionalLong number(String name) throws FormatException {
        int found = find(name, 0);
        if (found < 0) {
            return OptionalLong.empty();
        }
        int from = places[found + 1] + 1;
        int to = places[found + 2];
        int percent = query.indexOf('%', from);
        return percent < 0 || percent >= to
                ? number(query, from, to)
                : text(name).map(text -> number(text, 0, text.length())).orElseThrow();
    }

    private static OptionalLong number(String text, int from, int to) {
        if (from == to || to - from > MAX_DIGITS) {
            return OptionalLong.empty();
        }
        long number = 0;
        for (int at = from; at < to; at++) {
            int digit = text.charAt(at) - '0';
            if (digit < 0 || digit > 9) {
                return OptionalLong.empty();
            }
            number = 10 * number + digit;
        }
        return number < 0 ? OptionalLong.empty() : OptionalLong.of(number); // Nineteen digits may be one bit too many.
    }

    Optional<String> text(String name) throws FormatException {
        return bytes(name).map(value -> new String(value, StandardCharsets.ISO_8859_1));
    }

    private int find(String name, int from) throws FormatException {
        for (int at = from; at < used; at += 3) {
            int length = places[at + 1] - places[at];
            if (length == name.length()
                    ? query.startsWith(name, places[at])
                    : length > name.length() && isEncoded(name, at)) {
                return at;
            }
        }
        return -1;
    }

    private boolean isEncoded(String name, int at) throws FormatException {
        int percent = query.indexOf('%', places[at]);
        return percent >= 0
                && percent < places[at + 1]
                && name.equals(new String(decode(query, places[at], places[at + 1]), StandardCharsets.ISO_8859_1));
    }

    private byte[] value(int at) throws FormatException {
        return decode(query, places[at + 1] + 1, places[at + 2]);
    }

    private static byte[] decode(String query, int from, int to) throws FormatException {
        byte[] out = new byte[to - from];
        int length = 0;
        for (int at = from; at < to; at++) {
            char c = query.charAt(at);
            if (c == '%') {
                int high = at + 2 < to ? hexDigit(query.charAt(at + 1)) : -1;
                int low = at + 2 < to ? hexDigit(query.charAt(at + 2)) : -1;
                if (high < 0 || low < 0) {
                    throw new FormatException("query: % at " + at + " (expected: two hex digits behind it)");
                }
                out[length++] = (byte) (high << 4 | low);
                at += 2;
            } else if (c > 0xff) {
                throw new FormatException("query: character " + (int) c + " at " + at + " (expected: <= 255)");
            } else {
                out[length++] = (byte) c;
            }
        }
        return length == out.length ? out : Arrays.copyOf(out, length);
    }

    private static int hexDigit(char c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        int letter = c | 0x20; // In lower case.
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
    }
}
