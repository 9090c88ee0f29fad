package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.PeerMessage;

/**
 * Blocks that arrived right behind a record whose signature is still being checked: a push sends both in one go, and nobody
 * should have to send it twice because a signature takes a millisecond.
 */
final class ParkedBlocks {
    /** A whole chunk of a usual stream; what is beyond is dropped and asked for later. */
    static final long MAX_BYTES = 4 << 20;

    private final PiecePlaces checking = new PiecePlaces();
    private final Map<ChunkRecord, ArrayDeque<Parked>> parked = new HashMap<>();
    private long bytes;

    /** A block that waits; who takes it out releases {@code data}. */
    record Parked(Link link, PeerMessage.Block block, ByteBuf data) {}

    void checking(ChunkRecord record) {
        checking.put(record);
        parked.computeIfAbsent(record, r -> new ArrayDeque<>());
    }

    /** Keeps a block (and retains its bytes) if it belongs to a record that is being checked. */
    boolean park(Link link, PeerMessage.Block block, ByteBuf data) {
        Optional<ArrayDeque<Parked>> queue = checking.at(block.piece()).map(parked::get);
        if (queue.isEmpty()) {
            return false;
        }
        if (bytes + block.length() <= MAX_BYTES) {
            queue.get().add(new Parked(link, block, data.retain()));
            bytes += block.length();
        }
        return true;
    }

    /** The record's check is over: its blocks, in the order in which they came. */
    List<Parked> checked(ChunkRecord record) {
        checking.remove(record);
        ArrayDeque<Parked> queue = parked.remove(record);
        if (queue == null) {
            return List.of();
        }
        queue.forEach(waiting -> bytes -= waiting.block().length());
        return new ArrayList<>(queue);
    }

    void clear() {
        parked.values().forEach(queue -> queue.forEach(waiting -> waiting.data().release()));
        parked.clear();
        bytes = 0;
    }
}
