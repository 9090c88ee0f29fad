package live.tributary.protocol.bencode;

import bt.bencoding.model.BEObject;
import bt.bencoding.serializers.BEEncoder;
import bt.bencoding.serializers.BEParser;
import bt.bencoding.types.BEInteger;
import bt.bencoding.types.BEList;
import bt.bencoding.types.BEMap;
import bt.bencoding.types.BEString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads and writes bencoded dictionaries (BEP 3).
 *
 * <p>Every value is first walked without recursion: nesting, lengths and the canonical form (sorted unique keys, no leading
 * zeros) are checked before the parser sees a byte, so that what is read re-encodes to the same bytes and a signature over
 * the re-encoded form is a signature over what was sent.
 */
public final class Bencode {
    /** The deepest nesting that any of our formats and the protocols we speak need. */
    public static final int MAX_DEPTH = 8;

    private Bencode() {}

    /**
     * Reads one canonical dictionary that fills {@code bytes} whole.
     *
     * @param maxLength the largest accepted length in bytes
     * @throws FormatException if it is longer, not canonical, nested deeper than {@link #MAX_DEPTH}, or followed by more bytes
     */
    public static BencodeDictionary decode(byte[] bytes, int maxLength) throws FormatException {
        if (bytes.length > maxLength) {
            throw new FormatException("length: " + bytes.length + " (expected: <= " + maxLength + ")");
        }
        int end = endOfValue(bytes, 0, true);
        if (end != bytes.length) {
            throw new FormatException("bytes after the value: " + (bytes.length - end) + " (expected: 0)");
        }
        return parse(bytes);
    }

    /**
     * Reads the dictionary at the start of {@code bytes}, canonical or not, whatever follows it (BEP 9 puts raw data behind
     * one; stock clients do not always sort their keys).
     */
    public static Prefixed decodePrefix(byte[] bytes, int maxLength) throws FormatException {
        int end = endOfValue(bytes, 0, false);
        if (end > maxLength) {
            throw new FormatException("length: " + end + " (expected: <= " + maxLength + ")");
        }
        return new Prefixed(parse(end == bytes.length ? bytes : Arrays.copyOf(bytes, end)), end);
    }

    /** A dictionary and the number of bytes that it took. */
    public record Prefixed(BencodeDictionary dictionary, int length) {}

