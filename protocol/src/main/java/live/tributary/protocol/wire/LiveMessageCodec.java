package live.tributary.protocol.wire;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.PublicKey;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;

/**
 * The bytes of {@link LiveMessage}: one canonical dictionary each, whose first key, {@code _}, names the kind.
 *
 * <p>Every kind has a maximum of its own, which is looked at before anything but the kind is read.
 */
public final class LiveMessageCodec {
    /** The longest message of any kind, bytes. */
    public static final int MAX_ENCODED = Kind.RECORDS.maxEncoded;

    private static final String KIND = "_";
    private static final byte[] KIND_PREFIX = "d1:_".getBytes(StandardCharsets.US_ASCII);
    /** What a dictionary needs around one long value. */
    private static final int AROUND = 64;

    /** {@code d1:_6:record1:c16384:} and {@code e}: a record with one byte more than its maximum is told apart as too long. */
    private static final int AROUND_RECORD = 22;

    private static final int MAX_RECORDS = 1024;
    /** What a list needs before each of its byte strings. */
    private static final int AROUND_ELEMENT = 8;

    private static final int ROLE_BYTES = 8;
    private static final int RANGE_BYTES = 2 * Integer.BYTES;
    private static final int MAX_PER_MILLE = 1000;
    private static final int MAX_KIND = 16;
    private static final long MAX_MILLIS = 1L << 48;

    private LiveMessageCodec() {}

    private enum Kind {
        HELLO(256),
        ANSWER(128),
        HEAD(SignedHead.MAX_ENCODED + AROUND),
        ABOUT(About.MAX_ENCODED + AROUND),
        RECORD(ChunkRecord.MAX_ENCODED + AROUND_RECORD),
        RECORDS_PLEASE(128),
        RECORDS(LiveMessage.MAX_RECORDS_BYTES + MAX_RECORDS * AROUND_ELEMENT + AROUND),
        WINDOW(LiveMessage.MAX_RANGES * RANGE_BYTES + AROUND),
        TREE(64),
        COMING(LiveMessage.MAX_COMING * Integer.BYTES + AROUND),
        RELAYS(LiveMessage.MAX_RELAYS * (RelayDescriptor.MAX_ENCODED + AROUND_ELEMENT) + AROUND),
        LOAD(64),
        STORED(256),
        KEY_END(KeyEnd.MAX_ENCODED + AROUND),
        PUT(LiveMessage.Put.Order.MAX_URL
                + LiveMessage.Put.Order.MAX_HEADERS * LiveMessage.Put.Order.MAX_HEADER
                + 4 * AROUND);

        private final int maxEncoded;

        Kind(int maxEncoded) {
            this.maxEncoded = maxEncoded;
        }

        private String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        private static Kind of(byte[] encoded) throws FormatException {
            String name = LiveMessageCodec.kind(encoded);
            for (Kind kind : values()) {
                if (kind.text().equals(name)) {
                    return kind;
                }
            }
            throw new UnknownKindException(name);
        }
    }

    /** A kind that this version does not know: a newer one's, to be ignored. */
    public static final class UnknownKindException extends FormatException {
        private static final long serialVersionUID = 1;

        UnknownKindException(String name) {
            super("tb_live: kind " + name.replaceAll("[^a-z-]", "?") + " (expected: one of version 1)");
        }
    }

    /** A message that is longer than its kind may be. */
    public static final class OversizedException extends FormatException {
        private static final long serialVersionUID = 1;

        OversizedException(Kind kind, int length) {
            super(kind.text() + ": length: " + length + " (expected: <= " + kind.maxEncoded + ")");
        }
    }

