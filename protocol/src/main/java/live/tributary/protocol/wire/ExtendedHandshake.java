package live.tributary.protocol.wire;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/**
 * The payload of the extended message 0 (BEP 10).
 *
 * @param messages names of extensions to the ids under which the sender wants to receive them; 0 switches one off
 * @param version the client's name and version ({@code v})
 * @param port the sender's listening TCP port ({@code p})
 * @param yourIp the receiver's address as the sender sees it ({@code yourip})
 * @param requestQueue how many outstanding requests the sender keeps without dropping any ({@code reqq})
 * @param metadataSize length of the info dictionary, bytes (BEP 9's {@code metadata_size})
 * @param uploadOnly whether the sender wants nothing of the torrent, though it may not have all (BEP 21)
 */
public record ExtendedHandshake(
        Map<String, Integer> messages,
        Optional<String> version,
        OptionalInt port,
        Optional<InetAddress> yourIp,
        OptionalInt requestQueue,
        OptionalInt metadataSize,
        boolean uploadOnly) {
    /** The extended message id of the handshake itself. */
    public static final int ID = 0;
    /** The longest payload that is read, bytes. */
    public static final int MAX_ENCODED = 16 * 1024;

    private static final int MAX_MESSAGES = 64;
    private static final int MAX_ID = 255;
    private static final int MAX_VERSION = 256;
    private static final int MAX_ADDRESS = 16;
    private static final int MAX_QUEUE = 1 << 20;
    private static final int MAX_METADATA = 64 << 20;

    public ExtendedHandshake {
        messages = Map.copyOf(messages);
        if (messages.size() > MAX_MESSAGES) {
            throw new IllegalArgumentException("m: " + messages.size() + " (expected: <= " + MAX_MESSAGES + ")");
        }
    }

    /** Of one that may want something yet. */
    public ExtendedHandshake(
            Map<String, Integer> messages,
            Optional<String> version,
            OptionalInt port,
            Optional<InetAddress> yourIp,
            OptionalInt requestQueue,
            OptionalInt metadataSize) {
        this(messages, version, port, yourIp, requestQueue, metadataSize, false);
    }

    /** The id under which the sender takes an extension's messages; empty where it does not. */
    public OptionalInt idOf(String extension) {
        int id = messages.getOrDefault(extension, 0);
        return id == 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    public byte[] encode() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("m", new TreeMap<>(messages));
        version.ifPresent(text -> fields.put("v", text));
        port.ifPresent(number -> fields.put("p", number));
        yourIp.ifPresent(address -> fields.put("yourip", address.getAddress()));
        requestQueue.ifPresent(number -> fields.put("reqq", number));
        metadataSize.ifPresent(number -> fields.put("metadata_size", number));
        if (uploadOnly) {
            fields.put("upload_only", 1);
        }
        return Bencode.encode(fields);
    }

    /** Reads a payload of at most {@link #MAX_ENCODED} bytes; a field that makes no sense counts as absent, as with other clients. */
    public static ExtendedHandshake decode(byte[] payload) throws FormatException {
        BencodeDictionary d = Bencode.decodePrefix(payload, MAX_ENCODED).dictionary();
        Map<String, Integer> messages = new LinkedHashMap<>();
        if (d.has("m")) {
            BencodeDictionary m = d.dictionary("m");
            for (String name : m.keys()) {
                OptionalInt id = integer(m, name, 0, MAX_ID);
                if (id.isPresent() && messages.size() < MAX_MESSAGES) {
                    messages.put(name, id.getAsInt());
                }
            }
        }
        return new ExtendedHandshake(
                messages,
                version(d),
                integer(d, "p", 1, 65535),
                address(d),
                integer(d, "reqq", 0, MAX_QUEUE),
                integer(d, "metadata_size", 1, MAX_METADATA),
                integer(d, "upload_only", 0, Integer.MAX_VALUE).orElse(0) != 0);
    }

    private static OptionalInt integer(BencodeDictionary d, String key, int min, int max) {
        try {
            return d.has(key) ? OptionalInt.of((int) d.integer(key, min, max)) : OptionalInt.empty();
        } catch (FormatException e) {
            return OptionalInt.empty();
        }
    }

    private static Optional<String> version(BencodeDictionary d) {
        try {
            return d.optionalText("v", MAX_VERSION);
        } catch (FormatException e) {
            return Optional.empty();
        }
    }

    private static Optional<InetAddress> address(BencodeDictionary d) {
        try {
            Optional<byte[]> raw = d.optionalBytes("yourip", MAX_ADDRESS);
            return raw.isPresent() ? Optional.of(InetAddress.getByAddress(raw.get())) : Optional.empty();
        } catch (FormatException | UnknownHostException e) {
            return Optional.empty();
        }
    }
}
