package live.tributary.mesh.net;

import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.relays.RelayDirectory;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What any thread may see of a carried stream; written by the stream's own thread. */
final class SharedStream implements StreamView {
    private static final Logger LOG = LoggerFactory.getLogger(SharedStream.class);

    /** The most losers of forks that are shown. */
    private static final int MAX_FORKS = 16;

    private final StreamKey key;
    private final StreamIndex index;
    private final RelayDirectory directory;
    private final ChunkBytes chunks;
    private final InstantSource clock;
    private final Map<ChunkRecord, List<RelayKey>> holders = new ConcurrentHashMap<>();
    private final List<StreamListener> listeners = new CopyOnWriteArrayList<>();
    private volatile @Nullable SignedHead head;
    private volatile @Nullable About about;
    private volatile @Nullable KeyEnd keyEnd;
    private final Deque<ChunkRecord> forks = new ArrayDeque<>();

    SharedStream(StreamKey key, StreamIndex index, RelayDirectory directory, ChunkBytes chunks, InstantSource clock) {
        this.key = key;
        this.index = index;
        this.directory = directory;
        this.chunks = chunks;
        this.clock = clock;
    }

    void head(SignedHead newest) {
        head = newest;
        tell(listener -> listener.headChanged(newest));
    }

    void about(About newest) {
        about = newest;
        tell(listener -> listener.aboutChanged(newest));
    }

    void keyEnd(KeyEnd heard) {
        keyEnd = heard;
        tell(listener -> listener.keyEnded(heard));
    }

    void fork(ChunkRecord loser) {
        synchronized (forks) {
            if (!forks.contains(loser)) {
                forks.addLast(loser);
                if (forks.size() > MAX_FORKS) {
                    forks.removeFirst();
                }
            }
        }
    }

    void holders(ChunkRecord record, List<RelayKey> relays) {
        holders.merge(record, relays, (before, now) -> before.equals(now) ? before : now);
    }

    void forget(java.util.function.Predicate<ChunkRecord> gone) {
        holders.keySet().removeIf(gone);
    }

    void tell(Consumer<StreamListener> event) {
        for (StreamListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (RuntimeException e) {
                LOG.warn("a listener of stream {} failed", key, e);
            }
        }
    }

    @Override
    public StreamKey key() {
        return key;
    }

    @Override
    public Optional<SignedHead> head() {
        return Optional.ofNullable(head);
    }

    @Override
    public Optional<About> about() {
        return Optional.ofNullable(about);
    }

    @Override
    public boolean live() {
        SignedHead newest = head;
        return newest != null
                && newest.head().status() == Head.Status.LIVE
                && !newest.head().expired(clock.instant());
    }

    @Override
    public Set<Integer> renditions() {
        return index.renditions();
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        return index.newest(rendition, max);
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return index.record(chunk);
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return chunks.holds(record);
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return holders.getOrDefault(record, List.of()).stream()
                .flatMap(relay -> directory.relay(relay).stream())
                .filter(RelayView::linked)
                .toList();
    }

    @Override
    public List<RelayKey> holderKeys(ChunkRecord record) {
        return holders.getOrDefault(record, List.of());
    }

    @Override
    public List<RelayView> relays() {
        return directory.relays();
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return index.isStored(chunk);
    }

    @Override
    public Optional<KeyEnd> keyEnd() {
        return Optional.ofNullable(keyEnd);
    }

    @Override
    public List<ChunkRecord> forks() {
        synchronized (forks) {
            return List.copyOf(forks);
        }
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return index.torrent(infoHash);
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return index.infoHash(obfuscated);
    }

    @Override
    public List<Window> windows(int rendition) {
        return index.windows(rendition);
    }

    @Override
    public void addListener(StreamListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeListener(StreamListener listener) {
        listeners.remove(listener);
    }
}
