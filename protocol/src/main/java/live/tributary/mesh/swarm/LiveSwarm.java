package live.tributary.mesh.swarm;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/**
 * One node's part in the live mesh of one stream, without I/O: messages and times go in, {@link SwarmActions} come out.
 *
 * <p>Not thread-safe: one thread drives it. {@code now} is monotonic, in nanoseconds, and never goes back; the wall clock is
 * asked only where a signed time is compared. Calls about a link that is not up are ignored. An origin must have learnt its own
 * head before others take its records.
 */
public final class LiveSwarm {
    /*
     * The parts, each with a rule of its own:
     *
     *   News            the newest head counts, and the about that it pins
     *   LastWord        nothing newer counts once the key has ended
     *   RecordExchange  a record goes on before its gap is filled
     *     RecordGate    what is cheap is checked first
     *     RecordChain   a record follows the one that it names
     *     RecordGossip  a link hears of a record once, and no faster than it listens
     *     RecordInquiry of a rendition one question is open
     *   PieceExchange   a piece is wanted, coming, being checked or good
     *     PieceRequests a piece that is missing has a time at which it is asked for
     *     PieceUpload   who needs a piece gets it from its parent, or asks
     *       CutThrough    a piece goes on while it comes, but for what completes it
     *     PushTrees     a stripe has one parent
     *     SuperSeed     an origin gives each piece away once
     *       StripeRoots   the root of a stripe is whom pieces spread from best
     *       SpreadWatch   a copy has spread once others show its piece
     *     PiecePicker   the rarest piece, from whoever has it here first
     *     Uplink        the live edge leaves first, piece by piece
     */
    private static final long LOOK_AROUND_EVERY = 500_000_000L;
    private static final int LOAD_MAX = 1000;
    /** A node whose live edge waits this long for its uplink is full, and free again at a quarter of it. */
    private static final long FULL_BACKLOG = 400_000_000L;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final Map<LinkId, Neighbour> byLink = new HashMap<>();
    private final List<Neighbour> neighbours = new Neighbours();
    private final LastWord lastWord;
    private final News news;
    private final RecordExchange records;
    private final PieceExchange pieces;
    private long lookAroundAt = Long.MIN_VALUE;
    private boolean saidFull;

    public LiveSwarm(SwarmConfig config, SwarmActions actions, InstantSource wallClock, RandomGenerator random) {
        this.config = config;
        this.actions = actions;
        this.lastWord = new LastWord(config, actions, neighbours);
        this.news = new News(config, actions, wallClock, neighbours, lastWord);
        this.records = new RecordExchange(config, actions, wallClock, neighbours, news, lastWord, new Chained());
        this.pieces = new PieceExchange(config, actions, wallClock, random, neighbours, records);
    }

    private final class Chained implements RecordExchange.Joined {
        @Override
        public void joined(ChunkRecord record, long now) {
            actions.accepted(record);
            pieces.joined(record, now);
        }

        @Override
        public void removed(ChunkRecord record, long now) {
            pieces.removed(record, now);
        }

        @Override
        public void allJoined(long now) {
            pieces.requests().fetchOlder(now);
        }
    }

    /** A link whose hello was proven on both sides; the swarm greets it with HAVE_NONE, its window, head and about. */
    public void linkUp(LinkId link, LinkPeer peer, long now) {
        Neighbour neighbour = new Neighbour(link, peer, now);
        byLink.put(link, neighbour);
        neighbours.add(neighbour);
        actions.send(link, new PeerMessage.HaveNone());
        actions.send(link, new PeerMessage.Unchoke());
        if (config.role() == NodeRole.RELAY) {
            actions.send(link, new PeerMessage.Interested());
        }
        news.greet(neighbour);
        lastWord.greet(neighbour);
        records.greet(neighbour);
        pieces.linkUp(neighbour);
    }

    /** A link is gone, whoever closed it; must follow {@link SwarmActions#drop} too, but not from within it. */
    public void linkDown(LinkId link, long now) {
        Neighbour gone = byLink.remove(link);
        if (gone != null) {
            neighbours.remove(gone);
            news.linkDown(gone);
            lastWord.linkDown(gone);
            records.linkDown(gone, now);
            pieces.linkDown(gone, now);
        }
    }

