package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.swarm.LiveSwarm.BlockVerdict;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;

class PieceRulesTest {
    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private final ChunkRecord record = bed.stream.first();

    @Test
    void greetsWithHaveNoneAndItsWindow() {
        LinkId link = bed.relay(1);

        assertThat(bed.sent.get(0)).isEqualTo(new Swarmbed.Sent(link, new PeerMessage.HaveNone()));
        assertThat(bed.sentTo(link, LiveMessage.Window.class)).containsExactly(new LiveMessage.Window(List.of()));
    }

    @Test
    void joinsAllTreesOfAnOrigin() {
        LinkId origin = bed.link(1, NodeRole.ORIGIN);

        assertThat(bed.sentTo(origin, LiveMessage.Tree.class)).hasSize(LiveMessage.STRIPES);
    }

    @Test
    void aBlockOfAnUnknownChunkOrOneNeverAskedForIsUnwanted() {
        bed.live();
        LinkId relay = bed.relay(1);
        assertThat(bed.receives(relay, record, 0)).isEqualTo(BlockVerdict.UNWANTED);

        bed.hears(relay, record);

        assertThat(bed.receives(relay, record, 0)).isEqualTo(BlockVerdict.UNWANTED);
    }

    @Test
    void aPushedPieceIsStoredOnceAndToldToEverybody() {
        LinkId origin = liveOrigin();
        LinkId relay = bed.relay(2);
        LinkId listener = bed.link(3, NodeRole.LISTENER);

        assertThat(bed.receives(origin, record, 0)).isEqualTo(BlockVerdict.STORE);
        assertThat(bed.receives(origin, record, 0)).isEqualTo(BlockVerdict.DUPLICATE);

        assertThat(bed.sentTo(relay, PeerMessage.Have.class))
                .containsExactly(new PeerMessage.Have(record.firstPiece()));
        assertThat(bed.sentTo(listener, PeerMessage.Have.class)).hasSize(1);
    }

    @Test
    void aGoodPieceGoesOnToWhoGraftedItsStripeBeforeTheChunkIsWhole() {
        LinkId origin = liveOrigin();
        LinkId child = bed.relay(2);
        LinkId stranger = bed.relay(3);
        bed.gets(child, new LiveMessage.Tree((int) (record.firstPiece() % LiveMessage.STRIPES), true));

        bed.receives(origin, record, 0);

        assertThat(bed.piecesSentTo(child)).containsExactly(record.firstPiece());
        assertThat(bed.piecesSentTo(stranger)).isEmpty();
        assertThat(bed.completed).isEmpty();
    }

    @Test
    void aPruneEndsThePushes() {
        LinkId origin = liveOrigin();
        LinkId child = bed.relay(2);
        int stripe = (int) (record.firstPiece() % LiveMessage.STRIPES);
        bed.gets(child, new LiveMessage.Tree(stripe, true));
        bed.gets(child, new LiveMessage.Tree(stripe, false));

        bed.receives(origin, record, 0);

        assertThat(bed.piecesSentTo(child)).isEmpty();
    }

    @Test
    void aChunkIsCompleteWithItsLastPiece() {
        LinkId origin = liveOrigin();
        for (int piece = 0; piece < record.pieceCount(); piece++) {
            assertThat(bed.completed).isEmpty();
            bed.receives(origin, record, piece);
        }

        assertThat(bed.opened).containsExactly(record);
        assertThat(bed.completed).containsExactly(record);
    }

    @Test
    void aPieceThatANeighbourShowsIsAskedForWhereNoParentWillBringIt() {
        bed.live();
        LinkId relay = bed.relay(1);
        bed.hears(relay, record);

        bed.gets(relay, new PeerMessage.Have(record.firstPiece()));

        assertThat(bed.sentTo(relay, PeerMessage.Request.class).stream().map(PeerMessage.Request::block))
                .containsExactlyElementsOf(Swarmbed.blocksOf(record, 0));
        assertThat(bed.sentTo(relay, LiveMessage.Tree.class)).containsExactly(new LiveMessage.Tree(0, true));
    }

