package live.tributary.protocol.bencode;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** A bencoded dictionary as read; each accessor checks the type and the bounds that it is given. */
public final class BencodeDictionary {
    private final Map<String, Object> values;

    BencodeDictionary(Map<String, Object> values) {
        this.values = values;
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** The same dictionary without one key; the body that a signature inside a dictionary covers. */
    public BencodeDictionary without(String key) {
        Map<String, Object> rest = new LinkedHashMap<>(values);
        rest.remove(key);
        return new BencodeDictionary(rest);
    }

    /** Its canonical bytes. */
    public byte[] encode() {
        return Bencode.encode(asMap());
    }

    /** An integer within [{@code min}, {@code max}]. */
    public long integer(String key, long min, long max) throws FormatException {
        if (!(values.get(key) instanceof Long value)) {
            throw wrong(key, "an integer");
        }
        if (value < min || value > max) {
            throw new FormatException(key + ": " + value + " (expected: " + min + ".." + max + ")");
        }
        return value;
    }

    public OptionalLong optionalInteger(String key, long min, long max) throws FormatException {
        return has(key) ? OptionalLong.of(integer(key, min, max)) : OptionalLong.empty();
    }

    /** A byte string of at most {@code maxLength} bytes. */
    public byte[] bytes(String key, int maxLength) throws FormatException {
        if (!(values.get(key) instanceof byte[] bytes)) {
            throw wrong(key, "a byte string");
        }
        if (bytes.length > maxLength) {
            throw new FormatException(key + ": " + bytes.length + " bytes (expected: <= " + maxLength + ")");
        }
        return bytes;
    }

    /** A byte string of exactly {@code length} bytes. */
    public byte[] exactBytes(String key, int length) throws FormatException {
        byte[] bytes = bytes(key, length);
        if (bytes.length != length) {
            throw new FormatException(key + ": " + bytes.length + " bytes (expected: " + length + ")");
        }
        return bytes;
    }

    public Optional<byte[]> optionalBytes(String key, int maxLength) throws FormatException {
        return has(key) ? Optional.of(bytes(key, maxLength)) : Optional.empty();
    }

    public Optional<byte[]> optionalExactBytes(String key, int length) throws FormatException {
        return has(key) ? Optional.of(exactBytes(key, length)) : Optional.empty();
    }

    /** A UTF-8 text of at most {@code maxBytes} bytes. */
    public String text(String key, int maxBytes) throws FormatException {
        return utf8(key, bytes(key, maxBytes));
    }

    public Optional<String> optionalText(String key, int maxBytes) throws FormatException {
        return has(key) ? Optional.of(text(key, maxBytes)) : Optional.empty();
    }

    /** A list of UTF-8 texts; an absent key is the empty list. */
    public List<String> texts(String key, int maxSize, int maxBytes) throws FormatException {
        List<String> texts = new ArrayList<>();
        for (Object element : list(key, maxSize)) {
            if (!(element instanceof byte[] bytes) || bytes.length > maxBytes) {
                throw wrong(key, "texts of at most " + maxBytes + " bytes");
            }
            texts.add(utf8(key, bytes));
        }
        return texts;
    }

    /** A list of integers within [{@code min}, {@code max}]; an absent key is the empty list. */
    public List<Long> integers(String key, int maxSize, long min, long max) throws FormatException {
        List<Long> integers = new ArrayList<>();
        for (Object element : list(key, maxSize)) {
            if (!(element instanceof Long value) || value < min || value > max) {
                throw wrong(key, "integers in " + min + ".." + max);
            }
            integers.add(value);
        }
        return integers;
    }

    /** A list of byte strings; an absent key is the empty list. */
    public List<byte[]> byteStrings(String key, int maxSize, int maxBytes) throws FormatException {
        List<byte[]> strings = new ArrayList<>();
        for (Object element : list(key, maxSize)) {
            if (!(element instanceof byte[] bytes) || bytes.length > maxBytes) {
                throw wrong(key, "byte strings of at most " + maxBytes + " bytes");
            }
            strings.add(bytes);
        }
        return strings;
    }

    /** A list of dictionaries; an absent key is the empty list. */
    public List<BencodeDictionary> dictionaries(String key, int maxSize) throws FormatException {
        List<BencodeDictionary> dictionaries = new ArrayList<>();
        for (Object element : list(key, maxSize)) {
            if (!(element instanceof BencodeDictionary dictionary)) {
                throw wrong(key, "dictionaries");
            }
            dictionaries.add(dictionary);
        }
        return dictionaries;
    }

    public BencodeDictionary dictionary(String key) throws FormatException {
        if (!(values.get(key) instanceof BencodeDictionary dictionary)) {
            throw wrong(key, "a dictionary");
        }
        return dictionary;
    }

    /** The keys that were read, in their order. */
    public Iterable<String> keys() {
        return Collections.unmodifiableSet(values.keySet());
    }

    /** The values as plain maps, lists, byte arrays and longs, for {@link Bencode#encode}. */
    public Map<String, Object> asMap() {
        Map<String, Object> plain = new LinkedHashMap<>();
        values.forEach((key, value) -> plain.put(key, plain(value)));
        return plain;
    }

    private static Object plain(Object value) {
        if (value instanceof BencodeDictionary dictionary) {
            return dictionary.asMap();
        }
        if (value instanceof List<?> list) {
            List<Object> plain = new ArrayList<>();
            list.forEach(element -> plain.add(plain(element)));
            return plain;
        }
        return value;
    }

    private List<?> list(String key, int maxSize) throws FormatException {
        Object value = values.get(key);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)) {
            throw wrong(key, "a list");
        }
        if (list.size() > maxSize) {
            throw new FormatException(key + ": " + list.size() + " elements (expected: <= " + maxSize + ")");
        }
        return list;
    }

    private static String utf8(String key, byte[] bytes) throws FormatException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new FormatException(key + ": not UTF-8", e);
        }
    }

    private FormatException wrong(String key, String expected) {
        return new FormatException(
                key + ": " + (has(key) ? "of another type" : "absent") + " (expected: " + expected + ")");
    }
}