    /**
     * What a neighbour says of itself.
     *
     * @param renditions those that it carries, none for all; it is given no piece of another
     * @param uploadBitsPerSecond the most that it will send; it has that many to pass a piece on to
     */
    public void described(LinkId link, Set<Integer> renditions, long uploadBitsPerSecond) {
        Neighbour neighbour = byLink.get(link);
        if (neighbour != null) {
            neighbour.carried = Set.copyOf(renditions);
            neighbour.capacity = uploadBitsPerSecond;
        }
    }

    /** Any message of the wire but Piece and Extended. */
    public void received(LinkId link, PeerMessage message, long now) {
        Neighbour from = byLink.get(link);
        if (from == null) {
            return;
        }
        if (message instanceof PeerMessage.Have have) {
            pieces.has(from, have.piece(), now);
        } else if (message instanceof PeerMessage.Request request) {
            pieces.upload().requested(from, request.block(), now);
        } else if (message instanceof PeerMessage.Cancel cancel) {
            pieces.upload().cancelled(from, cancel.block());
        } else if (message instanceof PeerMessage.Reject reject) {
            pieces.requests().rejected(from, reject.block(), now);
        } else if (message instanceof PeerMessage.Choke) {
            pieces.choked(from, true, now);
        } else if (message instanceof PeerMessage.Unchoke) {
            pieces.choked(from, false, now);
        } else if (message instanceof PeerMessage.Bitfield || message instanceof PeerMessage.HaveAll) {
            actions.drop(link, SwarmActions.DropReason.BROKE_PROTOCOL); // A stream's pieces have no end to count to.
        }
    }

    /** Any message of tb_live but hello, its answer and relays. */
    public void received(LinkId link, LiveMessage message, long now) {
        Neighbour from = byLink.get(link);
        if (from == null) {
            return;
        }
        if (message instanceof LiveMessage.RecordNews heard) {
            records.heard(from, heard.record(), now);
        } else if (message instanceof LiveMessage.Records page) {
            records.page(from, page.records(), now);
        } else if (message instanceof LiveMessage.RecordsPlease please) {
            records.please(from, please);
        } else if (message instanceof LiveMessage.HeadNews heard) {
            news.heard(from, heard.head());
        } else if (message instanceof LiveMessage.AboutNews heard) {
            news.heard(from, heard.about());
        } else if (message instanceof LiveMessage.Stored heard) {
            news.heard(from, heard);
        } else if (message instanceof LiveMessage.KeyEndNews heard) {
            lastWord.heard(from, heard.end());
        } else if (message instanceof LiveMessage.Window window) {
            pieces.has(from, window.held(), now);
        } else if (message instanceof LiveMessage.Coming coming) {
            pieces.coming(from, coming.pieces(), now);
        } else if (message instanceof LiveMessage.Tree tree) {
            pieces.tree(from, tree, now);
        } else if (message instanceof LiveMessage.Load load) {
            from.loadPerMille = load.perMille();
        }
    }

    /** Asked before a block's bytes are written: only {@link BlockVerdict#STORE} may be. */
    public BlockVerdict blockArrived(LinkId link, PeerMessage.Block block, long now) {
        Neighbour from = byLink.get(link);
        return from == null ? BlockVerdict.UNWANTED : pieces.arrived(from, block, now);
    }

    /**
     * The bytes of a block for which {@link #blockArrived} said {@link BlockVerdict#STORE} are in the store; must follow, before
     * the next block of the same link. After a piece's last block the swarm asks {@link SwarmActions#checkPiece} from here.
     */
    public void blockStored(LinkId link, PeerMessage.Block block, long now) {
        Neighbour from = byLink.get(link);
        if (from != null) {
            pieces.stored(from, block, now);
        }
    }

    /** A block's bytes left this node. */
    public void blockSent(LinkId link, PeerMessage.Block block, long now) {
        Neighbour to = byLink.get(link);
        if (to != null) {
            pieces.upload().sent(to, block, now);
        }
    }

    public void recordChecked(ChunkRecord record, boolean genuine, long now) {
        records.checked(record, genuine, now);
    }

    public void headChecked(SignedHead head, boolean genuine, long now) {
        news.checked(head, genuine);
        records.headSettled(now);
    }

