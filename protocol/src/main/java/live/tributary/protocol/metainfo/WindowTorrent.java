package live.tributary.protocol.metainfo;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;

/**
 * The multi-file torrent of five minutes of one rendition, a pure function of their records.
 *
 * <p>Files in order: each chunk, behind it a BEP 47 pad file where its length is no multiple of a piece, and last
 * {@code index.m3u8}, a finished playlist of the chunks. So every chunk starts at a piece, and a window's piece hashes are its
 * chunks' hashes, but for a chunk's last piece, which counts with its padding.
 */
public final class WindowTorrent {
    /** The name of the playlist that a window carries. */
    public static final String PLAYLIST = "index.m3u8";

    private WindowTorrent() {}

    /**
     * The torrent of a gapless run.
     *
     * @param records in order of seq, of one rendition, term and discontinuity count, each continuing the one before
     * @throws IllegalArgumentException if they are no such run
     */
    public static Torrent of(List<ChunkRecord> records) {
        requireRun(records);
        List<Torrent.File> files = new ArrayList<>();
        TreeMap<Integer, ChunkRecord> chunks = new TreeMap<>();
        ByteArrayOutputStream pieces = new ByteArrayOutputStream();
        int piece = 0;
        for (ChunkRecord record : records) {
            chunks.put(piece, record);
            files.add(new Torrent.File(record.fileName(), record.length(), false));
            byte[] hashes = record.body().pieces().bytes();
            int padding = record.pieceCount() * ChunkRecord.PIECE_LENGTH - record.length();
            if (padding > 0) {
                // Named by seq, not by length as in BEP 47's example: clients stumble over two files of one path.
                files.add(new Torrent.File(".pad/" + record.seq(), padding, true));
                byte[] last = record.body().paddedLast().bytes();
                System.arraycopy(last, 0, hashes, hashes.length - last.length, last.length);
            }
            pieces.writeBytes(hashes);
            piece += record.pieceCount();
        }
        byte[] playlist = playlist(records);
        files.add(new Torrent.File(PLAYLIST, playlist.length, false));
        int playlistPiece = piece;
        MessageDigest sha1 = Digests.sha1();
        for (int from = 0; from < playlist.length; from += ChunkRecord.PIECE_LENGTH) {
            pieces.writeBytes(sha1.digest(
                    Arrays.copyOfRange(playlist, from, Math.min(playlist.length, from + ChunkRecord.PIECE_LENGTH))));
            piece++;
        }
        String name =
                records.get(0).seq() + "-" + records.get(records.size() - 1).seq();
        Map<String, Object> info = new LinkedHashMap<>();
        info.put("files", files.stream().map(WindowTorrent::entry).toList());
        info.put("name", name);
        info.put("piece length", ChunkRecord.PIECE_LENGTH);
        info.put("pieces", pieces.toByteArray());
        long length = (long) playlistPiece * ChunkRecord.PIECE_LENGTH + playlist.length;
        return new Torrent(Bencode.encode(info), name, files, piece, length, chunks, playlist, playlistPiece);
    }

    private static Map<String, Object> entry(Torrent.File file) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("length", file.length());
        entry.put("path", List.of(file.path().split("/")));
        if (file.pad()) {
            entry.put("attr", "p"); // BEP 47
        }
        return entry;
    }

    /** The playlist of a run; its bytes are part of the infohash, so this template never changes within version 1. */
    private static byte[] playlist(List<ChunkRecord> records) {
        long target = records.stream()
                .mapToLong(record -> (record.body().duration().toMillis() + 999) / 1000)
                .max()
                .orElseThrow();
        ChunkRecord first = records.get(0);
        boolean mp4 = first.body().container() == Container.MP4;
        StringBuilder text = new StringBuilder(
                        "#EXTM3U\n#EXT-X-VERSION:" + (mp4 ? 7 : 3) + "\n#EXT-X-PLAYLIST-TYPE:VOD\n")
                .append("#EXT-X-TARGETDURATION:")
                .append(target)
                .append("\n#EXT-X-MEDIA-SEQUENCE:")
                .append(first.seq())
                .append('\n');
        if (mp4) { // One init for the run: a changed init counts as a discontinuity, which ends it.
            text.append("#EXT-X-MAP:URI=\"" + first.fileName() + "\",BYTERANGE=\""
                    + first.body().initLength() + "@0\"\n");
        }
        for (ChunkRecord record : records) {
            long millis = record.body().duration().toMillis();
            text.append(String.format(Locale.ROOT, "#EXTINF:%d.%03d,\n", millis / 1000, millis % 1000));
            if (mp4) {
                int init = record.body().initLength();
                text.append("#EXT-X-BYTERANGE:" + (record.length() - init) + "@" + init + "\n");
            }
            text.append(record.fileName()).append('\n');
        }
        return text.append("#EXT-X-ENDLIST\n").toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static void requireRun(List<ChunkRecord> records) {
        if (records.isEmpty()) {
            throw new IllegalArgumentException("records: none (expected: at least one)");
        }
        for (int i = 1; i < records.size(); i++) {
            if (!WindowId.continues(records.get(i - 1), records.get(i))) {
                throw new IllegalArgumentException(records.get(i) + " does not continue " + records.get(i - 1));
            }
        }
    }
}
