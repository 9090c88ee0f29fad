package live.tributary.mesh.swarm;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.PeerMessage;

/** The pieces that this node gives: pushed to the children of their stripe, given away by an origin, sent to whoever asks. */
final class PieceUpload {
    /** A request that comes so long after two round trips was sent in spite of the push, not before it was seen. */
    private static final long CROSSES_WITHIN = 100_000_000L;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final List<Neighbour> neighbours;
    private final RecordExchange records;
    private final Chunks chunks;
    private final Uplink uplink;
    private final PushTrees trees;
    private final Choking choking;
    private final SuperSeed superSeed;

    PieceUpload(
            SwarmConfig config,
            SwarmActions actions,
            List<Neighbour> neighbours,
            RecordExchange records,
            Chunks chunks,
            Uplink uplink,
            PushTrees trees,
            Choking choking,
            SuperSeed superSeed) {
        this.config = config;
        this.actions = actions;
        this.neighbours = neighbours;
        this.records = records;
        this.chunks = chunks;
        this.uplink = uplink;
        this.trees = trees;
        this.choking = choking;
        this.superSeed = superSeed;
    }

    private boolean seeds() {
        return config.role() == NodeRole.ORIGIN;
    }

    /** Passes on a piece that has just turned out good: to {@code above} first, then to the children of its stripe. */
    void push(Piece piece, Optional<Neighbour> above, long now) {
        if (config.pullOnly()) {
            return;
        }
        Set<Neighbour> receivers = new LinkedHashSet<>();
        above.ifPresent(receivers::add);
        receivers.addAll(config.floods() ? neighbours : trees.children(piece.stripe()));
        CutThrough begun = piece.cutThrough;
        if (begun != null) {
            pushTo(begun.receivers(), piece, begun.rest(piece), begun.firstPlace(), now);
            receivers.removeAll(begun.receivers());
        }
        pushTo(List.copyOf(receivers), piece, piece.allBlocks(), places(receivers.size(), piece), now);
    }

    /** Passes on a block of a piece that is not whole yet, to those who would get the piece. */
    void passOn(Piece piece, int block, long now) {
        if (piece.cutThrough == null) {
            Set<Neighbour> receivers = new LinkedHashSet<>();
            trees.above(piece).ifPresent(receivers::add);
            receivers.addAll(trees.children(piece.stripe()));
            receivers.removeIf(neighbour -> !mayBePushed(neighbour, piece, now));
            piece.cutThrough = new CutThrough(List.copyOf(receivers), places(receivers.size(), piece));
        }
        pushTo(piece.cutThrough.receivers(), piece, 1 << block, piece.cutThrough.firstPlace(), now);
        piece.cutThrough.goes(block);
        pump(now);
    }

    private boolean mayBePushed(Neighbour neighbour, Piece piece, long now) {
        return neighbour.isRelay()
                && neighbour.carries(piece.chunk.record.rendition())
                && neighbour != piece.source
                && choking.mayGive(neighbour)
                && !neighbour.held.contains(piece.number)
                && !neighbour.gets(piece.number)
                && !neighbour.isSpoilt(piece.number)
                && neighbour.mayBePushed(piece.chunk.record.hash(), now)
                && !uplink.stalled(neighbour, now);
    }

    /** Places for a piece in the order in which blocks leave: all of the first receiver's before any of the second's. */
    private long places(int receivers, Piece piece) {
        boolean fromOrigin = !config.isPlain() && piece.source != null && piece.source.isOrigin();
        return uplink.places(receivers * piece.blockCount(), fromOrigin);
    }

    private void pushTo(List<Neighbour> receivers, Piece piece, int blocks, long firstPlace, long now) {
        for (int r = 0; r < receivers.size(); r++) {
            Neighbour receiver = receivers.get(r);
            if (mayBePushed(receiver, piece, now)) {
                tellRecord(receiver, piece.chunk.record);
                for (int i = 0; i < piece.blockCount(); i++) {
                    if ((blocks & 1 << i) != 0) {
                        uplink.push(receiver, piece.block(i), firstPlace + r * piece.blockCount() + i);
                    }
                }
            }
        }
    }

