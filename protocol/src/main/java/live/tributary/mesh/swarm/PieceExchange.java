package live.tributary.mesh.swarm;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import live.tributary.mesh.swarm.LiveSwarm.BlockVerdict;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/**
 * The traffic of pieces: what comes is put together and checked, what is good goes on along the trees, what stays away is asked for.
 *
 * <p>Every piece that is not here has a time in the agenda, or nobody that could give it; so no loss goes unnoticed.
 */
final class PieceExchange {
    /** A chunk published so recently is at the live edge. */
    static final Duration LIVE_EDGE = Duration.ofSeconds(30);

    /** The same once the parent has shown it: it is in the parent's queue. */
    private static final long PARENT_GRACE = 400_000_000L;

    private static final long MIN_TIMEOUT = 500_000_000L;
    private static final long MAX_TIMEOUT = 8_000_000_000L;
    /** How much longer than for a piece of the live edge it is waited for an older one. */
    private static final int PATIENCE = 4;

    private static final long RETRY = 250_000_000L;
    private static final long REFUSED_FOR = 1_000_000_000L;
    /** Of how many chunks that are not at the live edge pieces are asked for at a time. */
    private static final int OLDER_AT_ONCE = 3;

    private static final int MAX_FAILURES = 12;
    /** A request that comes so long after two round trips was sent in spite of the push, not before it was seen. */
    private static final long CROSSES_WITHIN = 100_000_000L;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final InstantSource wallClock;
    private final List<Neighbour> neighbours;
    private final Uplink uplink;
    private final PushTrees trees;
    private final SuperSeed superSeed;
    private final Choking choking;
    private final Lateness lateness = new Lateness();
    private final PiecePicker picker;
    private final RecordExchange records;
    private final Chunks chunks = new Chunks();
    private final List<Chunk> fetching = new ArrayList<>();
    private final PriorityQueue<Due> agenda = new PriorityQueue<>((a, b) -> Long.compare(a.at(), b.at()));
    /** No chunk that begins before this is fetched: the store had no room for one as new. */
    private long noRoomBefore;

    private Optional<ChunkRecord> restoring = Optional.empty();

