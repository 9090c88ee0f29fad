package live.tributary.origin.publish;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;

/** A mesh that keeps what was published, and asks at each thing what it would be told by a crash right then. */
public final class FakeMesh implements StreamPublisher, StreamView {
    public final List<ChunkRecord> records = new CopyOnWriteArrayList<>();
    public final List<byte[]> bytes = new CopyOnWriteArrayList<>();
    public final List<SignedHead> heads = new CopyOnWriteArrayList<>();
    public final List<About> abouts = new CopyOnWriteArrayList<>();
    public final List<LiveMessage.Stored> stored = new CopyOnWriteArrayList<>();
    public final List<LiveMessage.Put> puts = new CopyOnWriteArrayList<>();
    /** Who holds every chunk. */
    public final List<RelayView> holders = new CopyOnWriteArrayList<>();
    /** Offered once more by a later run. */
    public final List<ChunkRecord> again = new CopyOnWriteArrayList<>();
    /** Everything in the order of its publishing. */
    public final List<Object> all = new CopyOnWriteArrayList<>();

    public final List<Window> windows = new ArrayList<>();
    private final StreamKey key;
    private List<ChunkRecord> brought = List.of();
    private Runnable beforeRecord = () -> {};

    public FakeMesh(StreamKey key) {
        this.key = key;
    }

    public void beforeRecord(Runnable check) {
        beforeRecord = check;
    }

    @Override
    public StreamView view() {
        return this;
    }

    @Override
    public void publish(ChunkRecord record, ByteBuf content) {
        beforeRecord.run();
        bytes.add(ByteBufUtil.getBytes(content));
        all.add(record);
        records.add(record);
    }

    @Override
    public void publishAgain(ChunkRecord record, ByteBuf content) {
        again.add(record);
        if (!records.contains(record)) {
            publish(record, content);
        }
    }

    @Override
    public void publish(SignedHead head) {
        all.add(head);
        heads.add(head);
    }

    @Override
    public void publish(About about) {
        all.add(about);
        abouts.add(about);
    }

    @Override
    public void publish(LiveMessage.Stored word) {
        all.add(word);
        stored.add(word);
    }

    @Override
    public void send(LiveMessage.Put put) {
        puts.add(put);
    }

    @Override
    public StreamKey key() {
        return key;
    }

    @Override
    public Optional<SignedHead> head() {
        return heads.isEmpty() ? Optional.empty() : Optional.of(heads.get(heads.size() - 1));
    }

    @Override
    public Optional<About> about() {
        return abouts.isEmpty() ? Optional.empty() : Optional.of(abouts.get(abouts.size() - 1));
    }

    @Override
    public boolean live() {
        return true;
    }

    @Override
    public Set<Integer> renditions() {
        return records.stream().map(ChunkRecord::rendition).collect(Collectors.toSet());
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        List<ChunkRecord> its = records.stream()
                .filter(record -> record.rendition() == rendition)
                .sorted(Comparator.comparing(ChunkRecord::seq))
                .toList();
        return its.subList(Math.max(0, its.size() - max), its.size());
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return records.stream().filter(record -> record.chunk().equals(chunk)).findFirst();
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return records.contains(record);
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
        return stored.stream().anyMatch(word -> word.chunk().equals(chunk));
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return Optional.empty();
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return Optional.empty();
    }

    @Override
    public List<Window> windows(int rendition) {
        return windows;
    }

    /** Tells these records to whoever listens next, as relays would. */
    public void brings(List<ChunkRecord> remembered) {
        brought = List.copyOf(remembered);
    }

    @Override
    public void addListener(StreamListener listener) {
        brought.forEach(listener::recordAccepted);
    }

    @Override
    public void removeListener(StreamListener listener) {}
}