    /** The kind that the first key of an encoded dictionary names; nothing else is looked at. */
    public static String kind(byte[] encoded) throws FormatException {
        int at = KIND_PREFIX.length;
        int length = 0;
        if (encoded.length > at && Arrays.equals(KIND_PREFIX, Arrays.copyOf(encoded, at))) {
            while (at < encoded.length && encoded[at] >= '0' && encoded[at] <= '9' && length <= MAX_KIND) {
                length = length * 10 + encoded[at] - '0';
                at++;
            }
        }
        if (length == 0 || length > MAX_KIND || at + 1 + length > encoded.length) {
            throw new FormatException("message: no kind (expected: " + KIND + " as the first key)");
        }
        return new String(encoded, at + 1, length, StandardCharsets.ISO_8859_1);
    }

    public static byte[] encode(LiveMessage message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        Kind kind = kindOf(message);
        fields.put(KIND, kind.text());
        if (message instanceof LiveMessage.Hello hello) {
            fields.put("n", hello.nonce());
            fields.put("k", hello.relay().bytes());
            fields.put("r", roleText(hello.role()));
            hello.dialled().ifPresent(endpoint -> fields.put("d", endpoint.compact()));
            hello.seen().ifPresent(endpoint -> fields.put("s", endpoint.compact()));
        } else if (message instanceof LiveMessage.HelloAnswer answer) {
            fields.put("sig", answer.signature());
        } else if (message instanceof LiveMessage.HeadNews news) {
            fields.put("h", news.head().encode());
        } else if (message instanceof LiveMessage.AboutNews news) {
            fields.put("a", news.about().encoded());
        } else if (message instanceof LiveMessage.RecordNews news) {
            fields.put("c", news.record().encoded());
        } else if (message instanceof LiveMessage.RecordsPlease please) {
            fields.put("r", please.rendition());
            fields.put("f", please.from());
            fields.put("t", please.to());
        } else if (message instanceof LiveMessage.Records records) {
            fields.put("c", records.records().stream().map(ChunkRecord::encoded).toList());
        } else if (message instanceof LiveMessage.Window window) {
            fields.put("p", ranges(window.held()));
        } else if (message instanceof LiveMessage.Tree tree) {
            fields.put("s", tree.stripe());
            fields.put("g", tree.graft() ? 1 : 0);
        } else if (message instanceof LiveMessage.Coming coming) {
            fields.put("p", pieces(coming.pieces()));
        } else if (message instanceof LiveMessage.Relays relays) {
            fields.put(
                    "d", relays.relays().stream().map(RelayDescriptor::encoded).toList());
        } else if (message instanceof LiveMessage.Load load) {
            fields.put("l", load.perMille());
        } else if (message instanceof LiveMessage.Stored stored) {
            fields.put("r", stored.chunk().rendition());
            fields.put("s", stored.chunk().seq());
            fields.put("sig", stored.signature());
        } else if (message instanceof LiveMessage.KeyEndNews news) {
            fields.put("e", news.end().encoded());
        } else if (message instanceof LiveMessage.Put put) {
            fields.put("to", put.order().relay().bytes());
            fields.put("r", put.order().chunk().rendition());
            fields.put("s", put.order().chunk().seq());
            fields.put("u", put.order().url().toString());
            fields.put("hs", put.order().headers());
            fields.put("x", put.order().until().toEpochMilli());
            fields.put("sig", put.signature());
        }
        byte[] encoded = Bencode.encode(fields);
        if (encoded.length > kind.maxEncoded) {
            throw new IllegalArgumentException(
                    kind.text() + ": " + encoded.length + " bytes (expected: <= " + kind.maxEncoded + ")");
        }
        return encoded;
    }

