package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.PeerMessage;

/** The blocks of one stream's chunks in the store: written as they arrive, read as they are sent. */
final class ChunkBlocks implements Link.BlockSource {
    private static final Duration LIVE_EDGE = Duration.ofSeconds(30);

    private final ChunkStore store;
    private final InstantSource clock;
    private final PiecePlaces places = new PiecePlaces();

    ChunkBlocks(ChunkStore store, InstantSource clock) {
        this.store = store;
        this.clock = clock;
    }

    /** Makes room for a chunk; false where there is none. */
    boolean open(ChunkRecord record) {
        boolean opened = store.open(record);
        if (opened) {
            places.put(record);
        }
        return opened;
    }

    /** A chunk that is in the store already. */
    void held(ChunkRecord record) {
        places.put(record);
    }

    /** Forgets a chunk's bytes; returns whether it never became whole. */
    boolean discard(ChunkRecord record) {
        boolean missed = places.remove(record) && !store.holds(record);
        store.discard(record);
        return missed;
    }

    /** The chunk that a piece belongs to, if its blocks are here or may come. */
    Optional<ChunkRecord> chunk(long piece) {
        return places.at(piece);
    }

    /** Writes a block of a chunk; false where the chunk is not open. */
    boolean write(ChunkRecord record, PeerMessage.Block block, ByteBuf data) {
        long offset = (block.piece() - record.firstPiece()) * ChunkRecord.PIECE_LENGTH + block.begin();
        return offset + data.readableBytes() <= record.length() && store.write(record, (int) offset, data);
    }

    @Override
    public Optional<ByteBuf> read(PeerMessage.Block block) {
        Optional<ChunkRecord> record = places.at(block.piece());
        if (record.isEmpty()) {
            return Optional.empty();
        }
        int piece = (int) (block.piece() - record.get().firstPiece());
        if (block.begin() + (long) block.length() > record.get().pieceLength(piece)) {
            return Optional.empty();
        }
        return store.readPiece(record.get(), piece, block.begin(), block.length());
    }

    @Override
    public UploadBudget.Purpose purpose(PeerMessage.Block block) {
        boolean live = places.at(block.piece()).filter(this::isLive).isPresent();
        return live ? UploadBudget.Purpose.LIVE_TO_RELAYS : UploadBudget.Purpose.OLDER;
    }

    /** Whether the chunk was published a moment ago. */
    boolean isLive(ChunkRecord record) {
        return record.body().published().isAfter(clock.instant().minus(LIVE_EDGE));
    }
}