    @Test
    void aRequestThatIsNotAnsweredIsTakenBackAndPutToAnother() {
        bed.live();
        LinkId slow = bed.relay(1);
        LinkId other = bed.relay(2);
        bed.hears(slow, record);
        bed.gets(slow, new PeerMessage.Have(record.firstPiece()));
        bed.gets(other, new PeerMessage.Have(record.firstPiece()));

        bed.pass(Duration.ofSeconds(2));

        assertThat(bed.sentTo(slow, PeerMessage.Cancel.class)).hasSize(4);
        assertThat(bed.sentTo(other, PeerMessage.Request.class)).hasSize(4);
    }

    @Test
    void aBadPieceIsChargedToItsSoleSource() {
        LinkId origin = liveOrigin();
        LinkId relay = bed.relay(2);
        bed.piecesAreGood = false;

        bed.receives(origin, record, 0);

        assertThat(bed.dropped).containsExactly(origin);
        assertThat(bed.reasons).containsExactly(SwarmActions.DropReason.BAD_PIECE);
        assertThat(bed.sentTo(relay, PeerMessage.Have.class)).isEmpty();
    }

    @Test
    void aBadPieceFromTwoSourcesBlamesNobodyAndIsFetchedWholeFromOne() {
        LinkId origin = liveOrigin();
        LinkId relay = bed.relay(2);
        List<PeerMessage.Block> blocks = Swarmbed.blocksOf(record, 0);
        bed.receives(origin, blocks.get(0));
        bed.gets(relay, new PeerMessage.Have(record.firstPiece()));
        bed.pass(Duration.ofMillis(700)); // The push has stopped: the rest is asked of the relay.
        bed.piecesAreGood = false;
        blocks.subList(1, 4).forEach(block -> bed.receives(relay, block));
        assertThat(bed.dropped).isEmpty();

        bed.piecesAreGood = true;
        blocks.forEach(block -> bed.receives(relay, block));

        assertThat(bed.sentTo(relay, PeerMessage.Have.class))
                .containsExactly(new PeerMessage.Have(record.firstPiece()));
    }

    @Test
    void aRequestForWhatIsNotHeldIsRejected() {
        LinkId origin = liveOrigin();
        LinkId relay = bed.relay(2);
        PeerMessage.Block block = Swarmbed.blocksOf(record, 0).get(0);

        bed.gets(relay, new PeerMessage.Request(block));
        assertThat(bed.sentTo(relay, PeerMessage.Reject.class)).containsExactly(new PeerMessage.Reject(block));

        bed.receives(origin, record, 0);
        bed.gets(relay, new PeerMessage.Request(block));
        assertThat(bed.blocks).contains(new Swarmbed.Block(relay, block));
    }

    @Test
    void aRequestBeyondThePieceBreaksTheProtocol() {
        LinkId origin = liveOrigin();
        bed.receives(origin, record, 0);
        LinkId relay = bed.relay(2);

        bed.gets(
                relay,
                new PeerMessage.Request(new PeerMessage.Block(
                        record.firstPiece(), ChunkRecord.PIECE_LENGTH - 1, PeerMessage.BLOCK_LENGTH)));

        assertThat(bed.reasons).containsExactly(SwarmActions.DropReason.BROKE_PROTOCOL);
    }

    @Test
    void aLinkWhoseOtherEndNeverReadsHoldsNobodyUp() {
        LinkId origin = liveOrigin();
        LinkId stuck = bed.relay(2);
        LinkId reader = bed.relay(3);
        receiveAll(origin);
        bed.linesAreFast = false;
        for (int piece = 0; piece < record.pieceCount(); piece++) {
            for (PeerMessage.Block block : Swarmbed.blocksOf(record, piece)) {
                bed.gets(stuck, new PeerMessage.Request(block));
            }
        }
        bed.pass(Duration.ofSeconds(1));
        bed.linesAreFast = true;
        PeerMessage.Block block = Swarmbed.blocksOf(record, 0).get(0);

        bed.gets(reader, new PeerMessage.Request(block));

        assertThat(bed.blocks).contains(new Swarmbed.Block(reader, block));
    }

