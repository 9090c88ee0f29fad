package live.tributary.mesh;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/** One carried stream as any thread may see it: what is known of it, and who holds what. */
public interface StreamView {
    StreamKey key();

    Optional<SignedHead> head();

    Optional<About> about();

    /** Whether the newest head is unexpired and says live. */
    boolean live();

    /** The renditions of which a record is known. */
    Set<Integer> renditions();

    /** The accepted records of a rendition in order of seq, the newest {@code max}. */
    List<ChunkRecord> newest(int rendition, int max);

    Optional<ChunkRecord> record(ChunkId chunk);

    /** Whether this node holds the whole chunk. */
    boolean holds(ChunkRecord record);

    /** The verified relays, linked to this node, that have shown that they hold the whole chunk. */
    List<RelayView> holders(ChunkRecord record);

    /** The keys of {@link #holders}, and perhaps of some whose link is gone; where it can, the very same list until it changes. */
    default List<RelayKey> holderKeys(ChunkRecord record) {
        return holders(record).stream().map(RelayView::key).toList();
    }

    /** The verified relays that this node is linked to or has heard of. */
    List<RelayView> relays();

    boolean storedInBucket(ChunkId chunk);

    /** The key's last word, once it was heard. */
    default Optional<KeyEnd> keyEnd() {
        return Optional.empty();
    }

    /** Losers of forks that were heard: records that the stream's key signed for a place that another one has; newest last. */
    default List<ChunkRecord> forks() {
        return List.of();
    }

    /** The torrent of an accepted chunk or of a closed window, by its infohash. */
    Optional<Torrent> torrent(InfoHash infoHash);

    /** The infohash of such a torrent, by what encrypted handshakes name it by. */
    Optional<InfoHash> infoHash(ObfuscatedHash obfuscated);

    /** The closed windows of a rendition, newest first. */
    List<Window> windows(int rendition);

    /** A closed window. */
    record Window(WindowId id, Torrent torrent) {}

    void addListener(StreamListener listener);

    void removeListener(StreamListener listener);
}
