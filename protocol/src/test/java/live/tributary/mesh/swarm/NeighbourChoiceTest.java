package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class NeighbourChoiceTest {
    private final SplittableRandom random = new SplittableRandom(1);

    @Test
    void twoOfThreeAreTheNearestAndOneIsAny() {
        List<Long> order = NeighbourChoice.inOrder(rtts(300), rtt -> rtt, random);

        assertThat(order).containsExactlyInAnyOrderElementsOf(rtts(300)).startsWith(1L, 2L);
        assertThat(order.subList(0, 9).stream().filter(rtt -> rtt <= 9)).hasSizeGreaterThanOrEqualTo(6);
    }

    @Test
    void thoseThatWereNeverReachedComeInAnyOrderAfterThoseThatWere() {
        List<String> order = NeighbourChoice.inOrder(
                List.of("a", "b", "c", "d", "near"), name -> name.equals("near") ? 5 : NeighbourChoice.UNKNOWN, random);

        assertThat(order).hasSize(5).startsWith("near");
    }

    @Test
    void theFurthestOfTheNearOnesIsGivenUpForOneThatIsMuchNearer() {
        List<Long> neighbours = List.of(90L, 10L, 80L, 60L, 30L, 50L); // 80 and 90 are there for being far.

        assertThat(NeighbourChoice.givenUpFor(29, neighbours, rtt -> rtt)).contains(60L);
        assertThat(NeighbourChoice.givenUpFor(30, neighbours, rtt -> rtt)).isEmpty();
        assertThat(NeighbourChoice.givenUpFor(NeighbourChoice.UNKNOWN, neighbours, rtt -> rtt))
                .isEmpty();
        assertThat(NeighbourChoice.givenUpFor(1, List.<Long>of(), rtt -> rtt)).isEmpty();
    }

    private static List<Long> rtts(int count) {
        return LongStream.rangeClosed(1, count).boxed().toList();
    }
}
