package live.tributary.protocol.metainfo;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.stream.ChunkRecord;

/** The single-file torrent of one chunk, a pure function of its record. */
public final class ChunkTorrent {
    private ChunkTorrent() {}

    public static Torrent of(ChunkRecord record) {
        byte[] info = Bencode.encode(Map.of(
                "length", record.length(),
                "name", record.fileName(),
                "piece length", ChunkRecord.PIECE_LENGTH,
                "pieces", record.body().pieces().bytes()));
        return new Torrent(
                info,
                record.fileName(),
                List.of(new Torrent.File(record.fileName(), record.length(), false)),
                record.pieceCount(),
                record.length(),
                new TreeMap<>(Map.of(0, record)),
                new byte[0],
                record.pieceCount());
    }
}
