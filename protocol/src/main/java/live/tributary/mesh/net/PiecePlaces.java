package live.tributary.mesh.net;

import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import live.tributary.protocol.stream.ChunkRecord;

/** Which chunk each piece number of a stream belongs to; where two overlap, the one placed later, which is of a higher term. */
final class PiecePlaces {
    private final NavigableMap<Long, ChunkRecord> byFirst = new TreeMap<>();

    void put(ChunkRecord record) {
        Map.Entry<Long, ChunkRecord> before = byFirst.lowerEntry(record.firstPiece());
        if (before != null && before.getValue().endPiece() > record.firstPiece()) {
            byFirst.remove(before.getKey());
        }
        byFirst.subMap(record.firstPiece(), record.endPiece()).clear();
        byFirst.put(record.firstPiece(), record);
    }

    boolean remove(ChunkRecord record) {
        return byFirst.remove(record.firstPiece(), record);
    }

    void forget(Predicate<ChunkRecord> gone) {
        byFirst.values().removeIf(gone);
    }

    Optional<ChunkRecord> at(long piece) {
        Map.Entry<Long, ChunkRecord> entry = byFirst.floorEntry(piece);
        return entry != null && piece < entry.getValue().endPiece() ? Optional.of(entry.getValue()) : Optional.empty();
    }
}
