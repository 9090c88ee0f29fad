package live.tributary.mesh.node;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The last words of keys that this node has heard, kept on disk: a key that has ended stays so when the node starts again. */
public final class KeyEnds {
    /** The most that are kept; the oldest make room. */
    static final int MAX_KEPT = 1024;

    static final int MAX_ENCODED = MAX_KEPT * (KeyEnd.MAX_ENCODED + 8) + 64;
    /** The longest line of successors that is followed. */
    private static final int MAX_STEPS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(KeyEnds.class);

    private final Path file;
    private final Map<StreamKey, KeyEnd> ends = new LinkedHashMap<>();

    private KeyEnds(Path file) {
        this.file = file;
    }

    /** Reads what is kept in {@code file}; a damaged one is set aside. */
    public static KeyEnds open(Path file) throws IOException {
        KeyEnds kept = new KeyEnds(file);
        try (InputStream in = Files.newInputStream(file)) {
            for (KeyEnd end : decode(in.readNBytes(MAX_ENCODED + 1))) {
                kept.ends.put(end.stream(), end);
            }
        } catch (NoSuchFileException e) {
            return kept;
        } catch (FormatException e) {
            Path aside = file.resolveSibling(file.getFileName() + ".aside");
            Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
            LOG.warn("{} cannot be used ({}); it is {} now", file, e.getMessage(), aside);
        }
        return kept;
    }

    private static List<KeyEnd> decode(byte[] encoded) throws FormatException {
        BencodeDictionary d = Bencode.decode(encoded, MAX_ENCODED);
        List<KeyEnd> ends = new ArrayList<>();
        for (byte[] one : d.byteStrings("e", MAX_KEPT, KeyEnd.MAX_ENCODED)) {
            KeyEnd end = KeyEnd.decode(one);
            if (!end.verifies()) {
                throw new FormatException("key end of " + end.stream() + ": bad signature");
            }
            ends.add(end);
        }
        return ends;
    }

    public synchronized Optional<KeyEnd> of(StreamKey stream) {
        return Optional.ofNullable(ends.get(stream));
    }

    /** A stream and those that took over from it, one after the other. */
    public synchronized List<StreamKey> line(StreamKey stream) {
        List<StreamKey> line = new ArrayList<>(List.of(stream));
        while (line.size() < MAX_STEPS) {
            KeyEnd end = ends.get(line.get(line.size() - 1));
            if (end == null
                    || end.isRevocation()
                    || line.contains(end.successor().orElseThrow())) {
                break;
            }
            line.add(end.successor().orElseThrow());
        }
        return line;
    }

    /** Keeps a genuine last word, on disk when this returns; false where it is no news. */
    public synchronized boolean add(KeyEnd end) throws IOException {
        KeyEnd known = ends.get(end.stream());
        if (known != null && !end.overrides(known)) {
            return false;
        }
        ends.remove(end.stream());
        ends.put(end.stream(), end);
        if (ends.size() > MAX_KEPT) {
            ends.remove(ends.keySet().iterator().next());
        }
        write();
        return true;
    }

    private void write() throws IOException {
        byte[] encoded = Bencode.encode(
                Map.of("e", ends.values().stream().map(KeyEnd::encoded).toList()));
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer bytes = ByteBuffer.wrap(encoded);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
