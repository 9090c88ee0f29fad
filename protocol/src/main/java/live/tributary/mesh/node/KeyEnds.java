package live.tributary.mesh.node;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.StreamKey;

/** The last words of keys that this node has heard, kept on disk: a key that has ended stays so when the node starts again. */
public final class KeyEnds {
    /** The most that are kept; the oldest make room. */
    static final int MAX_KEPT = 1024;

    static final int MAX_ENCODED = StatementFile.maxLength(MAX_KEPT, KeyEnd.MAX_ENCODED);
    /** The longest line of successors that is followed. */
    private static final int MAX_STEPS = 16;

    private final StatementFile file;
    private final Map<StreamKey, KeyEnd> ends = new LinkedHashMap<>();

    private KeyEnds(StatementFile file) {
        this.file = file;
    }

    /** Reads what is kept in {@code file}; a damaged one is set aside. */
    public static KeyEnds open(Path file) throws IOException {
        KeyEnds kept = new KeyEnds(new StatementFile(file, MAX_KEPT, KeyEnd.MAX_ENCODED));
        kept.file.read(KeyEnds::genuine).forEach(end -> kept.ends.put(end.stream(), end));
        return kept;
    }

    private static KeyEnd genuine(byte[] encoded) throws FormatException {
        KeyEnd end = KeyEnd.decode(encoded);
        if (!end.verifies()) {
            throw new FormatException("key end of " + end.stream() + ": bad signature");
        }
        return end;
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
        Map<StreamKey, KeyEnd> before = new LinkedHashMap<>(ends);
        ends.remove(end.stream());
        ends.put(end.stream(), end);
        if (ends.size() > MAX_KEPT) {
            ends.remove(ends.keySet().iterator().next());
        }
        try {
            file.write(ends.values().stream().map(KeyEnd::encoded).toList());
        } catch (IOException e) {
            ends.clear();
            ends.putAll(before); // It is news again when it is heard again.
            throw e;
        }
        return true;
    }
}
