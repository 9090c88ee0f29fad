package live.tributary.mesh.swarm;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** One swarm core between fakes: a clock that stands, signatures checked at once, and everything that it asks for written down. */
final class Swarmbed implements SwarmActions {
    /** What the core under test is told that it can send, bits a second. */
    static final long UPLOAD = 100_000_000;

    private static final long MILLI = 1_000_000L;

    final TestStream stream = new TestStream(1);
    final LiveSwarm swarm;
    final List<Sent> sent = new ArrayList<>();
    final List<Block> blocks = new ArrayList<>();
    final List<LinkId> dropped = new ArrayList<>();
    final List<DropReason> reasons = new ArrayList<>();
    final List<ChunkRecord> accepted = new ArrayList<>();
    final List<ChunkRecord> opened = new ArrayList<>();
    final List<ChunkRecord> completed = new ArrayList<>();
    final List<ChunkRecord> discarded = new ArrayList<>();
    final List<SignedHead> heads = new ArrayList<>();
    final List<About> abouts = new ArrayList<>();
    final Map<RecordResult, Integer> counts = new EnumMap<>(RecordResult.class);
    /** Whether pieces that are hashed turn out good. */
    boolean piecesAreGood = true;
    /** Whether blocks leave at once. */
    boolean linesAreFast = true;

    final List<ChunkRecord> forks = new ArrayList<>();
    final List<KeyEnd> keyEnds = new ArrayList<>();
    Instant wall = TestStream.NOW;
    long now = 1_000_000 * MILLI;
    private final List<Runnable> later = new ArrayList<>();

    record Sent(LinkId to, Object message) {}

    record Block(LinkId to, PeerMessage.Block block) {}

    Swarmbed(NodeRole role) {
        this(role, Set.of());
    }

    Swarmbed(NodeRole role, Set<Integer> renditions) {
        swarm = new LiveSwarm(
                new SwarmConfig(stream.key.streamKey(), key(0), role, UPLOAD, Duration.ofMinutes(10))
                        .fetching(renditions),
                this,
                () -> wall,
                new SplittableRandom(1));
        swarm.tick(now);
    }

    static RelayKey key(int number) {
        byte[] bytes = new byte[RelayKey.LENGTH];
        bytes[0] = (byte) number;
        return RelayKey.of(bytes);
    }

    /** A relay as one part of the core knows it, without a swarm around it. */
    static Neighbour neighbour(int number) {
        return new Neighbour(
                new LinkId(number), new LinkPeer(key(number), NodeRole.RELAY, true, Duration.ofMillis(20)), 0);
    }

    LinkId link(int number, NodeRole role) {
        LinkId link = new LinkId(number);
        swarm.linkUp(link, new LinkPeer(key(number), role, true, Duration.ofMillis(20)), now);
        swarm.received(link, new PeerMessage.HaveNone(), now);
        swarm.received(link, new PeerMessage.Unchoke(), now);
        return link;
    }

    LinkId relay(int number) {
        return link(number, NodeRole.RELAY);
    }

    void live() {
        swarm.learnt(stream.head(1, wall.plusSeconds(300)), now);
    }

    void hears(LinkId from, ChunkRecord... records) {
        for (ChunkRecord record : records) {
            swarm.received(from, new LiveMessage.RecordNews(record), now);
            settle();
        }
    }

    void gets(LinkId from, LiveMessage message) {
        swarm.received(from, message, now);
        settle();
    }

    void gets(LinkId from, PeerMessage message) {
        swarm.received(from, message, now);
        settle();
    }

    /** All blocks of a piece arrive. */
    LiveSwarm.BlockVerdict receives(LinkId from, ChunkRecord record, int piece) {
        LiveSwarm.BlockVerdict verdict = LiveSwarm.BlockVerdict.UNWANTED;
        for (PeerMessage.Block block : blocksOf(record, piece)) {
            verdict = receives(from, block);
        }
        return verdict;
    }

    LiveSwarm.BlockVerdict receives(LinkId from, PeerMessage.Block block) {
        LiveSwarm.BlockVerdict verdict = swarm.blockArrived(from, block, now);
        if (verdict == LiveSwarm.BlockVerdict.STORE) {
            swarm.blockStored(from, block, now);
        }
        settle();
        return verdict;
    }

    static List<PeerMessage.Block> blocksOf(ChunkRecord record, int piece) {
        List<PeerMessage.Block> blocks = new ArrayList<>();
        int length = record.pieceLength(piece);
        for (int begin = 0; begin < length; begin += PeerMessage.BLOCK_LENGTH) {
            blocks.add(new PeerMessage.Block(
                    record.firstPiece() + piece, begin, Math.min(PeerMessage.BLOCK_LENGTH, length - begin)));
        }
        return blocks;
    }

