package live.tributary.mesh;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/** A made-up stream of one rendition: signed, chained records with random bytes from a seed. */
public final class SampleStream {
    public static final Duration CHUNK_DURATION = Duration.ofSeconds(4);

    private final SigningKey key;
    private final Random random;
    private final Instant began;
    private final long term;
    private long seq;
    private long piece;
    private long discontinuities;
    private Optional<Sha256> previous = Optional.empty();

    public SampleStream(long seed, Instant began) {
        this.random = new Random(seed);
        byte[] keySeed = new byte[SigningKey.SEED_LENGTH];
        random.nextBytes(keySeed);
        this.key = SigningKey.fromSeed(keySeed);
        this.began = began;
        this.term = began.toEpochMilli();
    }

    /** A chunk and its bytes. */
    public record Chunk(ChunkRecord record, byte[] bytes) {
        public ByteBuf buffer() {
            return Unpooled.wrappedBuffer(bytes);
        }
    }

    public long term() {
        return term;
    }

    public StreamKey streamKey() {
        return key.streamKey();
    }

    public SigningKey signingKey() {
        return key;
    }

    public void discontinuity() {
        discontinuities++;
    }

    /** Leaves numbers out, as a stream does whose origin lost its memory. */
    public void jump(long seqs) {
        seq += seqs;
        previous = Optional.empty();
    }

    public Chunk next(int length) {
        return next(length, Container.TS, new byte[0]);
    }

    public Chunk next(int length, Container container, byte[] init) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        System.arraycopy(init, 0, bytes, 0, init.length);
        ByteArrayOutputStream hashes = new ByteArrayOutputStream();
        MessageDigest sha1 = Digests.sha1();
        byte[] padded = new byte[0];
        for (int at = 0; at < length; at += ChunkRecord.PIECE_LENGTH) {
            int end = Math.min(length, at + ChunkRecord.PIECE_LENGTH);
            hashes.writeBytes(sha1.digest(Arrays.copyOfRange(bytes, at, end)));
            padded = Arrays.copyOfRange(bytes, at, at + ChunkRecord.PIECE_LENGTH);
        }
        Duration start = CHUNK_DURATION.multipliedBy(seq);
        ChunkRecord record = ChunkRecord.sign(
                new ChunkRecord.Body(
                        key.streamKey(),
                        term,
                        new ChunkId(0, seq),
                        previous,
                        began.plus(start),
                        start,
                        CHUNK_DURATION,
                        discontinuities,
                        container,
                        init.length,
                        length,
                        Sha256.ofContent(bytes),
                        piece,
                        new PieceHashes(hashes.toByteArray()),
                        InfoHash.of(sha1.digest(padded))),
                key);
        seq++;
        piece = record.endPiece();
        previous = Optional.of(record.hash());
        return new Chunk(record, bytes);
    }
}
