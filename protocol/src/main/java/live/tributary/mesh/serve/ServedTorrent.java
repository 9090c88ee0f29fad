package live.tributary.mesh.serve;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.MetadataMessage;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageEncoder;
import org.jspecify.annotations.Nullable;

/** A torrent that clients are connected for, and its bytes where this node holds them. */
final class ServedTorrent {
    /** A torrent with fewer clients has nobody to share with. */
    private static final int FEWEST_TO_SHARE = 3;

    private static final CompletableFuture<Boolean> HERE = CompletableFuture.completedFuture(true);
    private static final ByteBuf ZEROS = Unpooled.unreleasableBuffer(
            Unpooled.directBuffer(PeerMessage.BLOCK_LENGTH).writeZero(PeerMessage.BLOCK_LENGTH));

    private final Torrent torrent;
    private final ChunkBytes chunks;
    private final byte[] info;
    private final ByteBuf playlist;
    private final Set<ViewerConnection> connections = ConcurrentHashMap.newKeySet();

    /** Made for the first client that is to pass pieces on; guarded by itself. */
    private @Nullable SuperSeeding<ViewerConnection> superSeeding;

    /** Made by the first request; its memory goes with this object, however many slices are still on their way. */
    private volatile @Nullable ByteBuf headers;

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

    // ---- Super-seeding (BEP 16)

    /** Whether there are enough clients that those who are told little can get the rest from one another. */
    boolean isWorthSuperSeeding() {
        return connections.size() >= FEWEST_TO_SHARE;
    }

    /** Shows a client that was told of nothing its first pieces, if there are others that it can get the rest from. */
    synchronized boolean superSeed(ViewerConnection client) {
        if (!isWorthSuperSeeding()) {
            return false;
        }
        SuperSeeding<ViewerConnection> seeding = superSeeding;
        if (seeding == null) {
            seeding = new SuperSeeding<>(torrent.pieceCount());
            BitSet here = set(held().bits());
            for (int piece = here.nextSetBit(0); piece >= 0; piece = here.nextSetBit(piece + 1)) {
                seeding.held(piece, true);
            }
            superSeeding = seeding;
        }
        show(seeding.join(client));
        return true;
    }

    /** Treats a client as any other from now on; the pieces that it has not been told of. */
    synchronized BitSet leaveSuperSeeding(ViewerConnection client) {
        SuperSeeding<ViewerConnection> seeding = superSeeding;
        if (seeding == null) {
            return new BitSet();
        }
        BitSet rest = seeding.leave(client);
        if (seeding.members() == 0) {
            superSeeding = null;
        }
        return rest;
    }

    synchronized void has(ViewerConnection client, int piece, long now) {
        if (superSeeding != null) {
            show(superSeeding.has(client, piece, now));
        }
    }

    synchronized void given(ViewerConnection client, int piece, long now) {
        if (superSeeding != null) {
            superSeeding.given(client, piece, now);
        }
    }

    synchronized void showDue(ViewerConnection client, long now) {
        if (superSeeding != null) {
            show(superSeeding.due(client, now));
        }
    }

    /** A chunk's pieces are here now, or no longer. */
    void changed(int firstPiece, int pieces, boolean held) {
        synchronized (this) {
            for (int piece = firstPiece; superSeeding != null && piece < firstPiece + pieces; piece++) {
                superSeeding.held(piece, held);
            }
        }
        connections.forEach(client -> client.tellChunk(firstPiece, pieces, held));
    }

    private static void show(List<SuperSeeding.Shown<ViewerConnection>> shown) {
        shown.forEach(one -> one.client().show(one.piece()));
    }

