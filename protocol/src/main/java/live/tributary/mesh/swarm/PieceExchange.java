package live.tributary.mesh.swarm;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import live.tributary.mesh.swarm.LiveSwarm.BlockVerdict;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/**
 * The pieces of chunks that this node has or fetches: what comes is put together and checked, and what is good goes on.
 *
 * <p>{@link PieceRequests} asks for what stays away, {@link PieceUpload} gives.
 */
final class PieceExchange {
    /** A chunk published so recently is at the live edge. */
    static final Duration LIVE_EDGE = Duration.ofSeconds(30);

    /** Which share of a bad experience is forgotten each time that is looked around. */
    private static final double FADE = 0.01;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final InstantSource wallClock;
    private final List<Neighbour> neighbours;
    private final PushTrees trees;
    private final SuperSeed superSeed;
    private final Choking choking;
    private final RecordExchange records;
    private final Chunks chunks = new Chunks();
    private final PieceRequests requests;
    private final PieceUpload upload;
    /** No chunk that begins before this is fetched: the store had no room for one as new. */
    private long noRoomBefore;

    private Optional<ChunkRecord> restoring = Optional.empty();

    PieceExchange(
            SwarmConfig config,
            SwarmActions actions,
            InstantSource wallClock,
            RandomGenerator random,
            List<Neighbour> neighbours,
            RecordExchange records) {
        this.config = config;
        this.actions = actions;
        this.wallClock = wallClock;
        this.neighbours = neighbours;
        this.records = records;
        Uplink uplink = new Uplink(actions, neighbours, config.uploadBitsPerSecond(), config.floods());
        this.trees = new PushTrees(config, actions, neighbours, uplink, random);
        this.choking = new Choking(actions, neighbours, config.role() == NodeRole.ORIGIN);
        this.superSeed = new SuperSeed(neighbours, uplink, choking, random, config.isPlain(), new Given());
        this.requests = new PieceRequests(config, actions, neighbours, chunks, trees, random);
        this.upload = new PieceUpload(config, actions, neighbours, records, chunks, uplink, trees, choking, superSeed);
    }

    private final class Given implements SuperSeed.Pieces {
        @Override
        public int renditionOf(long piece) {
            return chunks.of(piece).map(chunk -> chunk.record.rendition()).orElse(0);
        }

        @Override
        public boolean mayGo(long piece, Neighbour to, long now) {
            return config.pullOnly()
                    || chunks.of(piece)
                            .filter(chunk -> to.mayBePushed(chunk.record.hash(), now))
                            .isPresent();
        }
    }

    PieceRequests requests() {
        return requests;
    }

    PieceUpload upload() {
        return upload;
    }

    private boolean seeds() {
        return config.role() == NodeRole.ORIGIN;
    }

    // Links

    void linkUp(Neighbour neighbour) {
        actions.send(neighbour.link, chunks.window());
        if (neighbour.isOrigin() && config.role() == NodeRole.RELAY && !config.pullOnly()) {
            trees.joinOrigin(neighbour);
        }
    }

    void linkDown(Neighbour gone, long now) {
        gone.outbox.clear();
        trees.linkDown(gone, now);
        superSeed.linkDown(gone);
        requests.linkDown(gone, now);
        upload.pump(now);
    }

    // Chunks

    /** A record is chained: room is made for its chunk, and it is fetched. */
    void joined(ChunkRecord record, long now) {
        if (chunks.of(record).isPresent()) {
            return;
        }
        for (Chunk other : chunks.overlapping(record)) {
            if (other.record.term() > record.term()) {
                return; // The higher term's piece numbers count.
            }
            forget(other, now);
        }
        if (config.role() != NodeRole.RELAY
                || !config.fetches(record.rendition())
                || restoring.filter(record::equals).isPresent()) {
            return;
        }
        if (record.firstPiece() < noRoomBefore && !isLive(record) || !isCaughtUpOn(record)) {
            return;
        }
        begin(record, now);
    }

    /** An older chunk that this node is to have, even where its like had no room before. */
    void wanted(ChunkRecord record, long now) {
        boolean free = chunks.of(record).isEmpty() && chunks.overlapping(record).isEmpty();
        if (config.role() == NodeRole.RELAY && config.fetches(record.rendition()) && records.knows(record) && free) {
            begin(record, now);
            requests.fetchOlder(now);
        }
    }

