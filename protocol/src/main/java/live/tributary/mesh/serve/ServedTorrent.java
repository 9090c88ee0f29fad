package live.tributary.mesh.serve;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.MetadataMessage;
import live.tributary.protocol.wire.PeerMessage;

/** A torrent that clients are connected for, and its bytes where this node holds them. */
final class ServedTorrent {
    private static final ByteBuf ZEROS = Unpooled.unreleasableBuffer(
            Unpooled.directBuffer(PeerMessage.BLOCK_LENGTH).writeZero(PeerMessage.BLOCK_LENGTH));

    private final Torrent torrent;
    private final ChunkBytes chunks;
    private final byte[] info;
    private final ByteBuf playlist;
    private final Set<ViewerConnection> connections = ConcurrentHashMap.newKeySet();

    ServedTorrent(Torrent torrent, ChunkBytes chunks) {
        this.torrent = torrent;
        this.chunks = chunks;
        this.info = torrent.info();
        this.playlist = Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(torrent.playlist()));
    }

    Torrent torrent() {
        return torrent;
    }

    /** The clients that are connected for it now. */
    Set<ViewerConnection> connections() {
        return connections;
    }

    int metadataSize() {
        return info.length;
    }

    /** A page of the info dictionary (BEP 9). */
    MetadataMessage metadata(int page) {
        long from = (long) page * MetadataMessage.PAGE_LENGTH;
        if (from >= info.length) {
            return new MetadataMessage.Reject(page);
        }
        int to = (int) Math.min(info.length, from + MetadataMessage.PAGE_LENGTH);
        return new MetadataMessage.Data(page, info.length, Arrays.copyOfRange(info, (int) from, to));
    }

    /** Which pieces this node can serve now. */
    Held held() {
        byte[] bits = new byte[(torrent.pieceCount() + Byte.SIZE - 1) / Byte.SIZE];
        int count = 0;
        ChunkRecord last = null;
        boolean lastHeld = false;
        for (int piece = 0; piece < torrent.pieceCount(); piece++) {
            boolean held = true;
            if (torrent.source(piece) instanceof Torrent.Source.OfChunk chunk) {
                if (chunk.record() != last) {
                    last = chunk.record();
                    lastHeld = chunks.holds(last);
                }
                held = lastHeld;
            }
            if (held) {
                bits[piece / Byte.SIZE] |= (byte) (0x80 >>> piece % Byte.SIZE);
                count++;
            }
        }
        return new Held(bits, count, torrent.pieceCount());
    }

    /**
     * The pieces that this node can serve.
     *
     * @param bits one a piece, as BEP 3 orders them
     */
    record Held(byte[] bits, int count, int of) {
        boolean all() {
            return count == of;
        }

        boolean none() {
            return count == 0;
        }
    }

    /** The first of the torrent's pieces that are {@code record}'s, if it carries that chunk. */
    Optional<Integer> firstPieceOf(ChunkRecord record) {
        return torrent.firstPieceOf(record.chunk())
                .filter(piece -> torrent.source(piece) instanceof Torrent.Source.OfChunk chunk
                        && chunk.record().equals(record));
    }

    /** Whether a block lies within the torrent and is not longer than a request may be. */
    boolean isBlock(PeerMessage.Block block) {
        return block.piece() < torrent.pieceCount()
                && block.length() > 0
                && block.length() <= PeerMessage.BLOCK_LENGTH
                && (long) block.begin() + block.length() <= torrent.pieceLength((int) block.piece());
    }

    /** Whose bytes a block is; empty for the playlist. */
    Optional<ChunkRecord> recordOf(PeerMessage.Block block) {
        return torrent.source((int) block.piece()) instanceof Torrent.Source.OfChunk chunk
                ? Optional.of(chunk.record())
                : Optional.empty();
    }

    /** A block's bytes, shared with the store, which the caller releases; empty where they are not here. */
    Optional<ByteBuf> read(PeerMessage.Block block) {
        Torrent.Source source = torrent.source((int) block.piece());
        if (source instanceof Torrent.Source.OfPlaylist part) {
            return Optional.of(playlist.slice(part.from() + block.begin(), block.length()));
        }
        Torrent.Source.OfChunk chunk = (Torrent.Source.OfChunk) source;
        int content = Math.max(0, Math.min(block.length(), chunk.length() - block.begin()));
        if (content == 0) {
            return chunks.holds(chunk.record()) ? Optional.of(ZEROS.slice(0, block.length())) : Optional.empty();
        }
        int offset = chunk.piece() * ChunkRecord.PIECE_LENGTH + block.begin();
        Optional<ByteBuf> bytes = chunks.read(chunk.record(), offset, content);
        return content == block.length()
                ? bytes
                : bytes.map(part -> Unpooled.wrappedBuffer(part, ZEROS.slice(0, block.length() - content)));
    }
}
