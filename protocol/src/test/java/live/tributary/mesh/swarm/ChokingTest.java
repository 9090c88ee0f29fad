package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;

class ChokingTest {
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(4);

    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private ChunkRecord newest = bed.stream.first();

    @Test
    void whoShowsNothingOfWhatItIsGivenIsChoked() {
        LinkId origin = liveOrigin();
        LinkId child = child(2);

        giveChunks(origin, 2);
        assertThat(bed.sentTo(child, PeerMessage.Choke.class)).isEmpty();
        bed.pass(LONG_ENOUGH);

        assertThat(bed.sentTo(child, PeerMessage.Choke.class)).hasSize(1);
        int given = bed.piecesSentTo(child).size();
        giveChunks(origin, 1);
        assertThat(bed.piecesSentTo(child)).hasSize(given);
    }

    @Test
    void whoShowsWhatItIsGivenIsNot() {
        LinkId origin = liveOrigin();
        LinkId child = child(2);

        giveChunks(origin, 2);
        for (long piece = 0; piece < newest.endPiece(); piece++) {
            bed.gets(child, new PeerMessage.Have(piece));
        }
        bed.pass(LONG_ENOUGH);

        assertThat(bed.sentTo(child, PeerMessage.Choke.class)).isEmpty();
    }

    @Test
    void aFewPiecesThatAreNotShownMayBeBadLuck() {
        LinkId origin = liveOrigin();
        LinkId child = child(2);

        giveChunks(origin, 1);
        bed.pass(LONG_ENOUGH);

        assertThat(bed.sentTo(child, PeerMessage.Choke.class)).isEmpty();
    }

    @Test
    void whoIsChokedGetsARefusalAtOnceAndAnotherChanceLater() {
        LinkId origin = liveOrigin();
        LinkId child = child(2);
        giveChunks(origin, 2);
        bed.pass(LONG_ENOUGH);
        PeerMessage.Block block = Swarmbed.blocksOf(newest, 0).get(0);

        bed.gets(child, new PeerMessage.Request(block));
        assertThat(bed.sentTo(child, PeerMessage.Reject.class)).containsExactly(new PeerMessage.Reject(block));

        bed.pass(Duration.ofSeconds(31));
        assertThat(bed.sentTo(child, PeerMessage.Unchoke.class)).hasSize(2);
        bed.gets(child, new PeerMessage.Request(block));
        assertThat(bed.blocks).contains(new Swarmbed.Block(child, block));
    }

    @Test
    void whoShowsAllThatItWasChokedForIsServedAgainAtOnce() {
        LinkId origin = liveOrigin();
        LinkId child = child(2);
        giveChunks(origin, 2);
        bed.pass(LONG_ENOUGH);
        assertThat(bed.sentTo(child, PeerMessage.Unchoke.class)).hasSize(1);

        for (long piece = 0; piece < newest.endPiece() - 1; piece++) {
            bed.gets(child, new PeerMessage.Have(piece));
        }
        bed.pass(Duration.ofSeconds(1));
        assertThat(bed.sentTo(child, PeerMessage.Unchoke.class)).hasSize(1);
        bed.gets(child, new PeerMessage.Have(newest.endPiece() - 1));
        bed.pass(Duration.ofSeconds(1));
        assertThat(bed.sentTo(child, PeerMessage.Unchoke.class)).hasSize(2);
    }

    @Test
    void aParentThatChokesIsLeft() {
        LinkId origin = liveOrigin();
        LinkId parent = bed.relay(2);
        bed.gets(parent, new PeerMessage.Have(newest.firstPiece()));
        bed.pass(Duration.ofMillis(300)); // The origin's push stays away: the relay is asked, and becomes the parent.
        LiveMessage.Tree graft = new LiveMessage.Tree(0, true);
        assertThat(bed.sentTo(parent, LiveMessage.Tree.class)).containsExactly(graft);

        bed.gets(parent, new PeerMessage.Choke());

        assertThat(bed.sentTo(parent, LiveMessage.Tree.class)).endsWith(new LiveMessage.Tree(0, false));
        assertThat(origin).isNotEqualTo(parent);
    }

    private LinkId liveOrigin() {
        bed.live();
        LinkId origin = bed.link(1, NodeRole.ORIGIN);
        bed.hears(origin, newest);
        return origin;
    }

    /** A relay that takes every stripe. */
    private LinkId child(int number) {
        LinkId child = bed.relay(number);
        for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
            bed.gets(child, new LiveMessage.Tree(stripe, true));
        }
        return child;
    }

    private void giveChunks(LinkId origin, int count) {
        for (int i = 0; i < count; i++) {
            if (bed.completed.contains(newest)) {
                newest = bed.stream.after(newest);
                bed.hears(origin, newest);
            }
            for (int piece = 0; piece < newest.pieceCount(); piece++) {
                bed.receives(origin, newest, piece);
            }
        }
    }
}
