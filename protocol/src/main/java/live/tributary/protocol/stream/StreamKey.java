package live.tributary.protocol.stream;

/** The public key that a stream is. */
public final class StreamKey extends PublicKey {
    public static final String URI_PREFIX = "tributary:";

    private StreamKey(byte[] bytes) {
        super(bytes);
    }

    public static StreamKey of(byte[] bytes) {
        return new StreamKey(bytes);
    }

    /**
     * Reads base32, hex, or either behind {@code tributary:}.
     *
     * @throws IllegalArgumentException naming the text and what was expected
     */
    public static StreamKey fromText(String text) {
        return new StreamKey(parse(text.startsWith(URI_PREFIX) ? text.substring(URI_PREFIX.length()) : text));
    }
}
