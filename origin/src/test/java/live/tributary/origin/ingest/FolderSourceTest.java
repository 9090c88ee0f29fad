package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FolderSourceTest {
    @TempDir
    private Path folder;

    private Path feed;
    private URI playlist;
    private FolderSource source;

    @BeforeEach
    void makeFeed() throws IOException {
        feed = Files.createDirectories(folder.resolve("feed"));
        playlist = feed.resolve("0/stream.m3u8").toUri();
        Files.createDirectories(feed.resolve("0"));
        Files.writeString(folder.resolve("secret.ts"), "secret");
        source = new FolderSource(feed);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../secret.ts",
                "/etc/passwd",
                "http://127.0.0.1/a.ts",
                "file:///etc/passwd",
                "file://localhost/etc/passwd",
                "file://elsewhere/etc/passwd",
                "FILE:/etc/passwd",
                "..%2F..%2Fsecret.ts"
            })
    void letsNobodyOutOfTheFolder(String uri) {
        assertThatThrownBy(() -> source.resolve(playlist, uri)).isInstanceOf(FormatException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file://", "file:", "file://localhost", "FILE://", ""})
    void readsWhatIsNamedByItsWholePathOrFileUrl(String before) throws IOException, FormatException {
        Path segment = Files.writeString(feed.resolve("0/a b.ts"), "0123456789");
        String name = segment.toString().replace(" ", "%20");

        assertThat(source.read(source.resolve(playlist, before + name), Optional.empty(), 10))
                .asString()
                .isEqualTo("0123456789");
    }

    @Test
    void letsNobodyOutBySymbolicLink() throws IOException, FormatException {
        Files.createSymbolicLink(feed.resolve("0/a.ts"), folder.resolve("secret.ts"));
        URI location = source.resolve(playlist, "a.ts");

        assertThatThrownBy(() -> source.read(location, Optional.empty(), 100)).hasMessageContaining("secret.ts");
    }

    @Test
    void readsFilesRangesAndEscapedNames() throws IOException, FormatException {
        Files.writeString(feed.resolve("0/a b.ts"), "0123456789");
        URI location = source.resolve(playlist, "a%20b.ts?token=1");

        assertThat(source.look(location).size()).hasValue(10);
        assertThat(source.read(location, Optional.empty(), 10)).asString().isEqualTo("0123456789");
        assertThat(source.read(location, Optional.of(new HlsSegment.ByteRange(3, 4)), 10))
                .asString()
                .isEqualTo("3456");
        assertThatThrownBy(() -> source.read(location, Optional.of(new HlsSegment.ByteRange(8, 3)), 10))
                .hasMessageContaining("ends after 10 bytes (expected: 11)");
        assertThat(source.resolve(playlist, "../1/b.ts"))
                .isEqualTo(feed.resolve("1/b.ts").toUri());
    }

    @Test
    void takesANameThatIsNoPercentEncodingAsItIs() throws IOException, FormatException {
        Files.writeString(feed.resolve("0/init-%v.mp4"), "0123456789");

        assertThat(source.look(source.resolve(playlist, "init-%v.mp4")).size()).hasValue(10);
        assertThatThrownBy(() -> source.resolve(playlist, "gone-%v.mp4"))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("gone-%v.mp4 (expected: a file's name");
    }

    @Test
    void refusesOneByteMoreThanAllowed() throws IOException {
        Files.writeString(feed.resolve("a.ts"), "0123456789");
        URI location = feed.resolve("a.ts").toUri();

        assertThat(source.read(location, Optional.empty(), 10)).hasSize(10);
        assertThatThrownBy(() -> source.read(location, Optional.empty(), 9)).hasMessageContaining("expected: <= 9");
    }

    @Test
    void refusesAPlaylistOfOneByteTooMany() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(feed.resolve("0/stream.m3u8").toFile(), "rw")) {
            file.setLength(HlsReader.MAX_PLAYLIST);
            assertThat(source.playlist(playlist).bytes()).hasSize(HlsReader.MAX_PLAYLIST);
            file.setLength(HlsReader.MAX_PLAYLIST + 1);
        }
        assertThatThrownBy(() -> source.playlist(playlist)).isInstanceOf(IOException.class);
    }

    @Test
    void readsARangeOfAFileHoweverLargeItHasGrown() throws IOException {
        Path large = feed.resolve("0/all.ts");
        long far = 3L << 30;
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(far + 188); // A sparse file.
        }

        assertThat(source.read(large.toUri(), Optional.of(new HlsSegment.ByteRange(far, 188)), 188))
                .hasSize(188);
        assertThatThrownBy(() -> source.read(large.toUri(), Optional.of(new HlsSegment.ByteRange(far, 188)), 187))
                .isInstanceOf(IOException.class);
    }

    @Test
    void tellsWhatIsMissing() {
        assertThatThrownBy(() -> source.playlist(playlist)).isInstanceOf(FeedSource.MissingException.class);
        assertThatThrownBy(() -> source.look(playlist)).isInstanceOf(FeedSource.MissingException.class);
    }
}
