package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;

/** What a root passes on before it has all of it. Chunks have four pieces, the first three of four blocks. */
class CutThroughTest {
    private static final int PIECES = 4;
    private static final int CHUNKS_TO_EARN_IT = CutThrough.EARNED_BY / PIECES;

    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private LinkId origin;
    private LinkId another;
    private ChunkRecord last;

    @Test
    void whatAProvenOriginPushesGoesOnBlockByBlock() {
        LinkId child = childOfProvenOrigin();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);

        bed.receives(origin, blocks.get(0));
        assertThat(blocksTo(child)).containsExactly(blocks.get(0));
        bed.receives(origin, blocks.get(1));
        bed.receives(origin, blocks.get(2));
        bed.receives(origin, blocks.get(3));
        bed.pass(Duration.ofMillis(50));

        assertThat(blocksTo(child)).as("each once").isEqualTo(blocks);
        assertThat(bed.recordsSentTo(child)).contains(record);
    }

    @Test
    void whoSaysThatHeIsAnOriginHasToShowItFirst() {
        relays();
        givesChunks(CHUNKS_TO_EARN_IT - 1);
        LinkId child = child(2);
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);

        bed.receives(origin, blocks.get(0));
        bed.receives(origin, blocks.get(1));
        bed.receives(origin, blocks.get(2));
        assertThat(blocksTo(child)).isEmpty();
        bed.receives(origin, blocks.get(3));

        assertThat(blocksTo(child)).isEqualTo(blocks);
    }

    @Test
    void whatAnotherHadBeforeIsNoProof() {
        relays();
        serves(another);
        for (int i = 0; i < CHUNKS_TO_EARN_IT; i++) {
            ChunkRecord record = published();
            shows(another, record);
            gives(record);
        }
        LinkId child = child(2);

        bed.receives(origin, Swarmbed.blocksOf(published(), 0).get(0));

        assertThat(blocksTo(child)).isEmpty();
    }

    @Test
    void whatIsNoNewsAnyMoreWaitsUntilItIsChecked() {
        LinkId child = childOfProvenOrigin();
        ChunkRecord record = published();
        shows(another, record);

        bed.receives(origin, Swarmbed.blocksOf(record, 1).get(0));

        assertThat(blocksTo(child)).isEmpty();
    }

    @Test
    void whatSomebodyElseHasToCompleteGoesOnOnceItIsChecked() {
        LinkId child = childOfProvenOrigin();
        ChunkRecord record = published();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 1);
        bed.gets(child, new LiveMessage.Tree(stripe(blocks.get(0)), true));
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
    void whoGetsAPieceElsewhereGetsNoMoreOfItsBlocks() {
        LinkId child = childOfProvenOrigin();
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(published(), 0);
        bed.receives(origin, blocks.get(0));

        bed.gets(child, new LiveMessage.Coming(List.of(blocks.get(0).piece())));
        bed.receives(origin, blocks.get(1));

        assertThat(blocksTo(child)).containsExactly(blocks.get(0));
    }

    @Test
    void whatTheOriginGaveLeavesBeforeWhatOthersDid() {
        LinkId child = childOfProvenOrigin();
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

    private LinkId childOfProvenOrigin() {
        relays();
        givesChunks(CHUNKS_TO_EARN_IT);
        serves(another);
        return child(2);
    }

    private void relays() {
        bed.live();
        origin = bed.link(9, NodeRole.ORIGIN);
        another = bed.relay(1);
    }

    private void givesChunks(int count) {
        for (int i = 0; i < count; i++) {
            gives(published());
        }
    }

    private void gives(ChunkRecord record) {
        for (int piece = 0; piece < PIECES; piece++) {
            bed.receives(origin, record, piece);
        }
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

    private static int stripe(PeerMessage.Block block) {
        return (int) (block.piece() % LiveMessage.STRIPES);
    }

    private List<PeerMessage.Block> blocksTo(LinkId link) {
        return bed.blocks.stream()
                .filter(block -> block.to().equals(link))
                .map(Swarmbed.Block::block)
                .toList();
    }
}