    @Test
    void anEvictedChunkIsNoLongerOfferedNorFetchedAgain() {
        LinkId origin = liveOrigin();
        LinkId relay = bed.relay(2);
        receiveAll(origin);

        bed.swarm.evicted(record, bed.now);
        PeerMessage.Block block = Swarmbed.blocksOf(record, 0).get(0);
        bed.gets(relay, new PeerMessage.Request(block));

        assertThat(bed.sentTo(relay, PeerMessage.Reject.class)).hasSize(1);
        assertThat(bed.opened).hasSize(1);
    }

    @Test
    void anEvictedChunkIsFetchedAgainOnceItIsWanted() {
        LinkId origin = liveOrigin();
        receiveAll(origin);
        bed.swarm.evicted(record, bed.now);

        bed.swarm.wanted(record, bed.now);
        bed.swarm.wanted(record, bed.now);

        assertThat(bed.opened).containsExactly(record, record);
        bed.swarm.wanted(bed.stream.after(record), bed.now);
        assertThat(bed.opened).hasSize(2); // No record of it was accepted.
    }

    @Test
    void aRestoredChunkIsOfferedAndNotFetched() {
        bed.swarm.restored(record, bed.now);

        LinkId relay = bed.relay(1);

        assertThat(bed.opened).isEmpty();
        assertThat(bed.accepted).containsExactly(record);
        assertThat(bed.completed).containsExactly(record);
        assertThat(bed.sentTo(relay, LiveMessage.Window.class))
                .containsExactly(
                        new LiveMessage.Window(List.of(new LiveMessage.Range(record.firstPiece(), record.endPiece()))));
    }

    @Test
    void aListenerHearsWhoHoldsAChunkAndTakesNone() {
        Swarmbed listener = new Swarmbed(NodeRole.LISTENER);
        listener.live();
        LinkId relay = listener.relay(1);
        ChunkRecord heard = listener.stream.first();
        listener.hears(relay, heard);
        assertThat(listener.swarm.holders(heard)).isEmpty();

        for (int piece = 0; piece < heard.pieceCount(); piece++) {
            listener.gets(relay, new PeerMessage.Have(heard.firstPiece() + piece));
        }

        assertThat(listener.swarm.holders(heard)).containsExactly(Swarmbed.key(1));
        assertThat(listener.opened).isEmpty();
        assertThat(listener.sentTo(relay, PeerMessage.Request.class)).isEmpty();
    }

    @Test
    void aLateJoinerFetchesTheNewestChunkFirst() {
        bed.live();
        LinkId relay = bed.relay(1);
        ChunkRecord old = bed.stream.record(
                TestStream.TERM,
                99,
                Optional.of(record.hash()),
                0,
                TestStream.NOW.minusSeconds(200),
                TestStream.LENGTH);
        ChunkRecord middle = bed.stream.record(
                TestStream.TERM,
                100,
                Optional.of(old.hash()),
                old.endPiece(),
                TestStream.NOW.minusSeconds(100),
                TestStream.LENGTH);
        ChunkRecord newest = bed.stream.after(middle);
        bed.gets(relay, new LiveMessage.Window(List.of(new LiveMessage.Range(0, newest.endPiece()))));
        bed.hears(relay, newest);
        bed.gets(relay, new LiveMessage.Records(List.of(old, middle)));

        assertThat(bed.accepted).containsExactly(old, middle, newest);
        // Room for eight blocks in flight is two pieces: both are of the middle chunk, the newest that is not at the
        // live edge.
        List<Long> asked = bed.sentTo(relay, PeerMessage.Request.class).stream()
                .map(request -> request.block().piece())
                .distinct()
                .toList();
        assertThat(asked).isNotEmpty().allMatch(piece -> piece >= middle.firstPiece());
    }