    public void aboutChecked(About about, boolean genuine, long now) {
        news.checked(about, genuine);
    }

    public void storedChecked(LiveMessage.Stored stored, boolean genuine, long now) {
        news.checked(stored, genuine);
    }

    public void keyEndChecked(KeyEnd end, boolean genuine, long now) {
        lastWord.checked(end, genuine);
    }

    public void pieceChecked(ChunkRecord record, int piece, boolean good, long now) {
        pieces.pieceChecked(record, piece, good, now);
    }

    public void chunkChecked(ChunkRecord record, boolean good, long now) {
        pieces.chunkChecked(record, good, now);
    }

    /** Origin: a chunk of its own, whose bytes are in the store; it counts as accepted and completed. */
    public void publish(ChunkRecord record, long now) {
        if (!lastWord.isSpoken() && records.trust(record, now)) {
            pieces.published(record, now);
            records.gossip().publish(record, pieces.audience(record), now);
            pieces.upload().pump(now);
        }
    }

    /** A head, about or record from elsewhere than a link (this origin, the DHT, {@code /notify}, the disk), checked already. */
    public void learnt(SignedHead head, long now) {
        news.learnt(head);
        records.headSettled(now);
    }

    public void learnt(About about, long now) {
        news.learnt(about);
    }

    public void learnt(ChunkRecord record, long now) {
        if (!lastWord.isSpoken() && records.trust(record, now)) {
            records.gossip().forward(record, null, now);
        }
    }

    public void learnt(LiveMessage.Stored stored, long now) {
        news.learnt(stored);
    }

    public void learnt(KeyEnd end, long now) {
        lastWord.learnt(end);
    }

    /** A chunk that a cache on disk still holds whole, checked already; in order of seq. It counts as accepted and completed. */
    public void restored(ChunkRecord record, long now) {
        pieces.restored(record, now);
    }

    /** A chunk that this relay is to have again: it is fetched as any older one, after all that is live. */
    public void wanted(ChunkRecord record, long now) {
        pieces.wanted(record, now);
    }

    /** A chunk's bytes were dropped by the store: the node no longer offers its pieces, and fetches nothing as old again. */
    public void evicted(ChunkRecord record, long now) {
        pieces.evicted(record, now);
    }

    /** Does what is due; call at or after the time that {@link #nextTick()} names. */
    public void tick(long now) {
        records.tick(now);
        pieces.tick(now);
        if (now >= lookAroundAt) {
            lookAroundAt = now + LOOK_AROUND_EVERY;
            records.expire();
            records.tellNewest();
            pieces.expire(now);
            pieces.lookAround(now);
            tellLoad(now);
        }
    }

    private void tellLoad(long now) {
        long backlog = pieces.upload().backlogNanos(now);
        boolean full = backlog > (saidFull ? FULL_BACKLOG / 4 : FULL_BACKLOG);
        if (full != saidFull) {
            saidFull = full;
            int load = (int) Math.min(LOAD_MAX, LOAD_MAX * backlog / FULL_BACKLOG);
            for (Neighbour neighbour : neighbours) {
                actions.send(neighbour.link, new LiveMessage.Load(full ? LOAD_MAX : load));
            }
        }
    }

    /** When {@link #tick} is next due, on the monotonic clock. */
    public long nextTick() {
        return Math.min(lookAroundAt, Math.min(records.nextTick(), pieces.nextTick()));
    }

    /** The linked relays that have shown that they have every piece of a chunk. */
    public List<RelayKey> holders(ChunkRecord record) {
        List<Neighbour> holders = new ArrayList<>();
        for (Neighbour neighbour : neighbours) {
            if (neighbour.isRelay() && neighbour.held.containsAll(record.firstPiece(), record.endPiece())) {
                holders.add(neighbour);
            }
        }
        holders.sort(Comparator.comparingLong(Neighbour::rtt));
        return holders.stream()
                .map(neighbour -> neighbour.peer.relay())
                .distinct()
                .toList();
    }

    /** What is to be done with a block that arrived. */
    public enum BlockVerdict {
        STORE,
        /** Held or being checked already: counted as waste. */
        DUPLICATE,
        /** Of no accepted record, or never asked for and on no grafted stripe. */
        UNWANTED
    }
}
