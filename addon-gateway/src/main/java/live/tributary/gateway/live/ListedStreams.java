package live.tributary.gateway.live;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.StreamKey;

/** The streams that this gateway answers for. */
public final class ListedStreams {
    /** The longest line of successors that is followed. */
    private static final int MAX_STEPS = 16;

    private final Map<StreamKey, StreamKey> successors = new ConcurrentHashMap<>();
    private final Map<StreamKey, StreamView> streams = new ConcurrentHashMap<>();

    public void add(StreamView stream) {
        streams.put(stream.key(), stream);
    }

    public void remove(StreamKey stream) {
        streams.remove(stream);
    }

    /** A stream's key has handed over: who asks for the old stream gets the new one, once something of it is known. */
    public void handedOver(StreamKey old, StreamKey next) {
        successors.put(old, next);
    }

    /** Who asks for the old stream no longer gets another. */
    public void forget(StreamKey old) {
        successors.remove(old);
    }

    private Optional<StreamView> newest(StreamKey key) {
        StreamView found = streams.get(key);
        StreamKey next = successors.get(key);
        for (int step = 0; next != null && step < MAX_STEPS; step++) {
            StreamView view = streams.get(next);
            if (view != null && !view.renditions().isEmpty()) {
                found = view;
            }
            next = successors.get(next);
        }
        return Optional.ofNullable(found);
    }

    public boolean isListed(StreamKey stream) {
        return streams.containsKey(stream);
    }

    /** By base32, hex, or either behind {@code tributary:}. */
    public Optional<StreamView> find(String key) {
        try {
            return newest(StreamKey.fromText(key));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // No key at all: as unknown as one that is not listed.
        }
    }

    /** All but those that others have taken over from. */
    public List<StreamView> all() {
        return streams.values().stream()
                .filter(stream -> newest(stream.key()).filter(stream::equals).isPresent())
                .toList();
    }
}
