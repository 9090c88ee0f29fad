package live.tributary.gateway.live;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.StreamKey;

/** The streams that this gateway answers for. */
public final class ListedStreams {
    private final Map<StreamKey, StreamView> streams = new ConcurrentHashMap<>();

    public void add(StreamView stream) {
        streams.put(stream.key(), stream);
    }

    public void remove(StreamKey stream) {
        streams.remove(stream);
    }

    /** By base32, hex, or either behind {@code tributary:}. */
    public Optional<StreamView> find(String key) {
        try {
            return Optional.ofNullable(streams.get(StreamKey.fromText(key)));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // No key at all: as unknown as one that is not listed.
        }
    }

    public List<StreamView> all() {
        Collection<StreamView> all = streams.values();
        return List.copyOf(all);
    }
}