    @Test
    void anOlderPieceThatIsRefusedIsNotAskedForAgainBeforeOthersMayHaveIt() {
        bed.live();
        LinkId origin = bed.link(1, NodeRole.ORIGIN);
        ChunkRecord old = bed.stream.record(
                TestStream.TERM, 99, Optional.empty(), 0, TestStream.NOW.minusSeconds(100), TestStream.LENGTH);
        bed.hears(origin, old);
        bed.pass(Duration.ofSeconds(5)); // Nobody else has shown it.
        PeerMessage.Block asked =
                bed.sentTo(origin, PeerMessage.Request.class).get(0).block();
        long before = requestsOf(origin, asked);
        bed.gets(origin, new PeerMessage.Reject(asked));

        bed.pass(Duration.ofMillis(7_900));
        assertThat(requestsOf(origin, asked)).isEqualTo(before);
        bed.pass(Duration.ofSeconds(10));
        assertThat(requestsOf(origin, asked)).isGreaterThan(before);
    }

    private long requestsOf(LinkId link, PeerMessage.Block block) {
        return bed.sentTo(link, PeerMessage.Request.class).stream()
                .filter(request -> request.block().equals(block))
                .count();
    }

    @Test
    void anOriginGivesEachPieceAwayOnce() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        List<LinkId> links = seededBy(origin, 3);
        ChunkRecord own = origin.stream.first();

        origin.swarm.publish(own, origin.now);
        origin.pass(Duration.ofMillis(100));

