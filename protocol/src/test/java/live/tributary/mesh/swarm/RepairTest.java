package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import live.tributary.mesh.swarm.LiveSwarm.BlockVerdict;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;

/** When a relay asks for what its parent has not pushed, and whom, while some neighbours lie. Chunks have four pieces. */
class RepairTest {
    private static final int SECOND_OF_STRIPE_0 = 4;
    private static final int STEP = 10;

    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private final List<ChunkRecord> records = new ArrayList<>(List.of(bed.stream.first()));

    RepairTest() {
        while (records.size() <= SECOND_OF_STRIPE_0) {
            records.add(bed.stream.after(records.get(records.size() - 1)));
        }
        bed.live();
    }

    @Test
    void whoHasNotServedYetIsTriedAsTheParentOfOneStripe() {
        LinkId stranger = bed.relay(1);
        bed.hears(stranger, records.get(0));

        shows(stranger, 0, 0);
        shows(stranger, 0, 1);
        assertThat(grafts(stranger)).hasSize(1);

        serves(stranger, 0, 0);
        serves(stranger, 0, 1);
        shows(stranger, 0, 2);
        assertThat(grafts(stranger)).hasSize(3);
    }

    @Test
    void whoFailedAndNeverServedIsNoParent() {
        LinkId liar = bed.relay(1);
        bed.hears(liar, records.get(0), records.get(1));
        shows(liar, 0, 0);
        bed.pass(Duration.ofSeconds(1));

        shows(liar, 1, 0);
        bed.pass(Duration.ofSeconds(1));

        assertThat(requests(liar, 1, 0)).isNotEmpty();
        assertThat(grafts(liar)).hasSize(1);
    }

    @Test
    void whoNeverServesWhatItShowsIsDroppedAfterFourFailures() {
        LinkId liar = bed.relay(1);
        bed.hears(liar, records.get(0), records.get(1));
        for (int piece = 0; piece < 3; piece++) {
            shows(liar, 0, piece);
        }
        bed.pass(Duration.ofSeconds(3));
        assertThat(bed.dropped).isEmpty();

        shows(liar, 0, 3);
        bed.pass(Duration.ofSeconds(3));

        assertThat(bed.dropped).containsExactly(liar);
        assertThat(bed.reasons).containsExactly(SwarmActions.DropReason.SURPLUS);
    }

    @Test
    void aNodeThatWasHeldUpItselfBlamesNobodyForWhatItHasNotReadYet() {
        LinkId stranger = bed.relay(1);
        bed.hears(stranger, records.get(0), records.get(1));
        for (int piece = 0; piece < 3; piece++) {
            shows(stranger, 0, piece);
        }
        bed.pass(Duration.ofSeconds(3));
        shows(stranger, 0, 3);
        assertThat(requests(stranger, 0, 3)).isNotEmpty();

        bed.sleeps(Duration.ofSeconds(3));

        assertThat(bed.dropped).as("a fourth failure, were it one").isEmpty();
    }

    @Test
    void aParentThatShowsAPieceIsNotAskedForItOnlyBecauseALiarWasBefore() {
        LinkId parent = parentOfTheFirstStripes();
        LinkId liar = bed.relay(2);
        shows(liar, 1, 0);
        shows(liar, 1, 1);
        bed.pass(Duration.ofSeconds(2)); // Two failures.
        shows(liar, SECOND_OF_STRIPE_0, 0);
        bed.pass(Duration.ofMillis(800));
        assertThat(requests(liar, SECOND_OF_STRIPE_0, 0)).isNotEmpty();

        shows(parent, SECOND_OF_STRIPE_0, 0);

        assertThat(requests(parent, SECOND_OF_STRIPE_0, 0)).isEmpty();
        assertThat(bed.sentTo(parent, LiveMessage.Tree.class)).noneMatch(tree -> !tree.graft());
        assertThat(serves(parent, SECOND_OF_STRIPE_0, 0)).isEqualTo(BlockVerdict.STORE);
    }

