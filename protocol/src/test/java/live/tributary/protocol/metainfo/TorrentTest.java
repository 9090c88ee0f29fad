package live.tributary.protocol.metainfo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bt.metainfo.MetadataService;
import bt.metainfo.TorrentFile;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

class TorrentTest {
    private static final Duration FOUR_SECONDS = Duration.ofSeconds(4);

    private final Samples samples = new Samples(1);
    private final SigningKey key = samples.key();

    @Test
    void anotherParserReadsAChunkTorrentWithTheSameInfohash() {
        ChunkRecord record = samples.record(key);
        Torrent torrent = ChunkTorrent.of(record);
        bt.metainfo.Torrent theirs =
                new MetadataService().fromByteArray(torrent.metainfo(List.of("http://t.example/announce")));
        assertThat(theirs.getTorrentId().getBytes())
                .isEqualTo(torrent.infoHash().bytes());
        assertThat(theirs.getName()).isEqualTo(record.fileName());
        assertThat(theirs.getSize()).isEqualTo(record.length());
        assertThat(theirs.getChunkSize()).isEqualTo(ChunkRecord.PIECE_LENGTH);
    }

    @Test
    void anotherParserReadsAWindowWithTheSameInfohashAndFiles() {
        Torrent torrent = WindowTorrent.of(samples.chain(key, 75, FOUR_SECONDS, 200_001));
        bt.metainfo.Torrent theirs = new MetadataService().fromByteArray(torrent.metainfo(List.of()));
        assertThat(theirs.getTorrentId().getBytes())
                .isEqualTo(torrent.infoHash().bytes());
        assertThat(theirs.getFiles().stream().map(TorrentFile::getPathElements).map(path -> String.join("/", path)))
                .containsExactlyElementsOf(
                        torrent.files().stream().map(Torrent.File::path).toList());
        assertThat(theirs.getSize()).isEqualTo(torrent.length());
        assertThat(torrent.playlistFile()).contains(torrent.files().size() - 1);
    }

    @Test
    void everyPieceOfAWindowIsAPieceOfOneChunkOrOfThePlaylist() {
        List<byte[]> contents = List.of(samples.bytes(100_000), samples.bytes(65_536), samples.bytes(1));
        List<ChunkRecord> records = chain(contents);
        Torrent torrent = WindowTorrent.of(records);
        byte[] info = torrent.info();
        String text = new String(info, StandardCharsets.ISO_8859_1);
        int hashes = text.indexOf("6:pieces") + ("6:pieces" + 20 * torrent.pieceCount() + ":").length();
        for (int piece = 0; piece < torrent.pieceCount(); piece++) {
            byte[] bytes = bytes(torrent, piece, records, contents);
            assertThat(bytes).hasSize(torrent.pieceLength(piece));
            assertThat(Digests.sha1().digest(bytes))
                    .as("piece %d", piece)
                    .isEqualTo(Arrays.copyOfRange(info, hashes + 20 * piece, hashes + 20 * piece + 20));
        }
        assertThat(torrent.files())
                .extracting(Torrent.File::path)
                .containsExactly("0.ts", ".pad/0", "1.ts", "2.ts", ".pad/2", "index.m3u8");
        assertThat(torrent.firstPieceOf(new ChunkId(0, 1))).contains(2);
    }

    private static byte[] bytes(Torrent torrent, int piece, List<ChunkRecord> records, List<byte[]> contents) {
        if (torrent.source(piece) instanceof Torrent.Source.OfChunk source) {
            byte[] content = contents.get(records.indexOf(source.record()));
            int from = source.piece() * ChunkRecord.PIECE_LENGTH;
            byte[] bytes = Arrays.copyOfRange(content, from, from + source.length());
            return Arrays.copyOf(bytes, source.length() + source.zeros());
        }
        Torrent.Source.OfPlaylist source = (Torrent.Source.OfPlaylist) torrent.source(piece);
        return Arrays.copyOfRange(torrent.playlist(), source.from(), source.from() + source.length());
    }

    @Test
    void theTemplateOfAPlaylistIsFixed() {
        Torrent torrent = WindowTorrent.of(chain(List.of(samples.bytes(10), samples.bytes(10))));
        assertThat(new String(torrent.playlist(), StandardCharsets.US_ASCII)).isEqualTo("""
                        #EXTM3U
                        #EXT-X-VERSION:3
                        #EXT-X-PLAYLIST-TYPE:VOD
                        #EXT-X-TARGETDURATION:4
                        #EXT-X-MEDIA-SEQUENCE:0
                        #EXTINF:4.000,
                        0.ts
                        #EXTINF:4.000,
                        1.ts
                        #EXT-X-ENDLIST
                        """);
    }

    @Test
    void onlyAGaplessRunMakesAWindow() {
        List<ChunkRecord> chain = samples.chain(key, 3, FOUR_SECONDS, 1000);
        assertThatThrownBy(() -> WindowTorrent.of(List.of(chain.get(0), chain.get(2))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> WindowTorrent.of(List.of())).isInstanceOf(IllegalArgumentException.class);
        ChunkRecord other = Samples.record(
                key,
                chain.get(1).term(),
                chain.get(1).chunk(),
                Optional.of(samples.record(key)),
                Samples.NOW,
                FOUR_SECONDS,
                FOUR_SECONDS,
                0,
                9,
                samples.bytes(10));
        assertThatThrownBy(() -> WindowTorrent.of(List.of(chain.get(0), other)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aRecordBelongsToTenWindowsAndOneEpisode() {
        List<ChunkRecord> chain = samples.chain(key, 100, FOUR_SECONDS, 100);
        for (ChunkRecord record : chain) {
            WindowId first = WindowId.firstOf(record);
            for (long index = first.index() - 2; index < first.index() + 12; index++) {
                boolean member = index >= first.index() && index < first.index() + 10;
                assertThat(first.withIndex(index).contains(record)).isEqualTo(member);
            }
            assertThat(LongStream.range(first.index(), first.index() + 10)
                            .mapToObj(first::withIndex)
                            .filter(WindowId::isEpisode))
                    .hasSize(1);
        }
        assertThat(WindowId.continues(chain.get(4), chain.get(5))).isTrue();
        assertThat(WindowId.continues(chain.get(4), chain.get(6))).isFalse();
    }

    private List<ChunkRecord> chain(List<byte[]> contents) {
        java.util.ArrayList<ChunkRecord> records = new java.util.ArrayList<>();
        for (int seq = 0; seq < contents.size(); seq++) {
            Optional<ChunkRecord> previous = seq == 0 ? Optional.empty() : Optional.of(records.get(seq - 1));
            records.add(Samples.record(
                    key,
                    5,
                    new ChunkId(0, seq),
                    previous,
                    Samples.NOW,
                    FOUR_SECONDS.multipliedBy(seq),
                    FOUR_SECONDS,
                    0,
                    previous.map(ChunkRecord::endPiece).orElse(0L),
                    contents.get(seq)));
        }
        return records;
    }
}