    /** What was handed over for a link leaves, and what is handed over then. */
    void leave(LinkId link) {
        int left = 0;
        for (List<Block> its = blocksTo(link); left < its.size(); its = blocksTo(link)) {
            swarm.blockSent(link, its.get(left++).block(), now);
        }
        settle();
    }

    private List<Block> blocksTo(LinkId link) {
        return blocks.stream().filter(block -> block.to().equals(link)).toList();
    }

    /** Lets time pass, in small steps, and does what falls due. */
    void pass(Duration time) {
        long end = now + time.toNanos();
        while (now < end) {
            now = Math.min(end, now + 10 * MILLI);
            wall = wall.plusMillis(10);
            if (swarm.nextTick() <= now) {
                swarm.tick(now);
            }
            settle();
        }
    }

    /** Lets time pass in which the node does nothing; then it does what fell due. */
    void sleeps(Duration time) {
        now += time.toNanos();
        wall = wall.plus(time);
        swarm.tick(now);
        settle();
    }

    private void settle() {
        while (!later.isEmpty()) {
            List<Runnable> due = new ArrayList<>(later);
            later.clear();
            due.forEach(Runnable::run);
        }
    }

    <T> List<T> sentTo(LinkId link, Class<T> type) {
        return sent.stream()
                .filter(s -> s.to().equals(link) && type.isInstance(s.message()))
                .map(s -> type.cast(s.message()))
                .toList();
    }

    List<ChunkRecord> recordsSentTo(LinkId link) {
        return sentTo(link, LiveMessage.RecordNews.class).stream()
                .map(LiveMessage.RecordNews::record)
                .toList();
    }

    List<Long> piecesSentTo(LinkId link) {
        return blocks.stream()
                .filter(b -> b.to().equals(link))
                .map(b -> b.block().piece())
                .distinct()
                .toList();
    }

    int counted(RecordResult result) {
        return counts.getOrDefault(result, 0);
    }

    @Override
    public void send(LinkId link, PeerMessage message) {
        sent.add(new Sent(link, message));
    }

    @Override
    public void send(LinkId link, LiveMessage message) {
        sent.add(new Sent(link, message));
    }

    @Override
    public void sendBlock(LinkId link, PeerMessage.Block block) {
        blocks.add(new Block(link, block));
        if (linesAreFast) {
            later.add(() -> swarm.blockSent(link, block, now));
        }
    }

    @Override
    public long queuedBytes(LinkId link) {
        return 0;
    }

    @Override
    public void drop(LinkId link, DropReason reason) {
        dropped.add(link);
        reasons.add(reason);
        later.add(() -> swarm.linkDown(link, now));
    }

    @Override
    public void checkRecord(ChunkRecord record) {
        later.add(() -> swarm.recordChecked(record, record.verifies(), now));
    }

    @Override
    public void checkHead(SignedHead head) {
        later.add(() -> swarm.headChecked(head, head.verifies(), now));
    }

    @Override
    public void checkAbout(About about) {
        later.add(() -> swarm.aboutChecked(about, about.verifies(), now));
    }

    @Override
    public void checkStored(LiveMessage.Stored stored) {
        later.add(() -> swarm.storedChecked(stored, true, now));
    }

    @Override
    public void open(ChunkRecord record) {
        opened.add(record);
    }

    @Override
    public void checkPiece(ChunkRecord record, int piece) {
        boolean good = piecesAreGood;
        later.add(() -> swarm.pieceChecked(record, piece, good, now));
    }

    @Override
    public void checkChunk(ChunkRecord record) {
        later.add(() -> swarm.chunkChecked(record, true, now));
    }

    @Override
    public void discard(ChunkRecord record) {
        discarded.add(record);
    }

    @Override
    public void accepted(ChunkRecord record) {
        accepted.add(record);
    }

    @Override
    public void completed(ChunkRecord record) {
        completed.add(record);
    }

    @Override
    public void headChanged(SignedHead head) {
        heads.add(head);
    }

    @Override
    public void aboutChanged(About about) {
        abouts.add(about);
    }

    @Override
    public void checkKeyEnd(KeyEnd end) {
        later.add(() -> swarm.keyEndChecked(end, end.verifies(), now));
    }

    @Override
    public void forked(ChunkRecord loser) {
        forks.add(loser);
    }

    @Override
    public void keyEnded(KeyEnd end) {
        keyEnds.add(end);
    }

    @Override
    public void storedInBucket(ChunkId chunk) {}

    @Override
    public void count(RecordResult result) {
        counts.merge(result, 1, Integer::sum);
    }
}
