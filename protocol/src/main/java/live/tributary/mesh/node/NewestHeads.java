package live.tributary.mesh.node;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/** The newest head that this node has heard of each stream, kept on disk: an older one does not come back when the node starts again. */
public final class NewestHeads {
    /** The most that are kept; those that were longest without a new one make room. */
    static final int MAX_KEPT = 256;

    static final int MAX_ENCODED = StatementFile.maxLength(MAX_KEPT, SignedHead.MAX_ENCODED);

    private final StatementFile file;
    private final Map<StreamKey, SignedHead> heads = new LinkedHashMap<>();

    private NewestHeads(StatementFile file) {
        this.file = file;
    }

    /** Reads what is kept in {@code file}; a damaged one is set aside. */
    public static NewestHeads open(Path file) throws IOException {
        NewestHeads kept = new NewestHeads(new StatementFile(file, MAX_KEPT, SignedHead.MAX_ENCODED));
        kept.file.read(NewestHeads::genuine).forEach(head -> kept.heads.put(head.stream(), head));
        return kept;
    }

    private static SignedHead genuine(byte[] encoded) throws FormatException {
        SignedHead head = SignedHead.decode(encoded);
        if (!head.verifies()) {
            throw new FormatException("head of " + head.stream() + ": bad signature");
        }
        return head;
    }

    public synchronized Optional<SignedHead> of(StreamKey stream) {
        return Optional.ofNullable(heads.get(stream));
    }

    /** Keeps a genuine head, on disk when this returns; false where it is not newer. */
    public synchronized boolean add(SignedHead head) throws IOException {
        SignedHead known = heads.get(head.stream());
        if (known != null && !head.supersedes(known)) {
            return false;
        }
        heads.remove(head.stream());
        heads.put(head.stream(), head);
        if (heads.size() > MAX_KEPT) {
            heads.remove(heads.keySet().iterator().next());
        }
        file.write(heads.values().stream().map(SignedHead::encode).toList());
        return true;
    }
}
