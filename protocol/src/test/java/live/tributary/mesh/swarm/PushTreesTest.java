package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.Test;

class PushTreesTest {
    private static final long SLOW = 10_000_000;
    private static final LiveMessage.Tree GRAFT = new LiveMessage.Tree(0, true);
    private static final LiveMessage.Tree PRUNE = new LiveMessage.Tree(0, false);
    /** As many children of a stripe as a node with 100 Mbit/s serves in 75 ms. */
    private static final int FULL = 14;

    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private ChunkRecord last;

    @Test
    void takesNoMoreChildrenThanItServesInAShortRound() {
        List<LinkId> children = children(FULL);
        LinkId another = grafted(FULL + 1, SLOW);

        assertThat(children).allSatisfy(child -> assertThat(trees(child)).isEmpty());
        assertThat(trees(another)).containsExactly(PRUNE);
    }

    @Test
    void promisesNoMoreThanItsShareOfTheUploadOverAllStripes() {
        bed.live();
        ChunkRecord record = bed.stream.record(
                TestStream.TERM, 100, Optional.empty(), 0, TestStream.NOW, 48 * ChunkRecord.PIECE_LENGTH);
        bed.hears(bed.relay(0), record);
        double bitsPerSecondOfAStripe = record.length() * 8.0 / 4 / LiveMessage.STRIPES;

        int accepted = 0;
        for (LinkId child : children(10)) {
            for (int stripe = 1; stripe < LiveMessage.STRIPES; stripe++) {
                bed.gets(child, new LiveMessage.Tree(stripe, true));
            }
            accepted += LiveMessage.STRIPES - trees(child).size();
        }

        double room = PushTrees.PROMISED_SHARE * Swarmbed.UPLOAD - accepted * bitsPerSecondOfAStripe;
        assertThat(room).isBetween(0.0, bitsPerSecondOfAStripe);
    }

    @Test
    void whoCanSendMuchMoreTakesThePlaceOfWhoCanSendLeast() {
        List<LinkId> children = children(FULL - 1);
        LinkId least = grafted(FULL, SLOW / 2);

        LinkId alike = grafted(FULL + 1, SLOW / 2 + SLOW / 5);
        LinkId more = grafted(FULL + 2, SLOW);

        assertThat(trees(alike)).containsExactly(PRUNE);
        assertThat(trees(more)).isEmpty();
        assertThat(trees(least)).containsExactly(PRUNE);
        assertThat(children).allSatisfy(child -> assertThat(trees(child)).isEmpty());
    }

    @Test
    void oneChildAloneMakesRoomForWhoHasShownNothingOfWhatItWasGiven() {
        List<LinkId> children = children(FULL);
        LiveMessage.Tree otherGraft = new LiveMessage.Tree(1, true);
        children.forEach(child -> bed.gets(child, otherGraft));

        LinkId boaster = grafted(FULL + 1, 100 * SLOW);
        bed.gets(boaster, otherGraft);

        assertThat(trees(boaster)).containsExactly(new LiveMessage.Tree(1, false));
        assertThat(children.stream().flatMap(child -> trees(child).stream())).containsExactly(PRUNE);
    }

    @Test
    void whoCanSendMostIsServedFirst() {
        bed.live();
        LinkId parent = bed.relay(1);
        LinkId slow = grafted(2, SLOW);
        LinkId fast = grafted(3, 4 * SLOW);
        LinkId silent = bed.relay(4);
        bed.gets(silent, GRAFT);
        ChunkRecord record = bed.stream.first();
        bed.hears(parent, record);
        bed.gets(parent, new LiveMessage.Window(List.of(new LiveMessage.Range(0, 1))));

        bed.receives(parent, record, 0);
        bed.pass(Duration.ofMillis(50));

        assertThat(bed.blocks.stream().map(Swarmbed.Block::to).distinct()).containsExactly(fast, slow, silent);
    }

    @Test
    void whoLeavesIsNotSentWhatStillWaitsForIt() {
        bed.live();
        bed.linesAreFast = false;
        LinkId parent = bed.relay(1);
        LinkId first = grafted(2, 3 * SLOW);
        LinkId second = grafted(3, 2 * SLOW);
        LinkId third = grafted(4, SLOW);
        ChunkRecord record = bed.stream.first();
        bed.hears(parent, record);
        bed.gets(parent, new LiveMessage.Window(List.of(new LiveMessage.Range(0, 1))));
        bed.receives(parent, record, 0);
        assertThat(bed.piecesSentTo(third)).as("waits behind the others").isEmpty();

        bed.gets(third, PRUNE);
        bed.leave(first);
        bed.leave(second);

        assertThat(bed.piecesSentTo(second)).containsExactly(0L);
        assertThat(bed.piecesSentTo(third)).isEmpty();
    }

