package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;

/** What a relay passes on before it has all of it. Chunks have four pieces, the first three of four blocks. */
class CutThroughTest {
    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private LinkId origin;
    private LinkId another;
    private ChunkRecord last;

    @Test
    void whatIsPushedGoesOnBlockByBlockAndTheBlockThatCompletesItOnceItIsGood() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);

        bed.receives(origin, blocks.get(0));
        assertThat(blocksTo(child)).containsExactly(blocks.get(0));
        bed.receives(origin, blocks.get(1));
        bed.receives(origin, blocks.get(2));
        assertThat(blocksTo(child)).isEqualTo(blocks.subList(0, 3));

        bed.piecesAreGood = false;
        bed.receives(origin, blocks.get(3));
        bed.pass(Duration.ofMillis(50));

        assertThat(blocksTo(child)).as("a bad piece does not leave whole").isEqualTo(blocks.subList(0, 3));
    }

    @Test
    void aGoodOneGoesOnWholeEachBlockOnce() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();

        bed.receives(origin, record, 0);
        bed.pass(Duration.ofMillis(50));

        assertThat(blocksTo(child)).isEqualTo(Swarmbed.blocksOf(record, 0));
        assertThat(bed.recordsSentTo(child)).contains(record);
    }

    @Test
    void whoWasPassedSomeOfABadPieceIsNeitherPushedNorServedTheRestFromHere() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);
        comesBadAndThenGood(record);
        assertThat(bed.sentTo(child, PeerMessage.Have.class))
                .contains(new PeerMessage.Have(blocks.get(0).piece()));

        bed.gets(child, new PeerMessage.Request(blocks.get(3)));

        assertThat(blocksTo(child)).isEqualTo(blocks.subList(0, 3));
        assertThat(bed.sentTo(child, PeerMessage.Reject.class)).containsExactly(new PeerMessage.Reject(blocks.get(3)));
    }

    @Test
    void whoAsksForWhatHeWasPassedOfABadPieceHasThrownItAwayAndGetsItAll() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);
        comesBadAndThenGood(record);
        int before = blocksTo(child).size();

        blocks.forEach(block -> bed.gets(child, new PeerMessage.Request(block)));

        assertThat(blocksTo(child).subList(before, before + blocks.size())).isEqualTo(blocks);
    }

    @Test
    void whatWasPassedOnOfAChunkThatIsGivenUpIsNotCompletedWhenItIsFetchedAgain() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);
        bed.receives(origin, blocks.get(0));
        bed.swarm.evicted(record, bed.now);
        bed.swarm.wanted(record, bed.now);
        shows(another, record);
        bed.pass(Duration.ofSeconds(1));
        bed.receives(another, record, 0);

        bed.gets(child, new PeerMessage.Request(blocks.get(3)));

        assertThat(bed.sentTo(another, PeerMessage.Request.class))
                .extracting(PeerMessage.Request::block)
                .containsAll(blocks);
        assertThat(blocksTo(child)).containsExactly(blocks.get(0));
        assertThat(bed.sentTo(child, PeerMessage.Reject.class)).contains(new PeerMessage.Reject(blocks.get(3)));
    }

    @Test
    void whoCouldNotTakeABlockWhenItCameGetsItWithTheRest() {
        LinkId child = childOfARoot();
        bed.linesAreFast = false;
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(published(), 0);
        bed.receives(origin, blocks.get(0));
        bed.pass(Duration.ofMillis(300)); // Its line does not move.
        bed.receives(origin, blocks.get(1));
        assertThat(blocksTo(child)).containsExactly(blocks.get(0));

        bed.leave(child);
        bed.receives(origin, blocks.get(2));
        bed.receives(origin, blocks.get(3));
        bed.leave(child);

        assertThat(blocksTo(child)).isEqualTo(blocks);
    }

    @Test
    void whatComesFromAParentGoesOnTooOnceItHasSentAGoodPiece() {
        relays();
        LinkId child = child(2);
        ChunkRecord record = published();
        bed.gets(another, new PeerMessage.Have(record.firstPiece()));
        bed.pass(Duration.ofSeconds(1)); // Asked of, and the parent of the first stripe now.
        bed.receives(another, Swarmbed.blocksOf(record, 0).get(0));
        assertThat(blocksTo(child)).as("asked for, of a stranger").isEmpty();
        bed.receives(another, record, 0);
        ChunkRecord later = published();
        while (later.firstPiece() % LiveMessage.STRIPES != 0) {
            later = published();
        }

        bed.receives(another, Swarmbed.blocksOf(later, 0).get(0));

        assertThat(blocksTo(child)).endsWith(Swarmbed.blocksOf(later, 0).get(0));
    }

    @Test
    void whatSomebodyElseHasToCompleteGoesOnOnceItIsChecked() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 1);
        bed.receives(origin, blocks.get(0));
        shows(another, record);
        bed.pass(Duration.ofSeconds(2));
        assertThat(bed.sentTo(another, PeerMessage.Request.class))
                .extracting(PeerMessage.Request::block)
                .as("the origin has fallen silent")
                .contains(blocks.get(1))
                .doesNotContain(blocks.get(0));

        bed.receives(another, blocks.get(1));
        bed.receives(another, blocks.get(2));
        assertThat(blocksTo(child)).containsExactly(blocks.get(0));
        bed.receives(another, blocks.get(3));

        assertThat(blocksTo(child)).isEqualTo(blocks);
    }

    @Test
    void aChildHasAllThatIsHereOfAPieceBeforeTheNextGetsOfIt() {
        LinkId first = childOfARoot();
        LinkId second = child(3);
        bed.linesAreFast = false;
        List<PeerMessage.Block> filling = Swarmbed.blocksOf(published(), 0);
        filling.subList(0, 2).forEach(block -> bed.receives(origin, block));
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(published(), 1);

        blocks.subList(0, 2).forEach(block -> bed.receives(origin, block));
        assertThat(blocksTo(first)).doesNotContainAnyElementsOf(blocks);
        int left = bed.blocks.size();
        bed.leave(first);
        bed.leave(second);

        List<PeerMessage.Block> order = bed.blocks.subList(left, bed.blocks.size()).stream()
                .map(Swarmbed.Block::block)
                .filter(block -> block.piece() == blocks.get(0).piece())
                .toList();
        assertThat(order).containsExactly(blocks.get(0), blocks.get(1), blocks.get(0), blocks.get(1));
    }

    @Test
    void whoGetsAPieceElsewhereGetsNoMoreOfItsBlocks() {
        LinkId child = childOfARoot();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(published(), 0);
        bed.receives(origin, blocks.get(0));

        bed.gets(child, new LiveMessage.Coming(List.of(blocks.get(0).piece())));
        bed.receives(origin, blocks.get(1));

        assertThat(blocksTo(child)).containsExactly(blocks.get(0));
    }

    @Test
    void whatTheOriginGaveLeavesBeforeWhatOthersDid() {
        LinkId child = childOfARoot();
        ChunkRecord record = published();
        shows(another, record);
        bed.pass(Duration.ofSeconds(1));
        bed.linesAreFast = false;
        bed.receives(another, record, 0);
        bed.receives(another, record, 1);
        PeerMessage.Block fromOrigin = Swarmbed.blocksOf(published(), 0).get(0);

        bed.receives(origin, fromOrigin);
        assertThat(blocksTo(child)).as("waits with others").doesNotContain(fromOrigin);
        bed.leave(child);

        List<PeerMessage.Block> ofOthers = Swarmbed.blocksOf(record, 1);
        assertThat(blocksTo(child)).containsSubsequence(fromOrigin, ofOthers.get(0), ofOthers.get(3));
    }

    /** The origin pushes a bad first piece, and another relay is asked for a good one. */
    private void comesBadAndThenGood(ChunkRecord record) {
        bed.piecesAreGood = false;
        bed.receives(origin, record, 0);
        bed.piecesAreGood = true;
        shows(another, record);
        bed.pass(Duration.ofSeconds(1));
        bed.receives(another, record, 0);
    }

    /** The only child, in all trees, of a relay that is linked to the origin and to another relay, which keeps its word. */
    private LinkId childOfARoot() {
        relays();
        serves(another);
        return child(2);
    }

    private void relays() {
        bed.live();
        origin = bed.link(9, NodeRole.ORIGIN);
        another = bed.relay(1);
    }

    /** A relay has been good for a piece, so that its word counts. */
    private void serves(LinkId relay) {
        ChunkRecord record = published();
        bed.gets(relay, new PeerMessage.Have(record.firstPiece()));
        bed.pass(Duration.ofSeconds(1));
        bed.receives(relay, record, 0);
    }

    private void shows(LinkId relay, ChunkRecord record) {
        bed.gets(relay, new LiveMessage.Window(List.of(new LiveMessage.Range(record.firstPiece(), record.endPiece()))));
    }

    private LinkId child(int number) {
        LinkId child = bed.relay(number);
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            bed.gets(child, new LiveMessage.Tree(stripe, true));
        }
        return child;
    }

    private ChunkRecord published() {
        last = last == null ? bed.stream.first() : bed.stream.after(last);
        bed.hears(another, last);
        bed.hears(origin, last);
        return last;
    }

    private List<PeerMessage.Block> blocksTo(LinkId link) {
        return bed.blocks.stream()
                .filter(block -> block.to().equals(link))
                .map(Swarmbed.Block::block)
                .toList();
    }
}
