package live.tributary.mesh.swarm;

import java.util.Collection;
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
        Set<Neighbour> receivers = receivers(piece, above);
        CutThrough begun = piece.cutThrough;
        if (begun != null) {
            pushTo(begun, piece, now);
            receivers.removeAll(begun.receivers());
        }
        pushTo(to(receivers, piece), piece, now);
    }

    /** Passes on what has come of a piece that is not whole yet, to those who would get the piece. */
    void passOn(Piece piece, long now) {
        CutThrough begun = piece.cutThrough;
        if (begun == null) {
            Set<Neighbour> receivers = receivers(piece, trees.above(piece));
            receivers.removeIf(neighbour -> !mayBePushed(neighbour, piece, now));
            begun = to(receivers, piece);
            piece.cutThrough = begun;
        }
        pushTo(begun, piece, now);
        pump(now);
    }

    private Set<Neighbour> receivers(Piece piece, Optional<Neighbour> above) {
        Set<Neighbour> receivers = new LinkedHashSet<>();
        above.ifPresent(receivers::add);
        receivers.addAll(config.floods() ? neighbours : trees.children(piece.stripe()));
        return receivers;
    }

    /** The way of a piece to its receivers; in the order in which blocks leave, all of the first one's before any of the second's. */
    private CutThrough to(Collection<Neighbour> receivers, Piece piece) {
        boolean fromOrigin = !config.isPlain() && piece.source != null && piece.source.isOrigin();
        return new CutThrough(receivers, uplink.places(receivers.size() * piece.blockCount(), fromOrigin));
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

    /** Queues for each receiver those blocks that are here and have not been queued for it. */
    private void pushTo(CutThrough way, Piece piece, long now) {
        for (Neighbour receiver : way.receivers()) {
            if (mayBePushed(receiver, piece, now) && isStillFor(receiver, piece)) {
                tellRecord(receiver, piece.chunk.record);
                for (int block = 0; block < piece.blockCount(); block++) {
                    if (piece.hasBlock(block)
                            && !way.hasGone(receiver, block)
                            && uplink.push(
                                    receiver, piece.block(block), way.place(receiver, block, piece.blockCount()))) {
                        way.goes(receiver, block);
                    }
                }
            }
        }
    }

    /** Whether a receiver has not left since, or was being sent the piece before that. */
    private boolean isStillFor(Neighbour receiver, Piece piece) {
        return config.floods()
                || trees.isChild(piece.stripe(), receiver)
                || trees.above(piece).filter(receiver::equals).isPresent()
                || receiver.outbox.pushedOf(piece.number) != 0;
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

    /** A neighbour gets a piece from elsewhere. */
    void coming(Neighbour neighbour, long piece) {
        neighbour.isGetting(piece);
        neighbour.outbox.dropPush(piece);
    }

    /** What was passed on of a piece will not be completed from here. */
    void giveUp(Piece piece) {
        if (piece.cutThrough != null) {
            piece.cutThrough.spoil(piece.number);
        }
    }

    void requested(Neighbour by, PeerMessage.Block block, long now) {
        Optional<Chunk> chunk = chunks.of(block.piece());
        if (chunk.isPresent() && !within(chunk.get().record, block)) {
            actions.drop(by.link, SwarmActions.DropReason.BROKE_PROTOCOL);
            return;
        }
        by.asks(block);
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
        if (isLastOfAGoodPiece(block)) {
            choking.gave(to, block.piece(), now);
        }
        if (seeds()) {
            superSeed.left(to, block.piece(), now);
        }
        pump(now);
    }

    private boolean isLastOfAGoodPiece(PeerMessage.Block block) {
        return chunks.of(block.piece())
                .filter(chunk -> chunk.offers(block.piece())
                        && block.begin() + block.length()
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
