package live.tributary.gateway;

import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/**
 * A stream that goes on by itself: it says of itself what one stream says, and has of another one's chunks what was published by now, held
 * by the same relays always.
 */
final class MovingStream implements StreamView {
    private final FakeStream self;
    private final FakeStream whole;
    private final List<ChunkRecord> records;
    private final List<RelayView> holders;
    private final List<RelayKey> holderKeys;
    private final InstantSource clock;

    /** @param holderKeys the holders' keys, the very same list for streams that share {@code whole}: holders are told apart by it */
    MovingStream(
            FakeStream self,
            FakeStream whole,
            List<RelayView> holders,
            List<RelayKey> holderKeys,
            InstantSource clock) {
        this.self = self;
        this.whole = whole;
        this.records = whole.newest(0, Integer.MAX_VALUE);
        this.holders = List.copyOf(holders);
        this.holderKeys = holderKeys;
        this.clock = clock;
    }

    private boolean isPublished(ChunkRecord record) {
        return !record.body().published().isAfter(clock.instant());
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        Instant now = clock.instant();
        int to = records.size();
        while (to > 0 && records.get(to - 1).body().published().isAfter(now)) {
            to--;
        }
        return List.copyOf(records.subList(Math.max(0, to - max), to));
    }

    @Override
    public List<Window> windows(int rendition) {
        return whole.windows(rendition).stream()
                .filter(window -> {
                    List<ChunkRecord> chunks = window.torrent().chunks();
                    return isPublished(chunks.get(chunks.size() - 1));
                })
                .toList();
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return holders;
    }

    @Override
    public List<RelayKey> holderKeys(ChunkRecord record) {
        return holderKeys;
    }

    @Override
    public List<RelayView> relays() {
        return holders;
    }

    @Override
    public StreamKey key() {
        return self.key();
    }

    @Override
    public Optional<SignedHead> head() {
        return self.head();
    }

    @Override
    public Optional<About> about() {
        return self.about();
    }

    @Override
    public boolean live() {
        return self.live();
    }

    @Override
    public Set<Integer> renditions() {
        return whole.renditions();
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return whole.record(chunk).filter(this::isPublished);
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return false;
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return whole.storedInBucket(chunk);
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return whole.torrent(infoHash);
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return whole.infoHash(obfuscated);
    }

    @Override
    public void addListener(StreamListener listener) {}

    @Override
    public void removeListener(StreamListener listener) {}
}