    @Test
    void aParentThatIsKeptIsToldNotToPushWhatIsAskedOfWhoKeepsItsWord() {
        LinkId parent = parentOfTheFirstStripes();
        LinkId other = bed.relay(2);
        shows(other, 1, 0);
        serves(other, 1, 0);
        bed.gets(other, new LiveMessage.Tree(0, true)); // A child of the stripe: it cannot become its parent.
        LinkId stranger = bed.relay(3);

        shows(other, SECOND_OF_STRIPE_0, 0);
        shows(stranger, SECOND_OF_STRIPE_0, 1);
        bed.pass(Duration.ofMillis(400));

        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
        assertThat(requests(stranger, SECOND_OF_STRIPE_0, 1)).hasSize(4);
        assertThat(bed.sentTo(parent, LiveMessage.Coming.class))
                .containsExactly(new LiveMessage.Coming(
                        List.of(records.get(SECOND_OF_STRIPE_0).firstPiece())));
    }

    @Test
    void pushesThatCameTooLateMakeItWaitLonger() {
        LinkId parent = parentOfTheFirstStripes();
        LinkId other = bed.relay(2);
        shows(other, 1, 0);
        serves(other, 1, 0);

        List<Integer> waited = new ArrayList<>();
        for (int piece = 0; piece < records.get(0).pieceCount(); piece++) {
            shows(other, SECOND_OF_STRIPE_0, piece);
            int millis = 0;
            for (; requests(other, SECOND_OF_STRIPE_0, piece).isEmpty(); millis += STEP) {
                bed.pass(Duration.ofMillis(STEP));
            }
            waited.add(millis);
            serves(other, SECOND_OF_STRIPE_0, piece);
            bed.pass(Duration.ofMillis(STEP));
            if (piece + 1 < records.get(0).pieceCount()) {
                assertThat(serves(parent, SECOND_OF_STRIPE_0, piece)).isEqualTo(BlockVerdict.DUPLICATE);
            }
        }

        assertThat(waited).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void aPieceIsLateOnlyAfterSomebodyHadItWhoKeepsHisWord() {
        parentOfTheFirstStripes();
        LinkId other = proven(2);
        LinkId liar = bed.relay(3);
        shows(liar, 1, 1);
        bed.pass(Duration.ofSeconds(1)); // A failure.
        shows(liar, SECOND_OF_STRIPE_0, 0);
        bed.pass(Duration.ofMillis(660));

        shows(other, SECOND_OF_STRIPE_0, 0);
        bed.pass(Duration.ofMillis(50)); // By the liar's word it is late now.
        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).isEmpty();
        assertThat(requests(liar, SECOND_OF_STRIPE_0, 0)).isEmpty();

        bed.pass(Duration.ofMillis(20));
        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
    }

    @Test
    void whatWasAskedOfAStrangerInVainIsNotLateForThat() {
        parentOfTheFirstStripes();
        LinkId other = proven(2);
        LinkId stranger = bed.relay(3);
        shows(stranger, SECOND_OF_STRIPE_0, 1); // The one stripe that it is tried as the parent of.
        shows(stranger, SECOND_OF_STRIPE_0, 0);
        bed.pass(Duration.ofMillis(100));
        assertThat(requests(stranger, SECOND_OF_STRIPE_0, 0)).hasSize(4);

        shows(other, SECOND_OF_STRIPE_0, 0);
        requests(stranger, SECOND_OF_STRIPE_0, 0)
                .forEach(request -> bed.gets(stranger, new PeerMessage.Reject(request.block())));
        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).isEmpty();