    private record Due(long at, Piece piece) {}

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
        this.uplink = new Uplink(actions, neighbours, config.uploadBitsPerSecond());
        this.trees = new PushTrees(config, actions, neighbours, uplink, random);
        this.choking = new Choking(actions, neighbours);
        this.superSeed = new SuperSeed(neighbours, uplink, choking, random, pullOnly(), new Given());
        this.picker = new PiecePicker(neighbours, random);
    }

    private final class Given implements SuperSeed.Pieces {
        @Override
        public int renditionOf(long piece) {
            return chunks.of(piece).map(chunk -> chunk.record.rendition()).orElse(0);
        }

        @Override
        public boolean mayGo(long piece, Neighbour to, long now) {
            return pullOnly()
                    || chunks.of(piece)
                            .filter(chunk -> to.mayBePushed(chunk.record.hash(), now))
                            .isPresent();
        }
    }

    private boolean seeds() {
        return config.role() == NodeRole.ORIGIN;
    }

    // Links

    void linkUp(Neighbour neighbour) {
        actions.send(neighbour.link, chunks.window());
        if (neighbour.isOrigin() && config.role() == NodeRole.RELAY && !pullOnly()) {
            trees.joinOrigin(neighbour);
        }
    }

    void linkDown(Neighbour gone, long now) {
        gone.outbox.clear();
        trees.linkDown(gone, now);
        superSeed.linkDown(gone);
        for (Chunk chunk : fetching) {
            for (Piece piece : chunk.pieces()) {
                if (piece.state == Piece.State.COMING && piece.source == gone) {
                    lookElsewhere(piece, now);
                }
            }
        }
        pump(now);
    }

    private boolean pullOnly() {
        return config.spreading() == SwarmConfig.Spreading.PULL;
    }

    private boolean flood() {
        return config.spreading() == SwarmConfig.Spreading.FLOOD;
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
            fetchOlder(now);
        }
    }

    private void begin(ChunkRecord record, long now) {
        Chunk chunk = Chunk.fetching(record, isLive(record), now);
        actions.open(record);
        chunks.add(chunk);
        addInOrder(chunk);
        if (chunk.live) {
            trees.streamRate(record.length() * 8e3 / record.body().duration().toMillis());
            for (Piece piece : chunk.pieces()) {
                schedule(piece, now + PiecePicker.LAST_RESORT);
                for (Neighbour neighbour : neighbours) {
                    if ((neighbour.isRelay() || pullOnly()) && neighbour.held.contains(piece.number)) {
                        shown(piece, neighbour, now);
                    }
                }
            }
        }
    }

    /** The chunks that are fetched stand in order of their pieces. */
    private void addInOrder(Chunk chunk) {
        int place = fetching.size();
        while (place > 0 && fetching.get(place - 1).record.firstPiece() > chunk.record.firstPiece()) {
            place--;
        }
        fetching.add(place, chunk);
    }

    /** An origin's new chunk, which nobody else has. */
    void published(ChunkRecord record, long now) {
        if (hold(record, now)) {
            if (isLive(record)) {
                superSeed.published(record, now);
            } else {
                offer(record); // A feed that comes all at once: the live edge is not to wait for it.
            }
            actions.completed(record);
        }
    }

    private void offer(ChunkRecord record) {
        for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
            tellHave(piece);
        }
    }

    private boolean hold(ChunkRecord record, long now) {
        Optional<Chunk> known = chunks.of(record);
        if (known.filter(c -> c.state == Chunk.State.COMPLETE).isPresent()) {
            return false;
        }
        known.ifPresent(fetching::remove);
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
            offer(record); // An origin's too: the mesh may have it already, so it is not given away once more.
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
        fetching.remove(chunk);
        superSeed.evicted(chunk.record);
        for (Piece piece : chunk.pieces()) {
            if (piece.state == Piece.State.COMING) {
                takeBack(piece, null);
            }
            piece.state = Piece.State.CHECKING; // Neither wanted nor offered, wherever it is still referred to.
            piece.due = Piece.NEVER;
        }
        chunk.complete();
        pump(now);
    }

    void expire(long now) {
        var oldest = wallClock.instant().minus(config.history());
        for (Chunk chunk : List.copyOf(chunks.all())) {
            if (chunk.record.body().published().isBefore(oldest)) {
                forget(chunk, now);
            } else if (chunk.live && !isLive(chunk.record)) {
                chunk.live = false;
                if (superSeed.retired(chunk.record)) {
                    offer(chunk.record);
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
                shown(p, neighbour, now);
            }
        });
    }

    void has(Neighbour neighbour, List<LiveMessage.Range> ranges, long now) {
        for (LiveMessage.Range range : ranges) {
            neighbour.held.add(range.from(), range.to());
        }
        if (neighbour.isRelay()) {
            for (Chunk chunk : fetching) {
                for (Piece piece : chunk.pieces()) {
                    if (chunk.live && piece.wanted() && neighbour.held.contains(piece.number)) {
                        shown(piece, neighbour, now);
                    }
                }
            }
        }
        fetchOlder(now);
    }

    /** A neighbour has a piece that is wanted: unless it comes by itself in time, it is asked for. */
    private void shown(Piece piece, Neighbour by, long now) {
        piece.seen(by, now);
        Neighbour source = piece.source;
        if (piece.state == Piece.State.COMING
                && source != null
                && piece.blocks == 0
                && source.failures > by.failures + 1) {
            lookElsewhere(piece, now); // It had only been asked because nobody better was known.
            return;
        }
        if (piece.state != Piece.State.WANTED || !piece.chunk.live) {
            return;
        }
        int stripe = piece.stripe();
        Optional<Neighbour> parent = pullOnly() ? Optional.empty() : trees.parent(stripe);
        if (flood()) {
            schedule(piece, Math.min(piece.due, now + lateness.grace()));
        } else if (parent.isEmpty()) {
            schedule(piece, now);
            act(now);
        } else if (parent.get() == by) {
            schedule(piece, now + PARENT_GRACE);
        } else if (!parent.get().held.contains(piece.number)) {
            schedule(piece, Math.min(piece.due, now + lateness.grace()));
        }
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
            if (!asked && !pullOnly() && !flood()) {
                trees.duplicate((int) (block.piece() % LiveMessage.STRIPES), from);
            }
            return BlockVerdict.DUPLICATE;
        }
        if (!block.equals(piece.block(index))) {
            actions.drop(from.link, SwarmActions.DropReason.BROKE_PROTOCOL);
            return BlockVerdict.UNWANTED;
        }
        boolean pushed = !asked && (flood() || trees.mayPush(piece.stripe(), from, now));
        if (!asked && !pushed && !from.wasAsked(block.piece(), index)) {
            return BlockVerdict.UNWANTED;
        }
        if (piece.exclusive && piece.source != from) {
            return BlockVerdict.UNWANTED;
        }
        if (piece.source != from || piece.state == Piece.State.WANTED) {
            takeBack(piece, from);
            piece.state = Piece.State.COMING;
            piece.source = from;
            piece.pushed = pushed;
            piece.startedAt = now;
            for (Neighbour other : trees.otherParents(piece.stripe(), from)) {
                actions.send(other.link, new LiveMessage.Coming(List.of(piece.number)));
            }
        }
        from.received(block.length(), now);
        schedule(piece, now + timeout(from, 1));
        return BlockVerdict.STORE;
    }

    void stored(Neighbour from, PeerMessage.Block block, long now) {
        Piece piece = chunks.piece(block.piece()).orElse(null);
        int index = block.begin() / PeerMessage.BLOCK_LENGTH;
        if (piece == null || !piece.wanted() || piece.hasBlock(index)) {
            return;
        }
        piece.stored(index, from);
        if (piece.blocks == piece.allBlocks()) {
            takeBack(piece, null);
            piece.state = Piece.State.CHECKING;
            piece.due = Piece.NEVER;
            actions.checkPiece(piece.chunk.record, piece.index);
        }
        if (!piece.chunk.live) {
            fetchOlder(now);
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
        act(now);
    }

    private void good(Piece piece, long now) {
        piece.state = Piece.State.GOOD;
        Neighbour source = piece.source;
        if (piece.pushed) {
            lateness.learn(piece, now);
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
        tellHave(piece.number);
        if (!pullOnly() && !flood() && piece.chunk.live) {
            trees.learn(piece, now);
        }
        push(piece, now);
        Chunk chunk = piece.chunk;
        chunk.good++;
        if (chunk.good == chunk.pieces().length) {
            chunk.state = Chunk.State.CHECKING;
            fetching.remove(chunk);
            actions.checkChunk(chunk.record);
        }
        fetchOlder(now);
        pump(now);
    }

    /** A bad piece is charged only to a sole source; mixed ones are fetched again whole from one. */
    private void bad(Piece piece, long now) {
        Neighbour giver = piece.mixed ? null : piece.soleGiver;
        piece.exclusive |= piece.mixed;
        piece.startOver();
        if (giver != null) {
            giver.held.remove(piece.number, piece.number + 1);
            actions.drop(giver.link, SwarmActions.DropReason.BAD_PIECE);
        }
        schedule(piece, now);
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

    private void tellHave(long piece) {
        for (Neighbour neighbour : neighbours) {
            actions.send(neighbour.link, new PeerMessage.Have(piece));
        }
    }

    // Blocks that go

    private void push(Piece piece, long now) {
        if (pullOnly()) {
            return;
        }
        for (Neighbour neighbour : flood() ? neighbours : trees.children(piece.stripe())) {
            if (neighbour.isRelay()
                    && neighbour.carries(piece.chunk.record.rendition())
                    && neighbour != piece.source
                    && choking.mayGive(neighbour)
                    && !neighbour.held.contains(piece.number)
                    && !neighbour.gets(piece.number)
                    && neighbour.mayBePushed(piece.chunk.record.hash(), now)
                    && !uplink.stalled(neighbour, now)) {
                pushTo(neighbour, piece.chunk.record, piece.number);
            }
        }
    }

    private void pushTo(Neighbour neighbour, ChunkRecord record, long number) {
        if (!neighbour.isKnownToKnow(record.hash())) {
            records.tell(neighbour, record);
        }
        int length = record.pieceLength((int) (number - record.firstPiece()));
        for (int begin = 0; begin < length; begin += PeerMessage.BLOCK_LENGTH) {
            int size = Math.min(PeerMessage.BLOCK_LENGTH, length - begin);
            uplink.add(neighbour, new PeerMessage.Block(number, begin, size), true, true);
        }
    }

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
                && !isBeingPushed(by, block, now) // The push that it crossed satisfies it.
                && (!seeds() || superSeed.mayServe(by, block.piece(), now))
                && uplink.add(by, block, chunk.get().live && !seeds(), false); // An origin's gifts go first.
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

    void tree(Neighbour from, LiveMessage.Tree tree, long now) {
        trees.received(from, tree, now);
    }

    /** Keeps the uplink busy; an origin gives the next piece away once nothing else of the live edge waits. */
    void pump(long now) {
        uplink.pumpLive(now);
        while (seeds() && !superSeed.idle() && uplink.hasRoom(now)) {
            SuperSeed.Gift gift = superSeed.next(now);
            if (gift == null) {
                break;
            }
            if (pullOnly()) {
                actions.send(gift.to().link, new PeerMessage.Have(gift.piece()));
            } else {
                chunks.of(gift.piece()).ifPresent(chunk -> pushTo(gift.to(), chunk.record, gift.piece()));
            }
            uplink.pumpLive(now);
        }
        uplink.pumpOlder(now);
    }

    // Requests

    void rejected(Neighbour by, PeerMessage.Block block, long now) {
        int index = block.begin() / PeerMessage.BLOCK_LENGTH;
        if (!by.answered(block.piece(), index)) {
            return;
        }
        Piece piece = chunks.piece(block.piece()).orElse(null);
        if (piece == null || piece.state != Piece.State.COMING || piece.source != by || piece.pushed) {
            return;
        }
        if (trees.feedsUs(piece.stripe(), by) && !by.isOrigin()) {
            schedule(piece, Math.min(piece.due, now + by.rtt() + RETRY));
            return; // It crossed a push, which has its own time.
        }
        by.refused(block.piece(), now + REFUSED_FOR);
        lookElsewhere(piece, now);
    }

    void choked(Neighbour by, boolean chokes, long now) {
        by.chokesUs = chokes;
        if (chokes) {
            trees.choked(by, now);
        } else {
            fetchOlder(now);
        }
        act(now);
    }

    private void schedule(Piece piece, long at) {
        piece.due = at;
        if (at < piece.scheduledAt) {
            piece.scheduledAt = at;
            agenda.add(new Due(at, piece));
        }
    }

    long nextTick() {
        Due first = agenda.peek();
        long next = first == null ? Long.MAX_VALUE : first.at();
        return seeds() ? Math.min(next, superSeed.nextTick()) : next;
    }

    void tick(long now) {
        if (seeds()) {
            superSeed.tick(now);
            superSeed.useless(now).ifPresent(useless -> actions.drop(useless.link, SwarmActions.DropReason.SURPLUS));
            pump(now);
        }
        act(now);
    }

    /** Does what the agenda has for now. */
    private void act(long now) {
        for (Due first = agenda.peek(); first != null && first.at() <= now; first = agenda.peek()) {
            agenda.remove();
            Piece piece = first.piece();
            if (piece.scheduledAt != first.at()) {
                continue; // It was seen to earlier.
            }
            piece.scheduledAt = Piece.NEVER;
            if (!piece.wanted() || piece.due == Piece.NEVER) {
                continue;
            }
            if (piece.due > now) {
                schedule(piece, piece.due);
            } else if (piece.state == Piece.State.WANTED) {
                ask(piece, now);
            } else {
                stayedAway(piece, now);
            }
        }
    }

    /** What was being sent, or was asked for, has not come. */
    private void stayedAway(Piece piece, long now) {
        Neighbour source = piece.source;
        if (source != null) {
            if (piece.chunk.live) {
                blame(source); // What is older may wait long for what is not.
            }
            source.refused(piece.number, now + 4 * REFUSED_FOR);
            trees.failed(piece.stripe(), source, now);
        }
        lookElsewhere(piece, now);
    }

    private void blame(Neighbour neighbour) {
        neighbour.failures++;
        if (neighbour.failures == MAX_FAILURES && neighbour.isRelay()) {
            actions.drop(neighbour.link, SwarmActions.DropReason.SURPLUS); // Whatever ails it, another serves better.
        }
    }

    private void lookElsewhere(Piece piece, long now) {
        takeBack(piece, null);
        piece.state = Piece.State.WANTED;
        piece.source = null;
        piece.pushed = false;
        ask(piece, now);
    }

    /** Asks for a wanted piece; where the parent was to bring it, the one that is asked takes its place. */
    private void ask(Piece piece, long now) {
        int stripe = piece.stripe();
        Neighbour parent = trees.parent(stripe).orElse(null);
        Neighbour source = picker.source(piece, parent, now);
        if (source == null) {
            schedule(piece, now + RETRY);
            return;
        }
        if (piece.chunk.live && !pullOnly() && !flood()) {
            if (parent != null && source != parent && !parent.isOrigin() && parent.held.contains(piece.number)) {
                blame(parent);
                trees.failed(stripe, parent, now);
            }
            if (source.isRelay()) {
                trees.graft(stripe, source, now);
            }
        }
        request(piece, source, now);
    }

    private void request(Piece piece, Neighbour source, long now) {
        piece.state = Piece.State.COMING;
        piece.source = source;
        piece.pushed = false;
        piece.startedAt = now;
        piece.attempts++;
        int blocks = 0;
        for (int i = 0; i < piece.blockCount(); i++) {
            if (!piece.hasBlock(i)) {
                source.asked(piece.number, i);
                actions.send(source.link, new PeerMessage.Request(piece.block(i)));
                blocks++;
            }
        }
        schedule(piece, now + timeout(source, blocks) * (piece.chunk.live ? 1 : PATIENCE));
    }

    /** Takes back what was asked for of a piece, from everybody but {@code except}. */
    private void takeBack(Piece piece, @Nullable Neighbour except) {
        Neighbour source = piece.source;
        if (source == null || source == except) {
            return;
        }
        int asked = source.takeBack(piece.number);
        for (int i = 0; asked >> i != 0; i++) {
            if ((asked & 1 << i) != 0) {
                actions.send(source.link, new PeerMessage.Cancel(piece.block(i)));
            }
        }
    }

    private static long timeout(Neighbour source, int blocks) {
        double expected = 2 * source.rtt() + source.serviceTime() * (1 + (source.requestedBlocks() + blocks) / 4.0);
        return Math.min(MAX_TIMEOUT, Math.max(MIN_TIMEOUT, (long) (2 * expected)));
    }

    /** Asks for older pieces, the newest chunks first, as far as the neighbours' lines have room for it. */
    void fetchOlder(long now) {
        int tried = 0;
        for (int i = fetching.size() - 1; i >= 0 && tried < OLDER_AT_ONCE; i--) {
            Chunk chunk = fetching.get(i);
            if (chunk.live) {
                continue;
            }
            tried++;
            for (Piece piece = picker.rarest(chunk, now); piece != null; piece = picker.rarest(chunk, now)) {
                Neighbour source = picker.source(piece, null, now);
                if (source == null) {
                    break;
                }
                request(piece, source, now);
            }
        }
    }

    // Looking after the whole

    /** Once in a while: tells whether this node is full, and lets bad experiences fade. */
    void lookAround(long now) {
        choking.tick(now);
        for (Neighbour neighbour : neighbours) {
            neighbour.fade(FADE);
        }
        fetchOlder(now);
        pump(now);
    }

    private static final double FADE = 0.01;

    long backlogNanos(long now) {
        return uplink.backlogNanos(now);
    }
}
