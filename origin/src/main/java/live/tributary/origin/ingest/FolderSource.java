package live.tributary.origin.ingest;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;

/** A feed in a folder, as an encoder on this machine writes it. */
final class FolderSource implements FeedSource {
    private static final Duration INTERVAL = Duration.ofMillis(200);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(1);

    /** RFC 8089: of this machine, whose name may be left out. */
    private static final Pattern FILE_URL = Pattern.compile("(?i)^file:(?://(?:localhost)?)?/");

    private final Path root;

    /** @param root what all locations must lie in */
    FolderSource(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    @Override
    public Playlist playlist(URI location) throws IOException {
        return new Playlist(location, read(location, Optional.empty(), HlsReader.MAX_PLAYLIST));
    }

    @Override
    public URI resolve(URI playlist, String uri) throws FormatException {
        try {
            String whole = uri.split("[?#]", 2)[0];
            String name = FILE_URL.matcher(whole).replaceFirst("/");
            Path folder = Path.of(playlist).resolveSibling("");
            Path path = folder.resolve(name).normalize();
            if (!Files.exists(path) && name.indexOf('%') >= 0) {
                path = folder.resolve(URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8))
                        .normalize();
            }
            if (name.contains(":/") || !path.startsWith(root)) {
                throw new ForeignLocationException("location: " + uri + " (expected: a file in " + root
                        + ", by its name, its path or its file: URL)");
            }
            return path.toUri();
        } catch (IllegalArgumentException e) { // InvalidPathException too: no path, or no percent-encoding of one.
            throw new FormatException("location: " + uri + " (expected: a file's name; " + e.getMessage() + ")");
        }
    }

    @Override
    public FileLook look(URI location) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(confined(location), BasicFileAttributes.class);
            return new FileLook(
                    OptionalLong.of(attributes.size()),
                    attributes.lastModifiedTime().toString());
        } catch (NoSuchFileException e) {
            throw new MissingException(e.getMessage() + ": no such file");
        }
    }

    @Override
    public byte[] read(URI location, Optional<HlsSegment.ByteRange> range, int max) throws IOException {
        try (SeekableByteChannel file = Files.newByteChannel(confined(location))) {
            long size = file.size();
            long offset = range.map(HlsSegment.ByteRange::offset).orElse(0L);
            long length = range.map(HlsSegment.ByteRange::length).orElse(size);
            if (length > max) {
                throw new IOException(location + ": " + length + " bytes (expected: <= " + max + ")");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) length);
            file.position(offset);
            while (bytes.hasRemaining() && file.read(bytes) >= 0) {
                // Until the buffer is full or the file ends.
            }
            if (bytes.hasRemaining()) {
                throw new IOException(location + ": ends after " + (offset + bytes.position()) + " bytes (expected: "
                        + (offset + length) + ")");
            }
            return bytes.array();
        } catch (NoSuchFileException e) {
            throw new MissingException(e.getMessage() + ": no such file");
        }
    }

    /** A symbolic link may lead out of the folder, where its name did not. */
    private Path confined(URI location) throws IOException {
        Path real = Path.of(location).toRealPath();
        if (!real.startsWith(root.toRealPath())) {
            throw new IOException(location + ": leads to " + real + " (expected: a file inside " + root + ")");
        }
        return real;
    }

    @Override
    public boolean isNear() {
        return true;
    }

    @Override
    public Duration interval(Duration target) {
        return INTERVAL;
    }

    @Override
    public Duration longestRetry() {
        return LONGEST_RETRY;
    }
}