        bed.pass(Duration.ofMillis(70));
        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
    }

    @Test
    void whoAsksForALatePieceTellsTheChildrenOfItsStripe() {
        parentOfTheFirstStripes();
        LinkId other = proven(2);
        LinkId child = bed.relay(3);
        bed.gets(child, new LiveMessage.Tree(0, true));
        LinkId childOfAnotherStripe = bed.relay(4);
        bed.gets(childOfAnotherStripe, new LiveMessage.Tree(1, true));

        shows(other, SECOND_OF_STRIPE_0, 0);
        bed.pass(Duration.ofMillis(70));

        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
        assertThat(bed.sentTo(child, LiveMessage.Coming.class)).containsExactly(coming(SECOND_OF_STRIPE_0, 0));
        assertThat(bed.sentTo(childOfAnotherStripe, LiveMessage.Coming.class)).isEmpty();
    }

    @Test
    void aParentThatFetchesALatePieceIsWaitedForALittleLongerButOnce() {
        LinkId parent = parentOfTheFirstStripes();
        LinkId other = proven(2);
        LinkId child = bed.relay(3);
        bed.gets(child, new LiveMessage.Tree(0, true));
        shows(other, SECOND_OF_STRIPE_0, 0);

        bed.gets(parent, coming(SECOND_OF_STRIPE_0, 0));
        assertThat(bed.sentTo(child, LiveMessage.Coming.class)).containsExactly(coming(SECOND_OF_STRIPE_0, 0));
        bed.pass(Duration.ofMillis(150));
        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).isEmpty();

        bed.gets(parent, coming(SECOND_OF_STRIPE_0, 0));
        bed.pass(Duration.ofMillis(60));
        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
    }

    @Test
    void aParentThatHasNoMoreOfAPieceToPassOnIsNotLeftForIt() {
        LinkId parent = parentOfTheFirstStripes();
        LinkId other = proven(2);
        bed.gets(other, new LiveMessage.Tree(0, true)); // A child of two stripes: it cannot become their parent.
        bed.gets(other, new LiveMessage.Tree(1, true));
        bed.receives(
                parent, Swarmbed.blocksOf(records.get(SECOND_OF_STRIPE_0), 0).get(0));
        bed.receives(
                parent, Swarmbed.blocksOf(records.get(SECOND_OF_STRIPE_0), 1).get(0));
        shows(other, SECOND_OF_STRIPE_0, 0);
        shows(other, SECOND_OF_STRIPE_0, 1);

        bed.gets(parent, coming(SECOND_OF_STRIPE_0, 0));
        bed.pass(Duration.ofSeconds(1));

        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(3);
        assertThat(requests(other, SECOND_OF_STRIPE_0, 1)).hasSize(3);
        assertThat(bed.sentTo(parent, LiveMessage.Tree.class).stream().filter(tree -> !tree.graft()))
                .as("left for the piece of which it said nothing")
                .containsExactly(new LiveMessage.Tree(1, false));
    }

    @Test
    void aParentThatShowsAPieceAgainAndAgainDoesNotHoldItUp() {
        LinkId parent = parentOfTheFirstStripes();
        LinkId other = proven(2);
        shows(other, SECOND_OF_STRIPE_0, 0);
        for (int i = 0; i < 5; i++) {
            shows(parent, SECOND_OF_STRIPE_0, 0);
            bed.pass(Duration.ofMillis(100));
        }

        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
    }

    @Test
    void nobodyButTheParentMakesANodeWait() {
        parentOfTheFirstStripes();
        LinkId other = proven(2);
        shows(other, SECOND_OF_STRIPE_0, 0);

        bed.gets(proven(3), coming(SECOND_OF_STRIPE_0, 0));
        bed.pass(Duration.ofMillis(70));

        assertThat(requests(other, SECOND_OF_STRIPE_0, 0)).hasSize(4);
    }

    /** A relay from which a good piece of the second chunk came. */
    private LinkId proven(int number) {
        LinkId relay = bed.relay(number);
        shows(relay, 1, number % 4);
        assertThat(serves(relay, 1, number % 4)).isEqualTo(BlockVerdict.STORE);
        return relay;
    }

    private LiveMessage.Coming coming(int chunk, int piece) {
        return new LiveMessage.Coming(List.of(records.get(chunk).firstPiece() + piece));
    }

    /** A relay that served the first chunk and so came to push its four stripes; all records are known. */
    private LinkId parentOfTheFirstStripes() {
        LinkId parent = bed.relay(1);
        records.forEach(record -> bed.hears(parent, record));
        for (int piece = 0; piece < records.get(0).pieceCount(); piece++) {
            shows(parent, 0, piece);
            serves(parent, 0, piece);
        }
        assertThat(grafts(parent)).hasSize(records.get(0).pieceCount());
        return parent;
    }

    private void shows(LinkId by, int chunk, int piece) {
        bed.gets(by, new PeerMessage.Have(records.get(chunk).firstPiece() + piece));
    }

    private BlockVerdict serves(LinkId by, int chunk, int piece) {
        return bed.receives(by, records.get(chunk), piece);
    }

    private List<PeerMessage.Request> requests(LinkId to, int chunk, int piece) {
        return bed.sentTo(to, PeerMessage.Request.class).stream()
                .filter(request -> request.block().piece() == records.get(chunk).firstPiece() + piece)
                .toList();
    }

    private List<LiveMessage.Tree> grafts(LinkId to) {
        return bed.sentTo(to, LiveMessage.Tree.class).stream()
                .filter(LiveMessage.Tree::graft)
                .toList();
    }
}
