package live.tributary.origin.publish;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.PieceHashes;

/** The hashes of a chunk's pieces. */
record ChunkHashes(PieceHashes pieces, InfoHash paddedLast) {
    static ChunkHashes of(byte[] bytes) {
        MessageDigest sha1 = Digests.sha1();
        ByteArrayOutputStream pieces = new ByteArrayOutputStream();
        int last = 0;
        for (int from = 0; from < bytes.length; from += ChunkRecord.PIECE_LENGTH) {
            last = Math.min(ChunkRecord.PIECE_LENGTH, bytes.length - from);
            sha1.update(bytes, from, last);
            pieces.writeBytes(sha1.digest());
        }
        sha1.update(bytes, bytes.length - last, last);
        sha1.update(new byte[ChunkRecord.PIECE_LENGTH - last]);
        return new ChunkHashes(new PieceHashes(pieces.toByteArray()), InfoHash.of(sha1.digest()));
    }
}
