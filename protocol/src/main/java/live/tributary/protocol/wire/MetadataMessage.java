package live.tributary.protocol.wire;

import java.util.Arrays;
import java.util.Map;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/** A message of {@code ut_metadata} (BEP 9): an info dictionary is handed over in pages of 16 KiB. */
public sealed interface MetadataMessage {
    /** The extension's name in BEP 10's {@code m}. */
    String EXTENSION = "ut_metadata";

    /** The length of every page but the last, bytes. */
    int PAGE_LENGTH = 16 * 1024;
    /** The longest dictionary before a page, bytes. */
    int MAX_HEADER = 256;

    /** Which page it is about, from 0. */
    int page();

    record Request(int page) implements MetadataMessage {}

    /**
     * A page.
     *
     * @param totalSize length of the whole info dictionary, bytes
     */
    record Data(int page, int totalSize, byte[] bytes) implements MetadataMessage {
        public Data {
            if (bytes.length > PAGE_LENGTH) {
                throw new IllegalArgumentException("page: " + bytes.length + " bytes (expected: <= 16384)");
            }
        }
    }

    record Reject(int page) implements MetadataMessage {}

    default byte[] encode() {
        if (this instanceof Data data) {
            byte[] header =
                    Bencode.encode(Map.of("msg_type", Type.DATA, "piece", data.page(), "total_size", data.totalSize()));
            byte[] whole = Arrays.copyOf(header, header.length + data.bytes().length);
            System.arraycopy(data.bytes(), 0, whole, header.length, data.bytes().length);
            return whole;
        }
        return Bencode.encode(
                Map.of("msg_type", this instanceof Request ? Type.REQUEST : Type.REJECT, "piece", page()));
    }

    /** Reads a payload: a dictionary of at most {@link #MAX_HEADER} bytes and, in {@link Data}, a page behind it. */
    static MetadataMessage decode(byte[] payload) throws FormatException {
        Bencode.Prefixed prefixed = Bencode.decodePrefix(payload, MAX_HEADER);
        BencodeDictionary d = prefixed.dictionary();
        int page = (int) d.integer("piece", 0, Integer.MAX_VALUE / PAGE_LENGTH);
        int type = (int) d.integer("msg_type", 0, Integer.MAX_VALUE);
        return switch (type) {
            case Type.REQUEST -> new Request(page);
            case Type.DATA -> data(d, page, Arrays.copyOfRange(payload, prefixed.length(), payload.length));
            case Type.REJECT -> new Reject(page);
            // BEP 9: unrecognised message ids are ignored, which the caller decides.
            default -> throw new FormatException("msg_type: " + type + " (expected: 0..2)");
        };
    }

    private static Data data(BencodeDictionary d, int page, byte[] bytes) throws FormatException {
        try {
            return new Data(page, (int) d.integer("total_size", 1, Integer.MAX_VALUE), bytes);
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    /** BEP 9's {@code msg_type}. */
    final class Type {
        static final int REQUEST = 0;
        static final int DATA = 1;
        static final int REJECT = 2;

        private Type() {}
    }
}
