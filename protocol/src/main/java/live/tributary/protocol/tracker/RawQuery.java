package live.tributary.protocol.tracker;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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

    private record Parameter(String name, byte[] value) {}

    private final List<Parameter> parameters = new ArrayList<>();

    RawQuery(String query) throws FormatException {
        if (query.length() > MAX_LENGTH) {
            throw new FormatException("query: " + query.length() + " characters (expected: <= " + MAX_LENGTH + ")");
        }
        int from = 0;
        while (from <= query.length()) {
            int ampersand = query.indexOf('&', from);
            int to = ampersand < 0 ? query.length() : ampersand;
            int equals = query.indexOf('=', from);
            if (equals > from && equals < to) {
                byte[] name = decode(query, from, equals);
                parameters.add(
                        new Parameter(new String(name, StandardCharsets.ISO_8859_1), decode(query, equals + 1, to)));
            }
            from = to + 1;
        }
    }

    /** The first value of a parameter. */
    Optional<byte[]> bytes(String name) {
        for (Parameter parameter : parameters) {
            if (parameter.name().equals(name)) {
                return Optional.of(parameter.value());
            }
        }
        return Optional.empty();
    }

    List<byte[]> all(String name) {
        return parameters.stream()
                .filter(parameter -> parameter.name().equals(name))
                .map(Parameter::value)
                .toList();
    }

    Optional<String> text(String name) {
        return bytes(name).map(value -> new String(value, StandardCharsets.ISO_8859_1));
    }

    private static byte[] decode(String query, int from, int to) throws FormatException {
        byte[] out = new byte[to - from];
        int length = 0;
        for (int at = from; at < to; at++) {
            char c = query.charAt(at);
            if (c == '%') {
                int high = at + 2 < to ? Character.digit(query.charAt(at + 1), 16) : -1;
                int low = at + 2 < to ? Character.digit(query.charAt(at + 2), 16) : -1;
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
}