    /**
     * Reads one message; signatures are not looked at.
     *
     * @throws UnknownKindException if it is of a kind that this version does not know
     * @throws OversizedException if it is longer than its kind may be
     * @throws FormatException if it is not what its kind must be
     */
    public static LiveMessage decode(byte[] encoded) throws FormatException {
        Kind kind = Kind.of(encoded);
        if (encoded.length > kind.maxEncoded) {
            throw new OversizedException(kind, encoded.length);
        }
        BencodeDictionary d = Bencode.decode(encoded, kind.maxEncoded);
        try {
            return switch (kind) {
                case HELLO ->
                    new LiveMessage.Hello(
                            d.exactBytes("n", LiveMessage.NONCE_LENGTH),
                            RelayKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                            role(d.text("r", ROLE_BYTES)),
                            endpoint(d, "d"),
                            endpoint(d, "s"));
                case ANSWER -> new LiveMessage.HelloAnswer(d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
                case HEAD -> new LiveMessage.HeadNews(SignedHead.decode(d.bytes("h", SignedHead.MAX_ENCODED)));
                case ABOUT -> new LiveMessage.AboutNews(About.decode(d.bytes("a", About.MAX_ENCODED)));
                case RECORD -> new LiveMessage.RecordNews(ChunkRecord.decode(d.bytes("c", ChunkRecord.MAX_ENCODED)));
                case RECORDS_PLEASE ->
                    new LiveMessage.RecordsPlease(
                            (int) d.integer("r", 0, ChunkId.MAX_RENDITION),
                            d.integer("f", 0, Long.MAX_VALUE),
                            d.integer("t", 0, Long.MAX_VALUE));
                case RECORDS -> records(d);
                case WINDOW -> new LiveMessage.Window(ranges(d.bytes("p", LiveMessage.MAX_RANGES * RANGE_BYTES)));
                case TREE ->
                    new LiveMessage.Tree((int) d.integer("s", 0, LiveMessage.STRIPES - 1), d.integer("g", 0, 1) == 1);
                case COMING -> new LiveMessage.Coming(pieces(d.bytes("p", LiveMessage.MAX_COMING * Integer.BYTES)));
                case RELAYS -> relays(d);
                case LOAD -> new LiveMessage.Load((int) d.integer("l", 0, MAX_PER_MILLE));
                case STORED ->
                    new LiveMessage.Stored(
                            new ChunkId(
                                    (int) d.integer("r", 0, ChunkId.MAX_RENDITION), d.integer("s", 0, Long.MAX_VALUE)),
                            d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
                case KEY_END -> new LiveMessage.KeyEndNews(KeyEnd.decode(d.bytes("e", KeyEnd.MAX_ENCODED)));
                case PUT ->
                    new LiveMessage.Put(
                            new LiveMessage.Put.Order(
                                    RelayKey.of(d.exactBytes("to", PublicKey.LENGTH)),
                                    new ChunkId(
                                            (int) d.integer("r", 0, ChunkId.MAX_RENDITION),
                                            d.integer("s", 0, Long.MAX_VALUE)),
                                    URI.create(d.text("u", LiveMessage.Put.Order.MAX_URL)),
                                    d.texts("hs", LiveMessage.Put.Order.MAX_HEADERS, LiveMessage.Put.Order.MAX_HEADER),
                                    Instant.ofEpochMilli(d.integer("x", 0, MAX_MILLIS))),
                            d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
            };
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    /** The text of a role in messages and signed bodies. */
    static String roleText(NodeRole role) {
        return role.name().toLowerCase(Locale.ROOT);
    }

    private static NodeRole role(String text) throws FormatException {
        for (NodeRole role : NodeRole.values()) {
            if (roleText(role).equals(text)) {
                return role;
            }
        }
        throw new FormatException("r: another role (expected: origin, relay or listener)");
    }

    private static Optional<Endpoint> endpoint(BencodeDictionary d, String key) throws FormatException {
        Optional<byte[]> compact = d.optionalBytes(key, Endpoint.COMPACT_V6);
        return compact.isPresent() ? Optional.of(Endpoint.fromCompact(compact.get())) : Optional.empty();
    }

    private static LiveMessage.Records records(BencodeDictionary d) throws FormatException {
        List<ChunkRecord> records = new ArrayList<>();
        int bytes = 0;
        for (byte[] encoded : d.byteStrings("c", MAX_RECORDS, ChunkRecord.MAX_ENCODED)) {
            bytes += encoded.length;
            if (bytes > LiveMessage.MAX_RECORDS_BYTES) {
                throw new FormatException("c: " + bytes + " bytes (expected: <= 262144)");
            }
            records.add(ChunkRecord.decode(encoded));
        }
        return new LiveMessage.Records(records);
    }

    private static LiveMessage.Relays relays(BencodeDictionary d) throws FormatException {
        List<RelayDescriptor> relays = new ArrayList<>();
        for (byte[] encoded : d.byteStrings("d", LiveMessage.MAX_RELAYS, RelayDescriptor.MAX_ENCODED)) {
            relays.add(RelayDescriptor.decode(encoded));
        }
        return new LiveMessage.Relays(relays);
    }

    /** Each range as its first and its last piece, unsigned 32 bit both: so that the end of all numbers needs no 33rd bit. */
    private static byte[] ranges(List<LiveMessage.Range> ranges) {
        ByteBuffer bytes = ByteBuffer.allocate(ranges.size() * RANGE_BYTES);
        ranges.forEach(range -> bytes.putInt((int) range.from()).putInt((int) (range.to() - 1)));
        return bytes.array();
    }

    private static List<LiveMessage.Range> ranges(byte[] bytes) throws FormatException {
        requireMultiple(bytes, RANGE_BYTES);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        List<LiveMessage.Range> ranges = new ArrayList<>();
        while (in.hasRemaining()) {
            ranges.add(new LiveMessage.Range(
                    Integer.toUnsignedLong(in.getInt()), Integer.toUnsignedLong(in.getInt()) + 1));
        }
        return ranges;
    }

    private static byte[] pieces(List<Long> pieces) {
        ByteBuffer bytes = ByteBuffer.allocate(pieces.size() * Integer.BYTES);
        pieces.forEach(piece -> bytes.putInt(piece.intValue()));
        return bytes.array();
    }

    private static List<Long> pieces(byte[] bytes) throws FormatException {
        requireMultiple(bytes, Integer.BYTES);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        List<Long> pieces = new ArrayList<>();
        while (in.hasRemaining()) {
            pieces.add(Integer.toUnsignedLong(in.getInt()));
        }
        return pieces;
    }

    private static void requireMultiple(byte[] bytes, int of) throws FormatException {
        if (bytes.length % of != 0) {
            throw new FormatException("p: " + bytes.length + " bytes (expected: a multiple of " + of + ")");
        }
    }

    private static Kind kindOf(LiveMessage message) {
        if (message instanceof LiveMessage.Hello) {
            return Kind.HELLO;
        } else if (message instanceof LiveMessage.HelloAnswer) {
            return Kind.ANSWER;
        } else if (message instanceof LiveMessage.HeadNews) {
            return Kind.HEAD;
        } else if (message instanceof LiveMessage.AboutNews) {
            return Kind.ABOUT;
        } else if (message instanceof LiveMessage.RecordNews) {
            return Kind.RECORD;
        } else if (message instanceof LiveMessage.RecordsPlease) {
            return Kind.RECORDS_PLEASE;
        } else if (message instanceof LiveMessage.Records) {
            return Kind.RECORDS;
        } else if (message instanceof LiveMessage.Window) {
            return Kind.WINDOW;
        } else if (message instanceof LiveMessage.Tree) {
            return Kind.TREE;
        } else if (message instanceof LiveMessage.Coming) {
            return Kind.COMING;
        } else if (message instanceof LiveMessage.Relays) {
            return Kind.RELAYS;
        } else if (message instanceof LiveMessage.Load) {
            return Kind.LOAD;
        } else if (message instanceof LiveMessage.KeyEndNews) {
            return Kind.KEY_END;
        } else if (message instanceof LiveMessage.Put) {
            return Kind.PUT;
        }
        return Kind.STORED;
    }
}
