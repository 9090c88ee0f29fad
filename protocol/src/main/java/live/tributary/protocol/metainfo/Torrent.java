package live.tributary.protocol.metainfo;

import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;

/**
 * A v1 torrent (BEP 3) made from signed records, with the way from its pieces back to the chunks' bytes.
 *
 * <p>Its pieces are 64 KiB. Every chunk starts at a piece boundary, so a torrent piece is a piece of exactly one chunk
 * (in a window its last one filled up with zeros), or a piece of the playlist that a window carries behind its chunks.
 */
public final class Torrent {
    private final InfoHash infoHash;
    private final byte[] info;
    private final String name;
    private final List<File> files;
    private final int pieceCount;
    private final long length;
    private final NavigableMap<Integer, ChunkRecord> chunks;
    private final List<ChunkRecord> inOrder;
    private final byte[] playlist;
    private final int playlistPiece;

    Torrent(
            byte[] info,
            String name,
            List<File> files,
            int pieceCount,
            long length,
            NavigableMap<Integer, ChunkRecord> chunks,
            byte[] playlist,
            int playlistPiece) {
        this.infoHash = InfoHash.ofInfo(info);
        this.info = info;
        this.name = name;
        this.files = List.copyOf(files);
        this.pieceCount = pieceCount;
        this.length = length;
        this.chunks = new TreeMap<>(chunks);
        this.inOrder = List.copyOf(this.chunks.values());
        this.playlist = playlist;
        this.playlistPiece = playlistPiece;
    }

    /**
     * A file of the torrent.
     *
     * @param path its name, or for pad files {@code .pad/<seq>}
     * @param length bytes
     * @param pad whether it is a BEP 47 pad file, zeros that nobody needs to ask for
     */
    public record File(String path, long length, boolean pad) {}

    /** Where the bytes of one torrent piece are. */
    public sealed interface Source {
        /** Bytes of {@code record}'s piece {@code piece} (from 0), then {@code zeros} zero bytes. */
        record OfChunk(ChunkRecord record, int piece, int length, int zeros) implements Source {}

        /** Bytes {@code from}.. of {@link Torrent#playlist()}. */
        record OfPlaylist(int from, int length) implements Source {}
    }

    public InfoHash infoHash() {
        return infoHash;
    }

    /** The bencoded info dictionary: what ut_metadata (BEP 9) serves. */
    public byte[] info() {
        return info.clone();
    }

    public String name() {
        return name;
    }

    /** In the torrent's order, pad files included: a position here is a file index as clients count. */
    public List<File> files() {
        return files;
    }

    public int pieceCount() {
        return pieceCount;
    }

    /** All files' bytes, pad files included. */
    public long length() {
        return length;
    }

    /** The length of one piece, bytes. */
    public int pieceLength(int piece) {
        return (int) Math.min(ChunkRecord.PIECE_LENGTH, length - (long) piece * ChunkRecord.PIECE_LENGTH);
    }

    /** The chunks that the torrent carries, in order. */
    public List<ChunkRecord> chunks() {
        return inOrder;
    }

    /** The torrent's piece at which a chunk starts, if the torrent carries that chunk. */
    public Optional<Integer> firstPieceOf(ChunkId chunk) {
        return chunks.entrySet().stream()
                .filter(entry -> entry.getValue().chunk().equals(chunk))
                .map(java.util.Map.Entry::getKey)
                .findFirst();
    }

    /** A window's {@code index.m3u8}; empty for a chunk torrent. */
    public byte[] playlist() {
        return playlist.clone();
    }

    /** The position of {@code index.m3u8} among the files: what Stremio calls fileIdx. */
    public Optional<Integer> playlistFile() {
        return playlist.length == 0 ? Optional.empty() : Optional.of(files.size() - 1);
    }

    /** Where the bytes of one piece are. */
    public Source source(int piece) {
        if (piece < 0 || piece >= pieceCount) {
            throw new IllegalArgumentException("piece: " + piece + " (expected: 0.." + (pieceCount - 1) + ")");
        }
        if (playlist.length > 0 && piece >= playlistPiece) {
            return new Source.OfPlaylist((piece - playlistPiece) * ChunkRecord.PIECE_LENGTH, pieceLength(piece));
        }
        var entry = chunks.floorEntry(piece);
        ChunkRecord record = entry.getValue();
        int within = piece - entry.getKey();
        int content = record.pieceLength(within);
        return new Source.OfChunk(record, within, content, pieceLength(piece) - content);
    }

    /** The whole .torrent file with the given announce URLs (BEP 12). */
    public byte[] metainfo(List<String> trackers) {
        return Metainfo.encode(info, trackers);
    }
}
