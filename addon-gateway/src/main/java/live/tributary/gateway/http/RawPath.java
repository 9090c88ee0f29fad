package live.tributary.gateway.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The segments of a path as it came: split before it is decoded, because an id may hold {@code %2F} and an extra {@code %26}.
 */
public record RawPath(List<String> segments) {
    /** The longest path that is looked at, characters. */
    public static final int MAX_LENGTH = 2_000;

    /** The most parameters of a query or an extra. */
    static final int MAX_PARAMETERS = 20;

    public RawPath {
        segments = List.copyOf(segments);
    }

    /** Empty where the path is too long or does not begin with a slash. */
    public static Optional<RawPath> of(String rawPath) {
        if (rawPath.length() > MAX_LENGTH || !rawPath.startsWith("/")) {
            return Optional.empty();
        }
        return Optional.of(new RawPath(List.of(rawPath.substring(1).split("/", -1))));
    }

    public int size() {
        return segments.size();
    }

    public String raw(int index) {
        return segments.get(index);
    }

    /** A segment decoded; empty where it is no percent-encoded UTF-8. */
    public Optional<String> decoded(int index) {
        return decode(segments.get(index), false);
    }

    /** The path without its first segment. */
    public RawPath tail() {
        return new RawPath(segments.subList(1, segments.size()));
    }

    /** Reads {@code a=b&c=d}, each name and value decoded by itself; empty where one of them cannot be. The first of a name counts. */
    public static Optional<Map<String, String>> parameters(String raw, boolean plusIsSpace) {
        Map<String, String> parameters = new LinkedHashMap<>();
        if (raw.isEmpty()) {
            return Optional.of(parameters);
        }
        String[] pairs = raw.split("&", -1);
        if (pairs.length > MAX_PARAMETERS) {
            return Optional.empty();
        }
        for (String pair : pairs) {
            int equals = pair.indexOf('=');
            Optional<String> name = decode(equals < 0 ? pair : pair.substring(0, equals), plusIsSpace);
            Optional<String> value = decode(equals < 0 ? "" : pair.substring(equals + 1), plusIsSpace);
            if (name.isEmpty() || value.isEmpty()) {
                return Optional.empty();
            }
            parameters.putIfAbsent(name.get(), value.get());
        }
        return Optional.of(parameters);
    }

    private static Optional<String> decode(String raw, boolean plusIsSpace) {
        if (raw.indexOf('%') < 0 && !(plusIsSpace && raw.indexOf('+') >= 0)) {
            return Optional.of(raw);
        }
        byte[] encoded = raw.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[encoded.length];
        int length = 0;
        for (int i = 0; i < encoded.length; i++) {
            byte c = encoded[i];
            if (c == '%') {
                boolean whole = i + 2 < encoded.length;
                int high = whole ? Character.digit(encoded[i + 1], 16) : -1;
                int low = whole ? Character.digit(encoded[i + 2], 16) : -1;
                if (high < 0 || low < 0) {
                    return Optional.empty();
                }
                bytes[length++] = (byte) (high << 4 | low);
                i += 2;
            } else {
                bytes[length++] = c == '+' && plusIsSpace ? (byte) ' ' : c;
            }
        }
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes, 0, length))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty(); // Not UTF-8: the caller answers 400.
        }
    }
}
