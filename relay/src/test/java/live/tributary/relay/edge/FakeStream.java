package live.tributary.relay.edge;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/** A stream of one rendition whose facts a test sets. */
final class FakeStream implements StreamView {
    final List<ChunkRecord> records = new ArrayList<>();
    final List<RelayView> holders = new ArrayList<>();
    final Set<ChunkId> stored = new HashSet<>();
    Optional<About> about = Optional.empty();
    Optional<SignedHead> head = Optional.empty();

    private final StreamKey key;
    private final ChunkBytes bytes;

    FakeStream(StreamKey key, ChunkBytes bytes) {
        this.key = key;
        this.bytes = bytes;
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
        Set<Integer> renditions = new TreeSet<>();
        records.forEach(record -> renditions.add(record.rendition()));
        return renditions;
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        List<ChunkRecord> all = records.stream()
                .filter(record -> record.rendition() == rendition)
                .toList();
        return all.subList(Math.max(0, all.size() - max), all.size());
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return records.stream().filter(record -> record.chunk().equals(chunk)).findFirst();
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return bytes.holds(record);
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return List.copyOf(holders);
    }

    @Override
    public List<RelayView> relays() {
        return List.copyOf(holders);
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return stored.contains(chunk);
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return records.stream()
                .map(ChunkTorrent::of)
                .filter(torrent -> torrent.infoHash().equals(infoHash))
                .findFirst();
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return records.stream()
                .map(record -> ChunkTorrent.of(record).infoHash())
                .filter(infoHash -> ObfuscatedHash.of(infoHash).equals(obfuscated))
                .findFirst();
    }

    @Override
    public List<Window> windows(int rendition) {
        return List.of();
    }

    @Override
    public void addListener(StreamListener listener) {}

    @Override
    public void removeListener(StreamListener listener) {}
}
