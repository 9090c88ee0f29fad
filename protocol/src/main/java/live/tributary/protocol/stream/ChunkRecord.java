package live.tributary.protocol.stream;

import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;

/**
 * The signed description of one chunk: what its bytes are, where they stand in the stream, and which record came before.
 *
 * <p>A record that was read is well formed and within its limits; whether its signature holds is a question of its own,
 * {@link #verifies()}, because the answer is dear and cheaper checks come first.
 */
public final class ChunkRecord {
    /** The largest encoded record, bytes. */
    public static final int MAX_ENCODED = 16 * 1024;
    /** The largest chunk, bytes. */
    public static final int MAX_CHUNK = 32 * 1024 * 1024;
    /** The length of every piece but a chunk's last, bytes. */
    public static final int PIECE_LENGTH = 64 * 1024;
    /** Piece numbers are unsigned 32-bit: this is the first that is not one. */
    public static final long PIECE_LIMIT = 1L << 32;

    public static final Duration MAX_DURATION = Duration.ofMinutes(2);

    private static final int VERSION = 1;
    private static final long MAX_MILLIS = 1L << 48;

    private final Body body;
    private final byte[] encoded;
    private final byte[] signature;
    private final Sha256 hash;

    private ChunkRecord(Body body, byte[] signature) {
        this.body = body;
        this.signature = signature;
        this.encoded = encode(body, signature);
        this.hash = Sha256.ofContent(encoded);
    }

    /**
     * What is signed.
     *
     * @param stream the stream's key
     * @param term the origin's run, ms since 1970 of its start
     * @param chunk rendition and seq
     * @param previous SHA-256 of the whole record at seq - 1, signature included; empty where none is remembered
     * @param published when the origin published it
     * @param start media time, monotone within a rendition
     * @param duration media duration, at most {@link #MAX_DURATION}
     * @param discontinuities how many discontinuities came before or with this chunk in its rendition
     * @param container how the bytes are packed
     * @param initLength length of the MP4 init section at the start of the bytes; 0 for TS
     * @param length the chunk's bytes, at most {@link #MAX_CHUNK}
     * @param sha256 of all bytes
     * @param firstPiece the number of the first piece in the stream's one counter
     * @param pieces SHA-1 of each 64 KiB, the last of what is left
     * @param paddedLast SHA-1 of the last piece filled up with zeros to 64 KiB
     */
    public record Body(
            StreamKey stream,
            long term,
            ChunkId chunk,
            Optional<Sha256> previous,
            Instant published,
            Duration start,
            Duration duration,
            long discontinuities,
            Container container,
            int initLength,
            int length,
            Sha256 sha256,
            long firstPiece,
            PieceHashes pieces,
            InfoHash paddedLast) {
        public Body {
            check("term", term, 0, MAX_MILLIS);
            check("published", published.toEpochMilli(), 0, MAX_MILLIS);
            check("start", start.toMillis(), 0, MAX_MILLIS);
            check("duration", duration.toMillis(), 1, MAX_DURATION.toMillis());
            check("discontinuities", discontinuities, 0, 1L << 32);
            check("length", length, 1, MAX_CHUNK);
            check("init length", initLength, 0, container == Container.TS ? 0 : length - 1L);
            check("first piece", firstPiece, 0, PIECE_LIMIT - pieces.count());
            check("pieces", pieces.count(), pieceCount(length), pieceCount(length));
        }

        private static void check(String name, long value, long min, long max) {
            if (value < min || value > max) {
                throw new IllegalArgumentException(name + ": " + value + " (expected: " + min + ".." + max + ")");
            }
        }
    }

    /** Signs a body with the stream's key. */
    public static ChunkRecord sign(Body body, SigningKey key) {
        if (!key.streamKey().equals(body.stream())) {
            throw new IllegalArgumentException("key: " + key.streamKey() + " (expected: " + body.stream() + ")");
        }
        return new ChunkRecord(body, key.sign(SignedKind.RECORD, Bencode.encode(fields(body))));
    }