    private void give(Neighbour neighbour, ChunkRecord record, long number) {
        tellRecord(neighbour, record);
        int length = record.pieceLength((int) (number - record.firstPiece()));
        for (int begin = 0; begin < length; begin += PeerMessage.BLOCK_LENGTH) {
            int size = Math.min(PeerMessage.BLOCK_LENGTH, length - begin);
            uplink.push(neighbour, new PeerMessage.Block(number, begin, size), uplink.places(1, false));
        }
    }

    private void tellRecord(Neighbour neighbour, ChunkRecord record) {
        if (!neighbour.isKnownToKnow(record.hash())) {
            records.gossip().tell(neighbour, record);
        }
    }

    /** A neighbour gets pieces from elsewhere. */
    void coming(Neighbour neighbour, List<Long> pieces, long now) {
        for (long piece : pieces) {
            neighbour.isGetting(piece);
            neighbour.outbox.dropPush(piece);
        }
        pump(now);
    }

    void requested(Neighbour by, PeerMessage.Block block, long now) {
        Optional<Chunk> chunk = chunks.of(block.piece());
        if (chunk.isPresent() && !within(chunk.get().record, block)) {
            actions.drop(by.link, SwarmActions.DropReason.BROKE_PROTOCOL);
            return;
        }
        boolean served = choking.mayGive(by)
                && chunk.filter(c -> c.offers(block.piece())).isPresent()
                && !by.isSpoilt(block.piece())
                && !isBeingPushed(by, block, now) // The push that it crossed satisfies it.
                && (!seeds() || superSeed.mayServe(by, block.piece(), now))
                && uplink.add(by, block, chunk.get().live && !seeds()); // An origin's gifts go first.
        if (!served) {
            actions.send(by.link, new PeerMessage.Reject(block));
            return;
        }
        if (seeds()) {
            superSeed.serving(by, block.piece(), now);
        }
        pump(now);
    }

    private static boolean isBeingPushed(Neighbour to, PeerMessage.Block block, long now) {
        return to.outbox.pushes(block.piece())
                || to.outbox.pushedSince(block.piece(), now - 2 * to.rtt() - CROSSES_WITHIN);
    }

    private static boolean within(ChunkRecord record, PeerMessage.Block block) {
        int length = record.pieceLength((int) (block.piece() - record.firstPiece()));
        return block.length() > 0
                && block.length() <= PeerMessage.BLOCK_LENGTH
                && block.begin() >= 0
                && block.begin() <= length - block.length();
    }

    void cancelled(Neighbour by, PeerMessage.Block block) {
        switch (by.outbox.cancel(block)) {
            case REQUEST -> actions.send(by.link, new PeerMessage.Reject(block)); // BEP 6
            case PUSH, NOTHING -> {}
        }
    }

    void sent(Neighbour to, PeerMessage.Block block, long now) {
        uplink.sent(to, block, now);
        if (isLast(block)) {
            choking.gave(to, block.piece(), now);
        }
        if (seeds()) {
            superSeed.left(to, block.piece(), now);
        }
        pump(now);
    }

    private boolean isLast(PeerMessage.Block block) {
        return chunks.of(block.piece())
                .filter(chunk -> block.begin() + block.length()
                        == chunk.record.pieceLength((int) (block.piece() - chunk.record.firstPiece())))
                .isPresent();
    }

    /** Pieces that every neighbour may ask for. */
    void offer(ChunkRecord record) {
        for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
            tellHave(piece);
        }
    }

    void tellHave(long piece) {
        for (Neighbour neighbour : neighbours) {
            actions.send(neighbour.link, new PeerMessage.Have(piece));
        }
    }

    /** Keeps the uplink busy; an origin gives the next piece away once nothing else of the live edge waits. */
    void pump(long now) {
        uplink.pumpLive(now);
        while (seeds() && !superSeed.idle() && uplink.hasRoom(now)) {
            SuperSeed.Gift gift = superSeed.next(now);
            if (gift == null) {
                break;
            }
            if (config.pullOnly()) {
                actions.send(gift.to().link, new PeerMessage.Have(gift.piece()));
            } else {
                chunks.of(gift.piece()).ifPresent(chunk -> give(gift.to(), chunk.record, gift.piece()));
            }
            uplink.pumpLive(now);
        }
        uplink.pumpOlder(now);
    }

    long backlogNanos(long now) {
        return uplink.backlogNanos(now);
    }
}