    @Test
    void whatAParentSentBeforeItGaveUpTheEdgeIsStillWelcome() {
        bed.live();
        LinkId parent = bed.relay(1);
        ChunkRecord record = bed.stream.first();
        bed.hears(parent, record);
        bed.gets(parent, new LiveMessage.Window(List.of(new LiveMessage.Range(0, 1))));
        bed.receives(parent, record, 0);
        ChunkRecord next = bed.stream.record(
                record.term(),
                record.seq() + 1,
                Optional.of(record.hash()),
                LiveMessage.STRIPES,
                TestStream.NOW,
                TestStream.LENGTH);
        bed.hears(parent, next);
        assertThat(trees(parent)).contains(GRAFT);

        bed.gets(parent, PRUNE);

        assertThat(bed.receives(parent, next, 0)).isEqualTo(LiveSwarm.BlockVerdict.STORE);
    }

    @Test
    void whatTheOriginGivesToOneBelowAnotherGoesUpAsWell() {
        LinkId parent = parent();
        LinkId child = grafted(2, SLOW);
        LinkId origin = bed.link(9, NodeRole.ORIGIN);
        ChunkRecord given = published(1, parent, child, origin);

        bed.receives(origin, given, 0);
        bed.pass(Duration.ofMillis(50));

        assertThat(piecesOf(given)).containsExactly(parent, child);
        assertThat(trees(parent)).as("it may be a trial").doesNotContain(PRUNE);
    }

    @Test
    void withASecondChunkOfTheOriginsTheParentBecomesAChild() {
        LinkId parent = parent();
        LinkId origin = bed.link(9, NodeRole.ORIGIN);
        bed.receives(origin, published(1, parent, origin), 0);
        ChunkRecord second = published(2, parent, origin);

        bed.receives(origin, second, 0);
        bed.pass(Duration.ofMillis(50));

        assertThat(trees(parent)).endsWith(PRUNE);
        assertThat(piecesOf(second)).containsExactly(parent);
        bed.gets(parent, GRAFT);
        assertThat(trees(parent)).endsWith(PRUNE).doesNotHaveDuplicates();
    }

    @Test
    void whatComesFromBelowIsTakenAndGoesUp() {
        LinkId parent = parent();
        LinkId child = grafted(2, SLOW);
        ChunkRecord record = published(1, parent, child);

        assertThat(bed.receives(child, record, 0)).isEqualTo(LiveSwarm.BlockVerdict.STORE);
        bed.pass(Duration.ofMillis(50));

        assertThat(piecesOf(record)).containsExactly(parent);
        assertThat(trees(child)).isEmpty();
    }

    @Test
    void whoPushesRightAfterItHasLeftIsTheNewParentAndTheOldOneIsAChild() {
        LinkId parent = parent();
        LinkId child = grafted(2, SLOW);
        ChunkRecord record = published(1, parent, child);

        bed.gets(child, PRUNE);
        assertThat(bed.receives(child, record, 0)).isEqualTo(LiveSwarm.BlockVerdict.STORE);
        bed.pass(Duration.ofMillis(50));

        assertThat(trees(child)).containsExactly(GRAFT);
        assertThat(trees(parent)).endsWith(PRUNE);
        assertThat(piecesOf(record)).containsExactly(parent);
    }

    @Test
    void whoPushesWithoutAnEdgeIsToldSo() {
        LinkId parent = parent();
        LinkId stranger = bed.relay(2);
        ChunkRecord record = published(1, parent, stranger);

        assertThat(bed.receives(stranger, record, 0)).isEqualTo(LiveSwarm.BlockVerdict.UNWANTED);

        assertThat(trees(stranger)).containsExactly(PRUNE);
    }

    /** A relay from which stripe 0 comes: it gave the first chunk's piece and was grafted to. */
    private LinkId parent() {
        bed.live();
        LinkId parent = bed.relay(1);
        ChunkRecord first = bed.stream.first();
        bed.hears(parent, first);
        bed.gets(parent, new LiveMessage.Window(List.of(new LiveMessage.Range(0, 1))));
        bed.receives(parent, first, 0);
        assertThat(trees(parent)).containsExactly(GRAFT);
        last = first;
        return parent;
    }

    /** The next chunk, whose first piece is of stripe 0, and of which these neighbours know. */
    private ChunkRecord published(int number, LinkId... knowing) {
        ChunkRecord record = bed.stream.record(
                last.term(),
                last.seq() + 1,
                Optional.of(last.hash()),
                (long) number * LiveMessage.STRIPES,
                TestStream.NOW,
                TestStream.LENGTH);
        last = record;
        for (LinkId link : knowing) {
            bed.hears(link, record);
        }
        return record;
    }

    /** To whom the first piece of a chunk was sent, in this order. */
    private List<LinkId> piecesOf(ChunkRecord record) {
        return bed.blocks.stream()
                .filter(block -> block.block().piece() == record.firstPiece())
                .map(Swarmbed.Block::to)
                .distinct()
                .toList();
    }

    private List<LinkId> children(int count) {
        List<LinkId> children = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            children.add(grafted(i, SLOW));
        }
        return children;
    }

    private LinkId grafted(int number, long capacity) {
        LinkId link = bed.relay(number);
        bed.swarm.described(link, Set.of(), capacity);
        bed.gets(link, GRAFT);
        return link;
    }

    private List<LiveMessage.Tree> trees(LinkId link) {
        return bed.sentTo(link, LiveMessage.Tree.class);
    }
}
