package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import java.security.MessageDigest;
import java.util.Optional;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;

/** Whether bytes in the store are what their record says; for the pool, not for an event loop. */
record ChunkHashes(ChunkStore store) {
    boolean isGood(ChunkRecord record, int piece) {
        Optional<ByteBuf> bytes = store.readPiece(record, piece, 0, record.pieceLength(piece));
        if (bytes.isEmpty()) {
            return false;
        }
        try {
            MessageDigest sha1 = Digests.sha1();
            sha1.update(bytes.get().nioBuffer());
            return record.body().pieces().matches(piece, sha1.digest());
        } finally {
            bytes.get().release();
        }
    }

    /** All bytes by their sha256, and the last piece filled up with zeros. */
    boolean isGood(ChunkRecord record) {
        Optional<ByteBuf> bytes = store.readWritten(record, 0, record.length());
        if (bytes.isEmpty()) {
            return false;
        }
        try {
            MessageDigest sha256 = Digests.sha256();
            sha256.update(bytes.get().nioBuffer());
            int last = record.pieceCount() - 1;
            MessageDigest sha1 = Digests.sha1();
            sha1.update(bytes.get().nioBuffer(last * ChunkRecord.PIECE_LENGTH, record.pieceLength(last)));
            sha1.update(new byte[ChunkRecord.PIECE_LENGTH - record.pieceLength(last)]);
            return MessageDigest.isEqual(sha256.digest(), record.body().sha256().bytes())
                    && MessageDigest.isEqual(
                            sha1.digest(), record.body().paddedLast().bytes());
        } finally {
            bytes.get().release();
        }
    }
}