        assertThat(origin.blocks.stream().map(Swarmbed.Block::block)).doesNotHaveDuplicates();
        assertThat(links.stream().flatMap(link -> origin.piecesSentTo(link).stream()))
                .containsExactlyInAnyOrder(
                        own.firstPiece(), own.firstPiece() + 1, own.firstPiece() + 2, own.firstPiece() + 3);
    }

    @Test
    void anOriginThatComesBackGivesItsOldChunksToNobodyUnasked() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        ChunkRecord own = origin.stream.first();
        origin.swarm.restored(own, origin.now);
        LinkId relay = seededBy(origin, 1).get(0);
        origin.pass(Duration.ofSeconds(1));
        assertThat(origin.blocks).isEmpty();

        PeerMessage.Block block = Swarmbed.blocksOf(own, 0).get(0);
        origin.gets(relay, new PeerMessage.Request(block));

        assertThat(origin.blocks).containsExactly(new Swarmbed.Block(relay, block));
    }

    @Test
    void aPieceThatDoesNotSpreadIsGivenToAnother() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        List<LinkId> links = seededBy(origin, 3);
        ChunkRecord own = origin.stream.first();
        origin.swarm.publish(own, origin.now);
        origin.pass(Duration.ofMillis(100));
        LinkId first = links.stream()
                .filter(link -> origin.piecesSentTo(link).contains(own.firstPiece()))
                .findFirst()
                .orElseThrow();
        origin.gets(first, new PeerMessage.Have(own.firstPiece()));

        origin.pass(Duration.ofMillis(800));

        assertThat(links.stream().filter(link -> origin.piecesSentTo(link).contains(own.firstPiece())))
                .hasSize(2);
    }

    @Test
    void whatIsNewLeavesBeforeOldPiecesThatDidNotSpread() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        LinkId first = seededBy(origin, 1).get(0);
        ChunkRecord old = origin.stream.first();
        origin.swarm.publish(old, origin.now);
        origin.pass(Duration.ofMillis(100));
        origin.swarm.linkDown(first, origin.now); // What it was given may have gone with it.
        origin.pass(Duration.ofSeconds(5));
        ChunkRecord newer = origin.stream.after(old);
        origin.swarm.publish(newer, origin.now);
        origin.blocks.clear();

        LinkId second = seededBy(origin, 1).get(0);
        origin.pass(Duration.ofMillis(500));

        List<Long> pieces = origin.piecesSentTo(second);
        assertThat(pieces.subList(0, 4)).allMatch(piece -> piece >= newer.firstPiece());
        assertThat(pieces.subList(4, 8)).allMatch(piece -> piece < old.endPiece());
    }

    @Test
    void whatIsAskedOfAnOriginWaitsForWhatItGivesAway() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        ChunkRecord old = origin.stream.first();
        origin.swarm.restored(old, origin.now);
        LinkId asking = seededBy(origin, 3).get(0);
        origin.linesAreFast = false;
        ChunkRecord newer = origin.stream.after(old);
        Swarmbed.blocksOf(old, 0).forEach(block -> origin.gets(asking, new PeerMessage.Request(block)));
        origin.blocks.clear();

        origin.swarm.publish(newer, origin.now);
        origin.linesAreFast = true;
        origin.gets(asking, new PeerMessage.Interested());
        for (PeerMessage.Block block : Swarmbed.blocksOf(old, 0)) {
            origin.swarm.blockSent(asking, block, origin.now);
        }
        origin.pass(Duration.ofMillis(200));

        List<Long> pieces =
                origin.blocks.stream().map(b -> b.block().piece()).distinct().toList();
        assertThat(pieces.get(0)).isGreaterThanOrEqualTo(newer.firstPiece());
    }

    @Test
    void anOriginsRelaysAreInItsTreesStillWhenTheyAreServedAgain() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        LinkId relay = seededBy(origin, 1).get(0);
        ChunkRecord newest = origin.stream.first();
        origin.swarm.publish(newest, origin.now);
        origin.pass(Duration.ofSeconds(1));
        newest = origin.stream.after(newest);
        origin.swarm.publish(newest, origin.now);
        origin.pass(Duration.ofSeconds(5));
        assertThat(origin.sentTo(relay, PeerMessage.Choke.class)).hasSize(1);
        for (long piece = 0; piece < newest.endPiece(); piece++) {
            origin.gets(relay, new PeerMessage.Have(piece));
        }
        origin.pass(Duration.ofSeconds(1));
        ChunkRecord next = origin.stream.after(newest);
        origin.swarm.publish(next, origin.now);
        origin.pass(Duration.ofSeconds(1));

        assertThat(origin.piecesSentTo(relay))
                .as("it joined them when the link came up, and does not so again")
                .contains(next.firstPiece());
    }

    @Test
    void aPieceThatSpreadsIsNotGivenAgain() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        List<LinkId> links = seededBy(origin, 3);
        ChunkRecord own = origin.stream.first();
        origin.swarm.publish(own, origin.now);
        origin.pass(Duration.ofMillis(100));
        for (LinkId link : links) {
            for (int piece = 0; piece < own.pieceCount(); piece++) {
                origin.gets(link, new PeerMessage.Have(own.firstPiece() + piece));
            }
        }

        origin.pass(Duration.ofSeconds(5));

        assertThat(origin.blocks.stream().map(Swarmbed.Block::block)).doesNotHaveDuplicates();
    }

    @Test
    void whoClaimsAPieceThatHasNotLeftIsDropped() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        List<LinkId> links = seededBy(origin, 3);
        origin.linesAreFast = false;
        ChunkRecord own = origin.stream.first();
        origin.swarm.publish(own, origin.now);

        origin.gets(links.get(0), new PeerMessage.Have(own.endPiece() - 1));

        assertThat(origin.dropped).containsExactly(links.get(0));
    }

    private LinkId liveOrigin() {
        bed.live();
        LinkId origin = bed.link(1, NodeRole.ORIGIN);
        bed.hears(origin, record);
        return origin;
    }

    private void receiveAll(LinkId origin) {
        for (int piece = 0; piece < record.pieceCount(); piece++) {
            bed.receives(origin, record, piece);
        }
    }

    private static List<LinkId> seededBy(Swarmbed origin, int relays) {
        origin.live();
        List<LinkId> links = new ArrayList<>();
        for (int i = 1; i <= relays; i++) {
            LinkId link = origin.relay(i);
            for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
                origin.gets(link, new LiveMessage.Tree(stripe, true));
            }
            links.add(link);
        }
        return links;
    }
}