    /** The pieces of a bitfield: BEP 3 puts the first into the highest bit. */
    static BitSet set(byte[] bitfield) {
        BitSet set = new BitSet(bitfield.length * Byte.SIZE);
        for (int piece = 0; piece < bitfield.length * Byte.SIZE; piece++) {
            set.set(piece, (bitfield[piece / Byte.SIZE] & 0x80 >>> piece % Byte.SIZE) != 0);
        }
        return set;
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

    /** Where the bytes of a block, and of those that adjoin it, are. */
    Extent extent(PeerMessage.Block block) {
        Torrent.Source source = torrent.source((int) block.piece());
        if (source instanceof Torrent.Source.OfChunk chunk) {
            long from = (block.piece() - chunk.piece()) * ChunkRecord.PIECE_LENGTH;
            return new Extent(
                    Optional.of(chunk.record()), from, from + chunk.record().length());
        }
        Torrent.Source.OfPlaylist part = (Torrent.Source.OfPlaylist) source;
        long from = block.piece() * ChunkRecord.PIECE_LENGTH - part.from();
        return new Extent(Optional.empty(), from, from + playlist.readableBytes());
    }

    /**
     * A stretch of the torrent whose bytes lie together.
     *
     * @param record whose; empty for the playlist
     * @param from where in the torrent it starts, bytes
     * @param to where it ends; what a window has behind that, up to the next piece, are zeros
     */
    record Extent(Optional<ChunkRecord> record, long from, long to) {
        /** Whether {@code next} begins where {@code block} ends, and both are the extent's own bytes. */
        boolean adjoin(PeerMessage.Block block, PeerMessage.Block next) {
            return at(next) == at(block) + block.length() && at(next) + next.length() <= to;
        }
    }

    /** A block's place in the torrent, bytes. */
    private static long at(PeerMessage.Block block) {
        return block.piece() * ChunkRecord.PIECE_LENGTH + block.begin();
    }

    /** As {@link ChunkBytes#prepare}, for what {@link #read} gives of an extent. */
    CompletableFuture<Boolean> prepare(Extent extent) {
        return extent.record().map(chunks::prepare).orElse(HERE);
    }

    /**
     * The bytes of adjoining blocks in one piece, shared with the store, which the caller releases; empty where they are not here.
     */
    Optional<ByteBuf> read(Extent extent, List<PeerMessage.Block> run) {
        PeerMessage.Block last = run.get(run.size() - 1);
        int offset = (int) (at(run.get(0)) - extent.from());
        int end = (int) (at(last) + last.length() - extent.from());
        int content = Math.max(0, Math.min(end, (int) (extent.to() - extent.from())) - offset);
        if (extent.record().isEmpty()) {
            return Optional.of(playlist.retainedSlice(offset, content));
        }
        ChunkRecord record = extent.record().get();
        if (content == 0) {
            return chunks.holds(record) ? Optional.of(ZEROS.slice(0, end - offset)) : Optional.empty();
        }
        Optional<ByteBuf> bytes = chunks.read(record, offset, content);
        return content == end - offset
                ? bytes
                : bytes.map(part -> Unpooled.wrappedBuffer(part, ZEROS.slice(0, end - offset - content)));
    }

    /**
     * The 13 bytes of PIECE before a block, a slice of what is made once for the torrent; empty for a block that clients do not cut
     * so.
     */
    Optional<ByteBuf> header(PeerMessage.Block block) {
        int number = (int) (at(block) / PeerMessage.BLOCK_LENGTH);
        boolean usual = block.begin() % PeerMessage.BLOCK_LENGTH == 0
                && block.length() == Math.min(PeerMessage.BLOCK_LENGTH, torrent.length() - at(block));
        return usual
                ? Optional.of(headers()
                        .retainedSlice(number * PeerMessageEncoder.PIECE_OVERHEAD, PeerMessageEncoder.PIECE_OVERHEAD))
                : Optional.empty();
    }

    private ByteBuf headers() {
        ByteBuf made = headers;
        if (made == null) {
            made = makeHeaders();
            headers = made; // Two threads may make the same.
        }
        return made;
    }

    private ByteBuf makeHeaders() {
        int count = (int) ((torrent.length() + PeerMessage.BLOCK_LENGTH - 1) / PeerMessage.BLOCK_LENGTH);
        ByteBuf all = Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(count * PeerMessageEncoder.PIECE_OVERHEAD));
        all.clear();
        for (long at = 0; at < torrent.length(); at += PeerMessage.BLOCK_LENGTH) {
            PeerMessageEncoder.writeHeader(
                    all, at / ChunkRecord.PIECE_LENGTH, (int) (at % ChunkRecord.PIECE_LENGTH), (int)
                            Math.min(PeerMessage.BLOCK_LENGTH, torrent.length() - at));
        }
        return all;
    }
}
