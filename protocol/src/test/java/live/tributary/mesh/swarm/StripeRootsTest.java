package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.Test;

class StripeRootsTest {
    private static final int ALL_STRIPES = (1 << LiveMessage.STRIPES) - 1;
    private static final long FAST = 50_000_000;
    private static final long SLOW = 200_000_000;

    private final List<Neighbour> neighbours =
            IntStream.rangeClosed(1, 6).mapToObj(StripeRootsTest::relay).toList();
    private final SpreadScores scores =
            new SpreadScores(new Uplink(new Swarmbed(NodeRole.ORIGIN), neighbours, 100_000_000, false));
    private final StripeRoots roots = new StripeRoots(scores, new SplittableRandom(1));

    @Test
    void theRootsAreThoseFromWhichPiecesSpreadBest() {
        allSpreadWithin(SLOW);
        allOf(List.of(1, 2, 4, 5)).forEach(best -> spreadsWithin(best, FAST));

        roots.choose(neighbours);

        assertThat(all()).containsOnlyElementsOf(allOf(List.of(1, 2, 4, 5)));
        assertThat(allOf(List.of(1, 2, 4, 5)))
                .allSatisfy(root -> assertThat(stripesOf(root)).isEqualTo(4));
    }

    @Test
    void whoWasNeverTriedGetsOneStripe() {
        allSpreadWithin(FAST);
        Neighbour untried = neighbours.get(5);
        scores.linkDown(untried);

        roots.choose(neighbours);

        assertThat(stripesOf(untried)).isOne();
    }

    @Test
    void whoIsRootStaysItUnlessAnotherIsClearlyBetter() {
        allSpreadWithin(FAST);
        roots.choose(neighbours);
        List<Neighbour> before = all();
        Neighbour other =
                neighbours.stream().filter(n -> !before.contains(n)).findFirst().orElseThrow();

        spreadsWithin(other, FAST * 9 / 10);
        roots.choose(neighbours);
        assertThat(all()).isEqualTo(before);

        spreadsWithin(other, FAST / 10);
        roots.choose(neighbours);
        assertThat(stripesOf(other)).isPositive();
    }

    @Test
    void whoGraftedNothingOrIsChokedIsNone() {
        allSpreadWithin(FAST);
        neighbours.get(0).fedByUs = 0;
        neighbours.get(1).choked = true;

        roots.choose(neighbours);

        assertThat(all()).doesNotContainAnyElementsOf(neighbours.subList(0, 2));
    }

    @Test
    void aStripeWhoseRootIsGoneHasNoneUntilTheNextChunk() {
        allSpreadWithin(FAST);
        roots.choose(neighbours);
        Neighbour gone = roots.of(0);

        roots.linkDown(gone);
        assertThat(roots.of(0)).isNull();

        gone.fedByUs = 0;
        roots.choose(neighbours);
        assertThat(all()).doesNotContainNull().doesNotContain(gone);
    }

    @Test
    void whatLeavesLastGoesToTheRootsFromWhichPiecesSpreadBest() {
        allSpreadWithin(SLOW);
        allOf(List.of(1, 2, 4, 5)).forEach(root -> spreadsWithin(root, FAST * 2));
        spreadsWithin(neighbours.get(4), FAST);
        roots.choose(neighbours);
        ChunkRecord record = new TestStream(1).first();
        List<Long> all =
                LongStream.range(record.firstPiece(), record.endPiece()).boxed().toList();

        List<Long> order = roots.orderOfLeaving(record);

        assertThat(order).containsExactlyInAnyOrderElementsOf(all);
        List<Double> costs =
                order.stream().map(piece -> scores.of(roots.of(piece))).toList();
        assertThat(costs).isSortedAccordingTo(Comparator.reverseOrder());
        List<Neighbour> met = roots.inOrder(record);
        assertThat(met.get(0)).isEqualTo(roots.of(order.get(0)));
        assertThat(met).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(Set.copyOf(all()));
    }

    @Test
    void withoutRootsPiecesLeaveInTheirOrder() {
        ChunkRecord record = new TestStream(1).first();
        assertThat(roots.orderOfLeaving(record)).isSorted().hasSize(record.pieceCount());
        assertThat(roots.inOrder(record)).isEmpty();
    }

    private void allSpreadWithin(long nanos) {
        neighbours.forEach(neighbour -> spreadsWithin(neighbour, nanos));
    }

    private void spreadsWithin(Neighbour from, long nanos) {
        for (int i = 0; i < 20; i++) {
            scores.reachedHalf(from, nanos);
        }
    }

    private List<Neighbour> allOf(List<Integer> indices) {
        return indices.stream().map(neighbours::get).toList();
    }

    private List<Neighbour> all() {
        return LongStream.range(0, LiveMessage.STRIPES).mapToObj(roots::of).toList();
    }

    private long stripesOf(Neighbour root) {
        return all().stream().filter(root::equals).count();
    }

    private static Neighbour relay(int number) {
        Neighbour relay = Swarmbed.neighbour(number);
        relay.fedByUs = ALL_STRIPES;
        return relay;
    }
}