    /**
     * Reads an encoded record, at most {@link #MAX_ENCODED} bytes, canonical, without unknown keys.
     *
     * @throws FormatException if it is anything else; the signature is not looked at
     */
    public static ChunkRecord decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        d.integer("v", VERSION, VERSION);
        try {
            Body body = new Body(
                    StreamKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                    d.integer("t", 0, MAX_MILLIS),
                    new ChunkId((int) d.integer("r", 0, ChunkId.MAX_RENDITION), d.integer("s", 0, Long.MAX_VALUE)),
                    d.optionalExactBytes("p", Sha256.LENGTH).map(Sha256::of),
                    Instant.ofEpochMilli(d.integer("at", 0, MAX_MILLIS)),
                    Duration.ofMillis(d.integer("st", 0, MAX_MILLIS)),
                    Duration.ofMillis(d.integer("du", 1, MAX_DURATION.toMillis())),
                    d.integer("dc", 0, 1L << 32),
                    container(d.text("c", 3)),
                    (int) d.integer("il", 0, MAX_CHUNK),
                    (int) d.integer("l", 1, MAX_CHUNK),
                    Sha256.of(d.exactBytes("h", Sha256.LENGTH)),
                    d.integer("fp", 0, PIECE_LIMIT - 1),
                    new PieceHashes(d.bytes("ph", MAX_ENCODED)),
                    InfoHash.of(d.exactBytes("pl", PieceHashes.HASH_LENGTH)));
            ChunkRecord record = new ChunkRecord(body, d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
            if (!MessageDigest.isEqual(record.encoded, encoded)) {
                throw new FormatException("record: unknown keys (expected: those of version 1)");
            }
            return record;
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    /** Whether the stream's key signed this record. About a millisecond: not for an event loop. */
    public boolean verifies() {
        return body.stream().verifies(SignedKind.RECORD, Bencode.encode(fields(body)), signature);
    }

    public static int pieceCount(int length) {
        return (length + PIECE_LENGTH - 1) / PIECE_LENGTH;
    }

    /** The length of one piece of this chunk, bytes. */
    public int pieceLength(int piece) {
        return Math.min(PIECE_LENGTH, body.length() - piece * PIECE_LENGTH);
    }

    /** SHA-256 of the whole record, signature included: what the next record names as its previous. */
    public Sha256 hash() {
        return hash;
    }

    public Body body() {
        return body;
    }

    public byte[] encoded() {
        return encoded.clone();
    }

    public int encodedLength() {
        return encoded.length;
    }

    public ChunkId chunk() {
        return body.chunk();
    }

    public long seq() {
        return body.chunk().seq();
    }

    public int rendition() {
        return body.chunk().rendition();
    }

    public long term() {
        return body.term();
    }

    public int length() {
        return body.length();
    }

    public long firstPiece() {
        return body.firstPiece();
    }

    public int pieceCount() {
        return body.pieces().count();
    }

    /** The number behind the last piece. */
    public long endPiece() {
        return body.firstPiece() + pieceCount();
    }

    public boolean hasPiece(long piece) {
        return piece >= firstPiece() && piece < endPiece();
    }

    /** {@code <seq>.ts} or {@code <seq>.mp4}. */
    public String fileName() {
        return seq() + "." + body.container().extension();
    }

    private static Container container(String name) throws FormatException {
        for (Container container : Container.values()) {
            if (container.extension().equals(name)) {
                return container;
            }
        }
        throw new FormatException("c: " + name + " (expected: ts or mp4)");
    }

    private static byte[] encode(Body body, byte[] signature) {
        Map<String, Object> fields = fields(body);
        fields.put("sig", signature);
        return Bencode.encode(fields);
    }

    private static Map<String, Object> fields(Body body) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("v", VERSION);
        fields.put("k", body.stream().bytes());
        fields.put("t", body.term());
        fields.put("r", body.chunk().rendition());
        fields.put("s", body.chunk().seq());
        body.previous().ifPresent(previous -> fields.put("p", previous.bytes()));
        fields.put("at", body.published().toEpochMilli());
        fields.put("st", body.start().toMillis());
        fields.put("du", body.duration().toMillis());
        fields.put("dc", body.discontinuities());
        fields.put("c", body.container().extension());
        fields.put("il", body.initLength());
        fields.put("l", body.length());
        fields.put("h", body.sha256().bytes());
        fields.put("fp", body.firstPiece());
        fields.put("ph", body.pieces().bytes());
        fields.put("pl", body.paddedLast().bytes());
        return fields;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChunkRecord record && hash.equals(record.hash);
    }

    @Override
    public int hashCode() {
        return hash.hashCode();
    }

    @Override
    public String toString() {
        return "record " + body.chunk() + " of term " + body.term();
    }
}
