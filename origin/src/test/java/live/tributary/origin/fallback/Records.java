package live.tributary.origin.fallback;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;

/** Records of chunks of two seconds whose bytes say their number. */
final class Records {
    static final SigningKey KEY = SigningKey.fromSeed(new byte[32]);

    private Records() {}

    static byte[] bytes(long seq) {
        return ("chunk " + seq).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    static ChunkRecord record(long seq, Instant published) {
        byte[] bytes = bytes(seq);
        InfoHash hash = InfoHash.of(new byte[InfoHash.LENGTH]);
        return ChunkRecord.sign(
                new ChunkRecord.Body(
                        KEY.streamKey(),
                        1,
                        new ChunkId(0, seq),
                        Optional.empty(),
                        published,
                        Duration.ofSeconds(seq * 2),
                        Duration.ofSeconds(2),
                        0,
                        Container.TS,
                        0,
                        bytes.length,
                        Sha256.ofContent(bytes),
                        seq,
                        new PieceHashes(hash.bytes()),
                        hash),
                KEY);
    }
}
