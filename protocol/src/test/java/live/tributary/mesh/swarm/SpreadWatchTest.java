package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import live.tributary.protocol.stream.NodeRole;
import org.junit.jupiter.api.Test;

class SpreadWatchTest {
    private static final long MILLI = 1_000_000;
    private static final long PIECE = 7;

    private final List<Neighbour> neighbours =
            IntStream.rangeClosed(1, 7).mapToObj(Swarmbed::neighbour).toList();
    private final Neighbour root = neighbours.get(0);
    private final SpreadScores scores =
            new SpreadScores(new Uplink(new Swarmbed(NodeRole.ORIGIN), neighbours, 100_000_000, false));
    private final SpreadWatch watch = new SpreadWatch(neighbours, new OfOneRendition(), scores, false);
    private long now = 1000 * MILLI;

    @Test
    void aCopyThatAThirdOfTheOthersShowHasSpread() {
        given(root);

        shows(1);
        assertThat(watch.isWithAnother(neighbours.get(1), PIECE)).isTrue();
        shows(2);

        assertThat(watch.isWithAnother(neighbours.get(1), PIECE)).isFalse();
        assertThat(lateAfter(5000)).isEmpty();
    }

    @Test
    void aCopyThatNobodyShowsIsLateAndItsReceiverQuiet() {
        given(root);

        assertThat(lateAfter(300)).isEmpty();
        assertThat(lateAfter(100)).containsExactly(root);
        assertThat(scores.isQuiet(root)).isTrue();
    }

    @Test
    void whoShowsItHasLongerForTheOthersToShowIt() {
        given(root);
        shows(0);

        assertThat(lateAfter(500)).isEmpty();
        assertThat(lateAfter(200)).containsExactly(root);
        assertThat(scores.isQuiet(root)).isFalse();
    }

    @Test
    void aCopyThatHasNotEvenLeftIsLateToo() {
        watch.sending(root, PIECE, now);

        assertThat(lateAfter(1400)).isEmpty();
        assertThat(lateAfter(200)).containsExactly(root);
    }

    @Test
    void ofAPieceThatNeededASecondCopyNobodyIsPraised() {
        given(root);
        now += 400 * MILLI;
        watch.late(now).forEach(watch::givenAgain);
        Neighbour second = neighbours.get(6);
        given(second);

        shows(1);
        shows(2);

        assertThat(scores.isKnown(second)).isFalse();
    }

    @Test
    void whatSpreadsFasterScoresBetter() {
        Neighbour slow = neighbours.get(6);
        for (int i = 0; i < 10; i++) {
            spreads(root, i, 20);
            spreads(slow, 100 + i, 200);
        }

        assertThat(scores.of(root)).isLessThan(scores.of(slow) / 2);
    }

    @Test
    void whoIsGoneHasNoScoreWhateverOthersShowLater() {
        given(root);
        shows(1);
        shows(2);

        scores.linkDown(root);
        assertThat(watch.lost(root)).isEmpty();
        shows(3);

        assertThat(scores.isKnown(root)).isFalse();
    }

    private void spreads(Neighbour from, long piece, long millis) {
        watch.sending(from, piece, now);
        watch.left(from, piece, now);
        now += millis * MILLI;
        for (int i = 1; i <= 3; i++) {
            watch.seen(neighbours.get(i), piece, now);
        }
    }

    private void given(Neighbour to) {
        watch.sending(to, PIECE, now);
        watch.left(to, PIECE, now);
    }

    private void shows(int neighbour) {
        now += MILLI;
        watch.seen(neighbours.get(neighbour), PIECE, now);
    }

    private List<Neighbour> lateAfter(long millis) {
        now += millis * MILLI;
        return watch.late(now).stream().map(copy -> copy.to).toList();
    }

    private static final class OfOneRendition implements SuperSeed.Pieces {
        @Override
        public int renditionOf(long piece) {
            return 0;
        }

        @Override
        public boolean mayGo(long piece, Neighbour to, long now) {
            return true;
        }
    }
}