    /**
     * The canonical bytes of a dictionary.
     *
     * @param values keys to values: {@code byte[]}, {@code String}, {@code Long}, {@code Integer}, {@code List} or {@code Map} of these
     */
    public static byte[] encode(Map<String, ?> values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            BEEncoder.encoder().encode(toMap(values), out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static BencodeDictionary parse(byte[] bytes) throws FormatException {
        if (bytes.length == 0 || bytes[0] != 'd') {
            throw new FormatException("first byte: not a dictionary (expected: d)");
        }
        try (BEParser parser = new BEParser(bytes)) {
            return dictionary(parser.readMap());
        } catch (RuntimeException e) {
            throw new FormatException("not bencoded: " + e.getMessage(), e);
        }
    }

    private static BencodeDictionary dictionary(BEMap map) {
        Map<String, Object> values = new LinkedHashMap<>();
        map.getValue().forEach((key, value) -> values.put(key, value(value)));
        return new BencodeDictionary(values);
    }

    private static Object value(BEObject<?> object) {
        if (object instanceof BEString string) {
            return string.getValue();
        }
        if (object instanceof BEInteger integer) {
            return new BigInteger(integer.getValue().toString()).longValueExact();
        }
        if (object instanceof BEList list) {
            List<Object> values = new ArrayList<>();
            list.getValue().forEach(element -> values.add(value(element)));
            return values;
        }
        return dictionary((BEMap) object);
    }

    private static BEMap toMap(Map<String, ?> values) {
        Map<String, BEObject<?>> map = new LinkedHashMap<>();
        values.forEach((key, value) -> map.put(key, toObject(value)));
        return new BEMap(map);
    }

    private static BEObject<?> toObject(Object value) {
        if (value instanceof byte[] bytes) {
            return new BEString(bytes);
        }
        if (value instanceof String string) {
            return new BEString(string);
        }
        if (value instanceof Long || value instanceof Integer) {
            return new BEInteger((Number) value);
        }
        if (value instanceof List<?> list) {
            List<BEObject<?>> objects = new ArrayList<>();
            list.forEach(element -> objects.add(toObject(element)));
            return new BEList(objects);
        }
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> values = new LinkedHashMap<>();
            map.forEach((key, element) -> values.put((String) key, element));
            return toMap(values);
        }
        throw new IllegalArgumentException(
                "value: " + value.getClass() + " (expected: bytes, text, integer, list or map)");
    }

    /** Walks one value from {@code from} and returns the index behind it. */
    static int endOfValue(byte[] bytes, int from, boolean canonical) throws FormatException {
        // One bit a level: set where the open container is a dictionary. A dictionary alternates key and value.
        boolean[] isDictionary = new boolean[MAX_DEPTH + 1];
        boolean[] expectsKey = new boolean[MAX_DEPTH + 1];
        int[] previousKey = new int[MAX_DEPTH + 1];
        int depth = 0;
        int at = from;
        do {
            byte b = byteAt(bytes, at);
            if (depth > 0 && b == 'e') {
                if (isDictionary[depth] && !expectsKey[depth]) {
                    throw new FormatException("end of dictionary at " + at + " (expected: a value)");
                }
                depth--;
                at++;
            } else if (depth > 0 && isDictionary[depth] && expectsKey[depth]) {
                int end = endOfString(bytes, at);
                if (canonical && previousKey[depth] >= 0 && compareStrings(bytes, previousKey[depth], at) >= 0) {
                    throw new FormatException("key at " + at + ": not sorted or not unique");
                }
                previousKey[depth] = at;
                expectsKey[depth] = false;
                at = end;
                continue;
            } else if (b == 'd' || b == 'l') {
                if (depth == MAX_DEPTH) {
                    throw new FormatException("nesting: " + (depth + 1) + " (expected: <= " + MAX_DEPTH + ")");
                }
                depth++;
                isDictionary[depth] = b == 'd';
                expectsKey[depth] = true;
                previousKey[depth] = -1;
                at++;
                continue;
            } else if (b == 'i') {
                at = endOfInteger(bytes, at);
            } else {
                at = endOfString(bytes, at);
            }
            expectsKey[depth] = true;
        } while (depth > 0);
        return at;
    }

    private static int endOfInteger(byte[] bytes, int from) throws FormatException {
        int at = from + 1;
        boolean negative = byteAt(bytes, at) == '-';
        int firstDigit = negative ? at + 1 : at;
        at = firstDigit;
        while (isDigit(byteAt(bytes, at))) {
            at++;
        }
        int digits = at - firstDigit;
        boolean leadingZero = digits > 1 && bytes[firstDigit] == '0';
        boolean minusZero = negative && digits == 1 && bytes[firstDigit] == '0';
        if (bytes[at] != 'e' || digits == 0 || digits > 18 || leadingZero || minusZero) {
            throw new FormatException("integer at " + from + ": not canonical or longer than 18 digits");
        }
        return at + 1;
    }

    private static int endOfString(byte[] bytes, int from) throws FormatException {
        int colon = from;
        long length = 0;
        while (isDigit(byteAt(bytes, colon))) {
            length = length * 10 + (bytes[colon] - '0');
            colon++;
            if (length > bytes.length) {
                throw new FormatException("string at " + from + ": longer than the input");
            }
        }
        boolean leadingZero = colon - from > 1 && bytes[from] == '0';
        if (colon == from || bytes[colon] != ':' || leadingZero) {
            throw new FormatException("byte at " + from + ": not the start of a value");
        }
        long end = colon + 1 + length;
        if (end > bytes.length) {
            throw new FormatException("string at " + from + ": longer than the input");
        }
        return (int) end;
    }

    private static int compareStrings(byte[] bytes, int one, int other) throws FormatException {
        return Arrays.compareUnsigned(
                bytes,
                startOfString(bytes, one),
                endOfString(bytes, one),
                bytes,
                startOfString(bytes, other),
                endOfString(bytes, other));
    }

    private static int startOfString(byte[] bytes, int from) {
        int at = from;
        while (bytes[at] != ':') {
            at++;
        }
        return at + 1;
    }

    private static byte byteAt(byte[] bytes, int at) throws FormatException {
        if (at >= bytes.length) {
            throw new FormatException("input ends at " + bytes.length + " inside a value");
        }
        return bytes[at];
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }
}
