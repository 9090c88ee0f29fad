package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;

/** The chunks that this node has or fetches, by piece number; no two overlap. */
final class Chunks {
    private final NavigableMap<Long, Chunk> byFirstPiece = new TreeMap<>();

    void add(Chunk chunk) {
        byFirstPiece.put(chunk.record.firstPiece(), chunk);
    }

    /** The chunk that a piece belongs to. */
    Optional<Chunk> of(long piece) {
        Map.Entry<Long, Chunk> entry = byFirstPiece.floorEntry(piece);
        return entry != null && entry.getValue().contains(piece) ? Optional.of(entry.getValue()) : Optional.empty();
    }

    Optional<Piece> piece(long number) {
        Map.Entry<Long, Chunk> entry = byFirstPiece.floorEntry(number);
        if (entry == null || !entry.getValue().contains(number) || entry.getValue().state == Chunk.State.COMPLETE) {
            return Optional.empty();
        }
        return Optional.of(entry.getValue().pieces()[(int) (number - entry.getKey())]);
    }

    Optional<Chunk> of(ChunkRecord record) {
        Chunk chunk = byFirstPiece.get(record.firstPiece());
        return chunk != null && chunk.record.equals(record) ? Optional.of(chunk) : Optional.empty();
    }

    /** Other chunks that claim a piece of this record. */
    List<Chunk> overlapping(ChunkRecord record) {
        List<Chunk> found = new ArrayList<>();
        Map.Entry<Long, Chunk> before = byFirstPiece.lowerEntry(record.firstPiece());
        if (before != null && before.getValue().record.endPiece() > record.firstPiece()) {
            found.add(before.getValue());
        }
        found.addAll(byFirstPiece
                .subMap(record.firstPiece(), true, record.endPiece(), false)
                .values());
        return found;
    }

    void remove(Chunk chunk) {
        byFirstPiece.remove(chunk.record.firstPiece(), chunk);
    }

    Collection<Chunk> all() {
        return byFirstPiece.values();
    }

    Collection<Chunk> newestFirst() {
        return byFirstPiece.descendingMap().values();
    }

    /** The pieces that may be sent on, as ranges. */
    PieceRanges offered() {
        PieceRanges ranges = new PieceRanges();
        for (Chunk chunk : byFirstPiece.values()) {
            if (chunk.state == Chunk.State.COMPLETE) {
                ranges.add(chunk.record.firstPiece(), chunk.record.endPiece());
                continue;
            }
            for (Piece piece : chunk.pieces()) {
                if (piece.state == Piece.State.GOOD) {
                    ranges.add(piece.number);
                }
            }
        }
        return ranges;
    }

    LiveMessage.Window window() {
        return new LiveMessage.Window(offered().newest(LiveMessage.MAX_RANGES));
    }
}
