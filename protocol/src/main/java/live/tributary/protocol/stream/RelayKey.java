package live.tributary.protocol.stream;

/** The public key that a mesh node is known by, whatever its address. */
public final class RelayKey extends PublicKey {
    private RelayKey(byte[] bytes) {
        super(bytes);
    }

    public static RelayKey of(byte[] bytes) {
        return new RelayKey(bytes);
    }

    public static RelayKey fromText(String text) {
        return new RelayKey(parse(text));
    }
}
