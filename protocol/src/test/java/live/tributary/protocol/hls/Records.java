package live.tributary.protocol.hls;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;

/** Records of one rendition, four seconds each, from 2026-11-22T06:00:00Z. */
final class Records {
    static final Instant START = Instant.parse("2026-11-22T06:00:00Z");

    private static final SigningKey KEY = SigningKey.fromSeed(new byte[SigningKey.SEED_LENGTH]);

    private Records() {}

    static ChunkRecord ts(long seq, long discontinuities) {
        return record(seq, discontinuities, Container.TS, 0);
    }

    static ChunkRecord mp4(long seq, long discontinuities, int initLength) {
        return record(seq, discontinuities, Container.MP4, initLength);
    }

    private static ChunkRecord record(long seq, long discontinuities, Container container, int initLength) {
        byte[] hash = new byte[InfoHash.LENGTH];
        Arrays.fill(hash, (byte) seq);
        return ChunkRecord.sign(
                new ChunkRecord.Body(
                        KEY.streamKey(),
                        1,
                        new ChunkId(0, seq),
                        Optional.empty(),
                        START,
                        Duration.ofMillis(START.toEpochMilli() + seq * 4004),
                        Duration.ofMillis(4004),
                        discontinuities,
                        container,
                        initLength,
                        10_000,
                        Sha256.ofContent(hash),
                        seq,
                        new PieceHashes(hash),
                        InfoHash.of(hash)),
                KEY);
    }
}
