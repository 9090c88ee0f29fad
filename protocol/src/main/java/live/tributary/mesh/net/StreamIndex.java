package live.tributary.mesh.net;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.metainfo.WindowTorrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.InfoHash;

/**
 * The accepted records of one stream, within its history, and the torrents that they make.
 *
 * <p>Written by the stream's thread and one worker for windows, read by any.
 */
final class StreamIndex {
    /** Newest first: a later term, a later discontinuity, a later time. */
    private static final Comparator<StreamView.Window> NEWEST_FIRST = Comparator.comparing(
            StreamView.Window::id,
            Comparator.comparingLong(WindowId::term)
                    .thenComparingLong(WindowId::discontinuities)
                    .thenComparingLong(WindowId::index)
                    .reversed());

    private final Map<Integer, NavigableMap<Long, ChunkRecord>> records = new ConcurrentHashMap<>();
    private final Map<InfoHash, ChunkRecord> chunks = new ConcurrentHashMap<>();
    private final Map<WindowId, StreamView.Window> windows = new ConcurrentHashMap<>();
    private final Map<InfoHash, StreamView.Window> windowsByHash = new ConcurrentHashMap<>();
    private final Map<ObfuscatedHash, InfoHash> obfuscated = new ConcurrentHashMap<>();
    private final Set<ChunkId> stored = ConcurrentHashMap.newKeySet();
    private final Set<Long> ended = ConcurrentHashMap.newKeySet();

    void add(ChunkRecord record) {
        ChunkRecord before = records.computeIfAbsent(record.rendition(), r -> new ConcurrentSkipListMap<>())
                .put(record.seq(), record);
        if (before != null && !before.equals(record)) {
            forget(before);
        }
        InfoHash infoHash = ChunkTorrent.of(record).infoHash();
        obfuscated.put(ObfuscatedHash.of(infoHash), infoHash);
        chunks.put(infoHash, record);
    }

    void addStored(ChunkId chunk) {
        stored.add(chunk);
    }

    /** The origin said that a term is over. */
    void end(long term) {
        ended.add(term);
    }

    /** Makes the torrents of windows that have closed since, and forgets those whose records are gone; milliseconds. */
    void closeWindows(int rendition) {
        NavigableMap<Long, ChunkRecord> snapshot = new TreeMap<>(records.getOrDefault(rendition, new TreeMap<>()));
        Map<WindowId, List<ChunkRecord>> closed = ClosedWindows.of(snapshot, ended::contains);
        windows.values().removeIf(window -> {
            boolean gone = window.id().rendition() == rendition && !closed.containsKey(window.id());
            if (gone) {
                forget(window);
            }
            return gone;
        });
        closed.forEach((id, members) -> {
            StreamView.Window known = windows.get(id);
            if (known == null || !isOf(known.torrent(), members)) {
                StreamView.Window window = new StreamView.Window(id, WindowTorrent.of(members));
                windows.put(id, window);
                InfoHash infoHash = window.torrent().infoHash();
                obfuscated.put(ObfuscatedHash.of(infoHash), infoHash);
                windowsByHash.put(infoHash, window);
                if (known != null) {
                    forget(known);
                }
            }
        });
    }

    private void forget(ChunkRecord record) {
        InfoHash infoHash = ChunkTorrent.of(record).infoHash();
        obfuscated.remove(ObfuscatedHash.of(infoHash));
        chunks.remove(infoHash);
    }

    private void forget(StreamView.Window window) {
        InfoHash infoHash = window.torrent().infoHash();
        obfuscated.remove(ObfuscatedHash.of(infoHash));
        windowsByHash.remove(infoHash);
    }

    /** Records are chained, so the first seq and the last record say which run it is. */
    private static boolean isOf(Torrent torrent, List<ChunkRecord> members) {
        List<ChunkRecord> chunks = torrent.chunks();
        return chunks.get(0).seq() == members.get(0).seq()
                && chunks.get(chunks.size() - 1).equals(members.get(members.size() - 1));
    }

    /** Forgets records published before {@code oldest}; returns the renditions that lost some. */
    List<Integer> prune(Instant oldest) {
        List<Integer> changed = new ArrayList<>();
        records.forEach((rendition, bySeq) -> {
            boolean any = false;
            for (ChunkRecord record : bySeq.values()) {
                if (!record.body().published().isBefore(oldest)) {
                    break;
                }
                bySeq.remove(record.seq(), record);
                forget(record);
                stored.remove(record.chunk());
                any = true;
            }
            if (any) {
                changed.add(rendition);
            }
        });
        return changed;
    }

    Set<Integer> renditions() {
        return Set.copyOf(records.keySet());
    }

    List<ChunkRecord> newest(int rendition, int max) {
        List<ChunkRecord> newest = new ArrayList<>();
        for (ChunkRecord record :
                records.getOrDefault(rendition, new TreeMap<>()).descendingMap().values()) {
            if (newest.size() >= max) {
                break;
            }
            newest.add(0, record);
        }
        return newest;
    }

    Optional<ChunkRecord> record(ChunkId chunk) {
        return Optional.ofNullable(
                records.getOrDefault(chunk.rendition(), new TreeMap<>()).get(chunk.seq()));
    }

    boolean isStored(ChunkId chunk) {
        return stored.contains(chunk);
    }

    Optional<Torrent> torrent(InfoHash infoHash) {
        ChunkRecord record = chunks.get(infoHash);
        if (record != null) {
            return Optional.of(ChunkTorrent.of(record));
        }
        return Optional.ofNullable(windowsByHash.get(infoHash)).map(StreamView.Window::torrent);
    }

    Optional<InfoHash> infoHash(ObfuscatedHash hash) {
        return Optional.ofNullable(obfuscated.get(hash));
    }

    List<StreamView.Window> windows(int rendition) {
        return windows.values().stream()
                .filter(window -> window.id().rendition() == rendition)
                .sorted(NEWEST_FIRST)
                .toList();
    }

    List<ChunkRecord> all() {
        List<ChunkRecord> all = new ArrayList<>();
        records.values().forEach(bySeq -> all.addAll(bySeq.values()));
        return all;
    }
}