    private void begin(ChunkRecord record, long now) {
        Chunk chunk = Chunk.fetching(record, isLive(record), now);
        actions.open(record);
        chunks.add(chunk);
        requests.begin(chunk);
        if (chunk.live) {
            trees.streamRate(record.length() * 8e3 / record.body().duration().toMillis());
            for (Piece piece : chunk.pieces()) {
                requests.opened(piece, now);
                for (Neighbour neighbour : neighbours) {
                    if ((neighbour.isRelay() || config.pullOnly()) && neighbour.held.contains(piece.number)) {
                        requests.shown(piece, neighbour, now);
                    }
                }
            }
        }
    }

    /** An origin's new chunk, which nobody else has. */
    void published(ChunkRecord record, long now) {
        if (hold(record, now)) {
            if (isLive(record)) {
                superSeed.published(record, now);
            } else {
                upload.offer(record); // A feed that comes all at once: the live edge is not to wait for it.
            }
            actions.completed(record);
        }
    }

    private boolean hold(ChunkRecord record, long now) {
        Optional<Chunk> known = chunks.of(record);
        if (known.filter(c -> c.state == Chunk.State.COMPLETE).isPresent()) {
            return false;
        }
        known.ifPresent(requests::end);
        chunks.add(Chunk.complete(record, isLive(record), now));
        return true;
    }

    /** A chunk of the disk's, unless it has left the history or another has its place. */
    void restored(ChunkRecord record, long now) {
        restoring = Optional.of(record);
        records.trust(record, now);
        restoring = Optional.empty();
        if (!records.knows(record)) {
            actions.discard(record);
        } else if (hold(record, now)) {
            upload.offer(record); // An origin's too: the mesh may have it already, so it is not given away once more.
            actions.completed(record);
        }
    }

    /** The links that should hear of an own record from this origin itself. */
    List<Neighbour> audience(ChunkRecord record) {
        return superSeed.audience(record);
    }

    /** A record left the chain: its bytes are worth nothing. */
    void removed(ChunkRecord record, long now) {
        chunks.of(record).ifPresent(chunk -> forget(chunk, now));
    }

    /** The store has dropped a chunk. */
    void evicted(ChunkRecord record, long now) {
        chunks.of(record).ifPresent(chunk -> {
            noRoomBefore = Math.max(noRoomBefore, record.endPiece());
            drop(chunk, now);
        });
    }

    private void forget(Chunk chunk, long now) {
        drop(chunk, now);
        actions.discard(chunk.record);
    }

    private void drop(Chunk chunk, long now) {
        chunks.remove(chunk);
        requests.end(chunk);
        superSeed.evicted(chunk.record);
        for (Piece piece : chunk.pieces()) {
            if (piece.state == Piece.State.COMING) {
                requests.takeBack(piece, null);
            }
            if (piece.state != Piece.State.GOOD) {
                upload.giveUp(piece);
            }
            piece.state = Piece.State.CHECKING; // Neither wanted nor offered, wherever it is still referred to.
            piece.due = Piece.NEVER;
        }
        chunk.complete();
        upload.pump(now);
    }

    void expire(long now) {
        var oldest = wallClock.instant().minus(config.history());
        for (Chunk chunk : List.copyOf(chunks.all())) {
            if (chunk.record.body().published().isBefore(oldest)) {
                forget(chunk, now);
            } else if (chunk.live && !isLive(chunk.record)) {
                chunk.live = false;
                if (superSeed.retired(chunk.record)) {
                    upload.offer(chunk.record);
                }
            }
        }
    }

    private boolean isLive(ChunkRecord record) {
        return record.body().published().isAfter(wallClock.instant().minus(LIVE_EDGE));
    }

    /** Whether it is recent enough that every relay fetches it; of what is older, records are enough. */
    private boolean isCaughtUpOn(ChunkRecord record) {
        return record.body().published().isAfter(wallClock.instant().minus(config.catchUp()));
    }

    boolean holds(ChunkRecord record) {
        return chunks.of(record).filter(c -> c.state == Chunk.State.COMPLETE).isPresent();
    }

    // Who has what

