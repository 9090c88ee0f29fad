package live.tributary.origin.publish;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.PublicKey;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.StreamKey;

/**
 * All that an origin must not forget: what was used once is never used again.
 *
 * @param term of this run, greater than any before
 * @param nextPiece the first piece number that no record has
 * @param headSeq of the newest head
 * @param renditions the last record of each
 */
record PublishState(StreamKey stream, long term, long nextPiece, long headSeq, Map<Integer, Last> renditions) {
    static final int MAX_ENCODED = 64 * 1024 + (ChunkId.MAX_RENDITION + 1) * ChunkRecord.MAX_ENCODED;

    private static final int VERSION = 1;
    private static final long MAX_MILLIS = 1L << 48;
    private static final int MAX_NAME = 300;

    PublishState {
        renditions = Map.copyOf(renditions);
    }

    /**
     * The last record of a rendition.
     *
     * @param hash of the whole record
     * @param end media time behind it
     * @param name of the feed's segment that it was made of; empty where that is not known
     * @param record itself: a crash may have come before the mesh had its chunk
     */
    record Last(long seq, Sha256 hash, long discontinuities, Duration end, String name, Optional<ChunkRecord> record) {
        Last {
            if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
                name = "";
            }
        }

        /** Whether the mesh's record is newer: of a higher term, which wins every fork, or behind this one. */
        boolean isBefore(ChunkRecord other) {
            long term = record.map(ChunkRecord::term).orElse(0L);
            return other.term() != term ? other.term() > term : other.seq() > seq;
        }

        static Last of(ChunkRecord record, String name) {
            return new Last(
                    record.seq(),
                    record.hash(),
                    record.body().discontinuities(),
                    record.body().start().plus(record.body().duration()),
                    name,
                    Optional.of(record));
        }
    }

    static PublishState empty(StreamKey stream) {
        return new PublishState(stream, 0, 0, 0, Map.of());
    }

    PublishState withTerm(long newTerm) {
        return new PublishState(stream, newTerm, nextPiece, headSeq, renditions);
    }

    PublishState withHeadSeq(long newest) {
        return new PublishState(stream, term, nextPiece, newest, renditions);
    }

    PublishState with(ChunkRecord record, String name) {
        Map<Integer, Last> more = new TreeMap<>(renditions);
        more.put(record.rendition(), Last.of(record, name));
        return new PublishState(stream, term, Math.max(nextPiece, record.endPiece()), headSeq, more);
    }

    byte[] encode() {
        Map<String, Object> fields = fields();
        fields.put("sum", Sha256.ofContent(Bencode.encode(fields())).bytes());
        return Bencode.encode(fields);
    }

    private Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("v", VERSION);
        fields.put("k", stream.bytes());
        fields.put("t", term);
        fields.put("np", nextPiece);
        fields.put("hs", headSeq);
        fields.put(
                "rs",
                new TreeMap<>(renditions)
                        .entrySet().stream()
                                .map(entry -> fields(entry.getKey(), entry.getValue()))
                                .toList());
        return fields;
    }

    private static Map<String, Object> fields(int rendition, Last last) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("n", rendition);
        fields.put("s", last.seq());
        fields.put("h", last.hash().bytes());
        fields.put("dc", last.discontinuities());
        fields.put("e", last.end().toMillis());
        fields.put("src", last.name());
        last.record().ifPresent(record -> fields.put("r", record.encoded()));
        return fields;
    }

    private static Optional<ChunkRecord> record(BencodeDictionary rendition) throws FormatException {
        Optional<byte[]> encoded = rendition.optionalBytes("r", ChunkRecord.MAX_ENCODED);
        return encoded.isEmpty() ? Optional.empty() : Optional.of(ChunkRecord.decode(encoded.get()));
    }

    /** Reads an encoded state and checks its sum. */
    static PublishState decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        byte[] sum = Sha256.ofContent(d.without("sum").encode()).bytes();
        if (!MessageDigest.isEqual(sum, d.exactBytes("sum", Sha256.LENGTH))) {
            throw new FormatException("state: its sum is another one");
        }
        d.integer("v", VERSION, VERSION);
        Map<Integer, Last> renditions = new TreeMap<>();
        for (BencodeDictionary r : d.dictionaries("rs", ChunkId.MAX_RENDITION + 1)) {
            renditions.put(
                    (int) r.integer("n", 0, ChunkId.MAX_RENDITION),
                    new Last(
                            r.integer("s", 0, Long.MAX_VALUE),
                            Sha256.of(r.exactBytes("h", Sha256.LENGTH)),
                            r.integer("dc", 0, MAX_MILLIS),
                            Duration.ofMillis(r.integer("e", 0, MAX_MILLIS * 2)),
                            r.text("src", MAX_NAME),
                            record(r)));
        }
        return new PublishState(
                StreamKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                d.integer("t", 0, MAX_MILLIS),
                d.integer("np", 0, ChunkRecord.PIECE_LIMIT),
                d.integer("hs", 0, MAX_MILLIS),
                renditions);
    }
}
