package live.tributary.mesh.swarm;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;

/** Signs the records of one rendition, right ones and wrong ones. */
final class TestStream {
    static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");
    static final long TERM = NOW.toEpochMilli() - 60_000;
    static final int LENGTH = 3 * ChunkRecord.PIECE_LENGTH + 1000;

    final SigningKey key;
    private final Random random;

    TestStream(long seed) {
        this.random = new Random(seed);
        byte[] keySeed = new byte[SigningKey.SEED_LENGTH];
        random.nextBytes(keySeed);
        this.key = SigningKey.fromSeed(keySeed);
    }

    /** The record that follows another. */
    ChunkRecord after(ChunkRecord before) {
        return record(
                before.rendition(),
                before.term(),
                before.seq() + 1,
                Optional.of(before.hash()),
                before.endPiece(),
                NOW,
                LENGTH);
    }

    ChunkRecord first() {
        return record(TERM, 100, Optional.empty(), 0, NOW, LENGTH);
    }

    /** The first record of another rendition than 0. */
    ChunkRecord first(int rendition) {
        return record(rendition, TERM, 100, Optional.empty(), rendition * 1_000_000L, NOW, LENGTH);
    }

    ChunkRecord record(long term, long seq, Optional<Sha256> previous, long firstPiece, Instant published, int length) {
        return record(0, term, seq, previous, firstPiece, published, length);
    }

    private ChunkRecord record(
            int rendition,
            long term,
            long seq,
            Optional<Sha256> previous,
            long firstPiece,
            Instant published,
            int length) {
        byte[] hashes = new byte[ChunkRecord.pieceCount(length) * PieceHashes.HASH_LENGTH];
        random.nextBytes(hashes);
        return ChunkRecord.sign(
                new ChunkRecord.Body(
                        key.streamKey(),
                        term,
                        new ChunkId(rendition, seq),
                        previous,
                        published,
                        Duration.ofSeconds(4 * seq),
                        Duration.ofSeconds(4),
                        0,
                        Container.TS,
                        0,
                        length,
                        Sha256.ofContent(hashes),
                        firstPiece,
                        new PieceHashes(hashes),
                        InfoHash.of(Digests.sha1().digest(hashes))),
                key);
    }

    SignedHead head(long seq, Instant expires) {
        return head(seq, expires, TERM);
    }

    SignedHead head(long seq, Instant expires, long term) {
        return head(seq, expires, term, Sha256.ofContent(new byte[0]));
    }

    SignedHead head(long seq, Instant expires, long term, Sha256 about) {
        return SignedHead.sign(
                new Head(
                        seq,
                        expires,
                        Head.Status.LIVE,
                        term,
                        Optional.empty(),
                        Optional.empty(),
                        java.util.List.of(),
                        about),
                key);
    }

    /** The same record with one bit of its signature flipped. */
    static ChunkRecord flipped(ChunkRecord record) {
        byte[] encoded = record.encoded();
        encoded[encoded.length - 2] ^= 1; // The signature's last byte, before the dictionary's end.
        for (int at = encoded.length - 2; at > 0; at--) {
            try {
                return ChunkRecord.decode(encoded);
            } catch (FormatException e) {
                encoded = record.encoded();
                encoded[at] ^= 1;
            }
        }
        throw new IllegalStateException("no bit can be flipped");
    }
}