    void has(Neighbour neighbour, long piece, long now) {
        neighbour.held.add(piece);
        if (neighbour.held.count() > PieceRanges.MAX_RANGES) {
            actions.drop(neighbour.link, SwarmActions.DropReason.FLOODED);
            return;
        }
        if (seeds()) {
            if (superSeed.nobodyHas(piece)) {
                actions.drop(neighbour.link, SwarmActions.DropReason.BROKE_PROTOCOL); // A lie: it has not left yet.
                return;
            }
            superSeed.seen(neighbour, piece, now);
        }
        neighbour.outbox.dropPush(piece);
        chunks.piece(piece).ifPresent(p -> {
            if (p.wanted()) {
                requests.shown(p, neighbour, now);
            }
        });
    }

    void has(Neighbour neighbour, List<LiveMessage.Range> ranges, long now) {
        for (LiveMessage.Range range : ranges) {
            neighbour.held.add(range.from(), range.to());
        }
        if (neighbour.isRelay()) {
            for (Chunk chunk : requests.fetching()) {
                for (Piece piece : chunk.pieces()) {
                    if (chunk.live && piece.wanted() && neighbour.held.contains(piece.number)) {
                        requests.shown(piece, neighbour, now);
                    }
                }
            }
        }
        requests.fetchOlder(now);
    }

    /** A neighbour gets pieces from elsewhere: they are not pushed to it, and where it is the parent it has not pushed them for that. */
    void coming(Neighbour from, List<Long> pieces, long now) {
        for (long number : pieces) {
            Piece piece = chunks.piece(number).orElse(null);
            if (piece != null
                    && piece.wanted()
                    && from.isRelay()
                    && trees.parent(piece.stripe()).filter(from::equals).isPresent()) {
                requests.comingToParent(piece, now);
            } else {
                upload.coming(from, number);
            }
        }
        upload.pump(now);
    }

    // Blocks that come

    BlockVerdict arrived(Neighbour from, PeerMessage.Block block, long now) {
        Optional<Chunk> chunk = chunks.of(block.piece());
        int index = block.begin() / PeerMessage.BLOCK_LENGTH;
        boolean asked = from.answered(block.piece(), index);
        if (chunk.isEmpty()) {
            return BlockVerdict.UNWANTED;
        }
        Piece piece = chunks.piece(block.piece()).orElse(null);
        if (piece == null || !piece.wanted() || piece.hasBlock(index)) {
            if (!asked && !config.isPlain()) {
                if (piece != null && index == 0 && trees.mayPush(piece.stripe(), from, now)) {
                    requests.cameTooLate(piece, now);
                }
                trees.needless((int) (block.piece() % LiveMessage.STRIPES), from);
            }
            return BlockVerdict.DUPLICATE;
        }
        if (!block.equals(piece.block(index))) {
            actions.drop(from.link, SwarmActions.DropReason.BROKE_PROTOCOL);
            return BlockVerdict.UNWANTED;
        }
        boolean pushed = !asked && (config.floods() || trees.mayPush(piece.stripe(), from, now));
        if (!asked && !pushed && !from.wasAsked(block.piece(), index)) {
            needless(from, block);
            return BlockVerdict.UNWANTED;
        }
        if (piece.exclusive && piece.source != from) {
            return BlockVerdict.UNWANTED;
        }
        if (piece.source != from || piece.state == Piece.State.WANTED) {
            requests.takeBack(piece, from);
            piece.state = Piece.State.COMING;
            piece.source = from;
            piece.pushed = pushed;
            piece.startedAt = now;
            if (from.isOrigin() || trees.feedsUs(piece.stripe(), from) || from.hasServed) {
                for (Neighbour other : trees.otherParents(piece.stripe(), from)) {
                    actions.send(other.link, new LiveMessage.Coming(List.of(piece.number)));
                }
            }
        }
        from.received(block.length(), now);
        requests.comes(piece, from, now);
        return BlockVerdict.STORE;
    }

    private void needless(Neighbour from, PeerMessage.Block block) {
        int stripe = (int) (block.piece() % LiveMessage.STRIPES);
        if (!config.isPlain() && (block.begin() == 0 || trees.feedsUs(stripe, from))) {
            trees.needless(stripe, from);
        }
    }

