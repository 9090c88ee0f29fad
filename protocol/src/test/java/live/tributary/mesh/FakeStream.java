package live.tributary.mesh;

import io.netty.buffer.ByteBuf;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.metainfo.WindowTorrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/** A carried stream and its chunks' bytes as a test arranges them, without a mesh. */
public class FakeStream implements StreamView, ChunkBytes {
    private final StreamKey key;
    private final Map<ChunkId, ChunkRecord> records = new ConcurrentHashMap<>();
    private final Map<ChunkId, ByteBuf> held = new ConcurrentHashMap<>();
    private final Map<ChunkId, List<RelayView>> holders = new ConcurrentHashMap<>();
    private final Map<InfoHash, Torrent> torrents = new ConcurrentHashMap<>();
    private final List<Window> windows = new CopyOnWriteArrayList<>();
    private final List<StreamListener> listeners = new CopyOnWriteArrayList<>();

    private volatile Optional<SignedHead> head = Optional.empty();
    private volatile Optional<About> about = Optional.empty();

    public FakeStream(StreamKey key) {
        this.key = key;
    }

    /** A record becomes known; its bytes are not here. */
    public Torrent accept(SampleStream.Chunk chunk) {
        ChunkRecord record = chunk.record();
        records.put(record.chunk(), record);
        Torrent torrent = ChunkTorrent.of(record);
        torrents.put(torrent.infoHash(), torrent);
        listeners.forEach(listener -> listener.recordAccepted(record));
        return torrent;
    }

    /** A chunk's bytes are here. */
    public void complete(SampleStream.Chunk chunk) {
        held.put(chunk.record().chunk(), chunk.buffer());
        listeners.forEach(listener -> listener.chunkCompleted(chunk.record()));
    }

    public void evict(SampleStream.Chunk chunk) {
        held.remove(chunk.record().chunk());
        listeners.forEach(listener -> listener.chunkEvicted(chunk.record()));
    }

    /** Accepted, and here. */
    public Torrent hold(SampleStream.Chunk chunk) {
        Torrent torrent = accept(chunk);
        complete(chunk);
        return torrent;
    }

    /** A window of accepted chunks is closed. */
    public Torrent close(List<SampleStream.Chunk> chunks) {
        List<ChunkRecord> run = chunks.stream().map(SampleStream.Chunk::record).toList();
        Torrent torrent = WindowTorrent.of(run);
        torrents.put(torrent.infoHash(), torrent);
        windows.add(0, new Window(WindowId.firstOf(run.get(run.size() - 1)), torrent));
        return torrent;
    }

    public void say(SignedHead newest) {
        head = Optional.of(newest);
    }

    public void say(About newest) {
        about = Optional.of(newest);
    }

    public void forget(InfoHash infoHash) {
        torrents.remove(infoHash);
    }

    public void heldBy(SampleStream.Chunk chunk, List<RelayView> relays) {
        holders.put(chunk.record().chunk(), relays);
    }

    @Override
    public StreamKey key() {
        return key;
    }

    @Override
    public Optional<SignedHead> head() {
        return head;
    }

    @Override
    public Optional<About> about() {
        return about;
    }

    @Override
    public boolean live() {
        return true;
    }

    @Override
    public Set<Integer> renditions() {
        return Set.of(0);
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        List<ChunkRecord> ordered = records.values().stream()
                .filter(record -> record.rendition() == rendition)
                .sorted(Comparator.comparing(ChunkRecord::chunk))
                .toList();
        return ordered.subList(Math.max(0, ordered.size() - max), ordered.size());
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return Optional.ofNullable(records.get(chunk));
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return held.containsKey(record.chunk());
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return holders.getOrDefault(record.chunk(), List.of());
    }

    @Override
    public List<RelayView> relays() {
        Map<Object, RelayView> relays = new HashMap<>();
        holders.values().forEach(some -> some.forEach(relay -> relays.put(relay.key(), relay)));
        return List.copyOf(relays.values());
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return false;
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return Optional.ofNullable(torrents.get(infoHash));
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return torrents.keySet().stream()
                .filter(infoHash -> ObfuscatedHash.of(infoHash).equals(obfuscated))
                .findFirst();
    }

    @Override
    public List<Window> windows(int rendition) {
        return List.copyOf(windows);
    }

    @Override
    public void addListener(StreamListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeListener(StreamListener listener) {
        listeners.remove(listener);
    }

    @Override
    public Optional<ByteBuf> read(ChunkRecord record, int offset, int length) {
        return Optional.ofNullable(held.get(record.chunk())).map(bytes -> bytes.retainedSlice(offset, length));
    }
}
