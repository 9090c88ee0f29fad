package live.tributary.origin.standby;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import live.tributary.mesh.MeshNode;
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
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;

/**
 * The stream of an origin's key as that origin carries it now: as a listener while it stands by, as its origin while it leads.
 *
 * <p>A node's part in a stream stands in every hello, so a change of part is a change of links; those who hold on to this need not
 * know of it. What was heard as a listener is brought along.
 */
public final class OwnStream implements StreamPublisher, StreamView {
    /** The most records of a rendition that are brought along. */
    private static final int BROUGHT = 900;

    private final MeshNode mesh;
    private final SigningKey key;
    private final List<StreamListener> listeners = new CopyOnWriteArrayList<>();
    private volatile StreamView current;
    private volatile Optional<StreamPublisher> leading = Optional.empty();

    /** Follows from the start. */
    public OwnStream(MeshNode mesh, SigningKey key) {
        this.mesh = mesh;
        this.key = key;
        this.current = mesh.carry(key.streamKey(), NodeRole.LISTENER);
    }

    /** Becomes the stream's origin. */
    synchronized void lead() {
        StreamView followed = current;
        List<ChunkRecord> records = newestOfEach(followed, BROUGHT);
        var relays = followed.relays().stream()
                .flatMap(relay -> relay.descriptor().stream())
                .filter(descriptor -> !descriptor.body().endpoints().isEmpty())
                .toList();
        mesh.leave(key.streamKey());
        StreamPublisher publisher = mesh.publish(key);
        mesh.intake(key.streamKey()).ifPresent(intake -> {
            followed.head().ifPresent(intake::take);
            followed.about().ifPresent(intake::take);
            intake.take(relays);
            records.forEach(intake::take);
        });
        turn(publisher.view(), Optional.of(publisher));
    }

    /** Becomes a listener again. */
    synchronized void follow() {
        mesh.leave(key.streamKey());
        turn(mesh.carry(key.streamKey(), NodeRole.LISTENER), Optional.empty());
    }

    private void turn(StreamView next, Optional<StreamPublisher> publisher) {
        StreamView before = current;
        listeners.forEach(before::removeListener);
        current = next;
        leading = publisher;
        listeners.forEach(next::addListener);
    }

    /** The newest records of all renditions, oldest first. */
    static List<ChunkRecord> newestOfEach(StreamView stream, int max) {
        List<ChunkRecord> records = new ArrayList<>();
        for (int rendition : stream.renditions()) {
            records.addAll(stream.newest(rendition, max));
        }
        records.sort(java.util.Comparator.comparing(record -> record.body().published()));
        return records;
    }

    private StreamPublisher publisher() {
        return leading.orElseThrow(
                () -> new IllegalStateException("published while standing by (expected: only while leading)"));
    }

    @Override
    public StreamView view() {
        return this;
    }

    @Override
    public void publish(ChunkRecord record, ByteBuf bytes) {
        publisher().publish(record, bytes);
    }

    @Override
    public void publishAgain(ChunkRecord record, ByteBuf bytes) {
        publisher().publishAgain(record, bytes);
    }

    @Override
    public void publish(SignedHead head) {
        publisher().publish(head);
    }

    @Override
    public void publish(About about) {
        publisher().publish(about);
    }

    @Override
    public void publish(LiveMessage.Stored stored) {
        publisher().publish(stored);
    }

    @Override
    public void send(LiveMessage.Put put) {
        publisher().send(put);
    }

    @Override
    public StreamKey key() {
        return key.streamKey();
    }

    @Override
    public Optional<SignedHead> head() {
        return current.head();
    }

    @Override
    public Optional<About> about() {
        return current.about();
    }

    @Override
    public boolean live() {
        return current.live();
    }

    @Override
    public Set<Integer> renditions() {
        return current.renditions();
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        return current.newest(rendition, max);
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return current.record(chunk);
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return current.holds(record);
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return current.holders(record);
    }

    @Override
    public List<RelayView> relays() {
        return current.relays();
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return current.storedInBucket(chunk);
    }

    @Override
    public Optional<KeyEnd> keyEnd() {
        return current.keyEnd();
    }

    @Override
    public List<ChunkRecord> forks() {
        return current.forks();
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return current.torrent(infoHash);
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return current.infoHash(obfuscated);
    }

    @Override
    public List<Window> windows(int rendition) {
        return current.windows(rendition);
    }

    @Override
    public synchronized void addListener(StreamListener listener) {
        listeners.add(listener);
        current.addListener(listener);
    }

    @Override
    public synchronized void removeListener(StreamListener listener) {
        listeners.remove(listener);
        current.removeListener(listener);
    }
}