    void stored(Neighbour from, PeerMessage.Block block, long now) {
        Piece piece = chunks.piece(block.piece()).orElse(null);
        int index = block.begin() / PeerMessage.BLOCK_LENGTH;
        if (piece == null || !piece.wanted() || piece.hasBlock(index)) {
            return;
        }
        piece.stored(index, from);
        if (CutThrough.isFor(piece) && !config.isPlain()) {
            upload.passOn(piece, now);
        }
        if (piece.blocks == piece.allBlocks()) {
            requests.takeBack(piece, null);
            piece.state = Piece.State.CHECKING;
            piece.due = Piece.NEVER;
            requests.hasRoom(from, now);
            actions.checkPiece(piece.chunk.record, piece.index);
        }
        if (!piece.chunk.live) {
            requests.fetchOlder(now);
        }
    }

    void pieceChecked(ChunkRecord record, int index, boolean good, long now) {
        Chunk chunk = chunks.of(record).orElse(null);
        if (chunk == null || chunk.state != Chunk.State.FETCHING) {
            return;
        }
        Piece piece = chunk.pieces()[index];
        if (piece.state != Piece.State.CHECKING) {
            return;
        }
        if (good) {
            good(piece, now);
        } else {
            bad(piece, now);
        }
        requests.act(now);
    }

    private void good(Piece piece, long now) {
        piece.state = Piece.State.GOOD;
        Neighbour source = piece.source;
        if (piece.pushed) {
            requests.cameByItself(piece, now);
        }
        if (source != null) {
            source.hasServed = true;
            if (source.failures > 0) {
                source.failures--;
            }
            for (Piece.Sighting sighting : piece.sightings()) {
                if (sighting.by() == source && (piece.pushed || piece.startedAt > sighting.at())) {
                    source.served(now - Math.max(sighting.at(), piece.pushed ? 0 : piece.startedAt));
                }
            }
            source.held.add(piece.number);
        }
        upload.tellHave(piece.number);
        Optional<Neighbour> above = config.isPlain() ? Optional.empty() : trees.above(piece);
        if (!config.isPlain() && piece.chunk.live) {
            trees.learn(piece, now);
        }
        upload.push(piece, above, now);
        Chunk chunk = piece.chunk;
        chunk.good++;
        if (chunk.good == chunk.pieces().length) {
            chunk.state = Chunk.State.CHECKING;
            requests.end(chunk);
            actions.checkChunk(chunk.record);
        }
        requests.fetchOlder(now);
        upload.pump(now);
    }

    /** A bad piece is charged only to a sole source; mixed ones are fetched again whole from one. */
    private void bad(Piece piece, long now) {
        Neighbour giver = piece.mixed ? null : piece.soleGiver;
        piece.exclusive |= piece.mixed;
        upload.giveUp(piece);
        piece.startOver();
        if (giver != null) {
            giver.held.remove(piece.number, piece.number + 1);
            actions.drop(giver.link, SwarmActions.DropReason.BAD_PIECE);
        }
        requests.askAgain(piece, now);
    }

    void chunkChecked(ChunkRecord record, boolean good, long now) {
        chunks.of(record).filter(c -> c.state == Chunk.State.CHECKING).ifPresent(chunk -> {
            if (good) {
                chunk.complete();
                actions.completed(record);
            } else {
                forget(chunk, now); // Its record lies: no neighbour is to blame.
            }
        });
    }

    // Looking after the whole

    void tree(Neighbour from, LiveMessage.Tree tree, long now) {
        trees.received(from, tree, now);
    }

    void choked(Neighbour by, boolean chokes, long now) {
        by.chokesUs = chokes;
        if (chokes) {
            trees.choked(by, now);
        } else {
            requests.fetchOlder(now);
        }
        requests.act(now);
    }

    long nextTick() {
        return seeds() ? Math.min(requests.nextTick(), superSeed.nextTick()) : requests.nextTick();
    }

    void tick(long now) {
        if (seeds()) {
            superSeed.tick(now);
            superSeed.useless(now).ifPresent(useless -> actions.drop(useless.link, SwarmActions.DropReason.SURPLUS));
            upload.pump(now);
        }
        requests.act(now);
    }

    /** Once in a while: tells whether this node is full, and lets bad experiences fade. */
    void lookAround(long now) {
        choking.tick(now);
        for (Neighbour neighbour : neighbours) {
            neighbour.fade(FADE);
        }
        requests.fetchOlder(now);
        upload.pump(now);
    }
}
