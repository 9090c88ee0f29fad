package live.tributary.mesh.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import live.tributary.mesh.serve.SuperSeeding.Shown;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who is shown which piece when (BEP 16). */
class SuperSeedingTest {
    private static final int PIECES = 20;
    private static final long NOW = 1_000;

    private final SuperSeeding<String> seeding = new SuperSeeding<>(PIECES);

    @BeforeEach
    void holdAll() {
        IntStream.range(0, PIECES).forEach(piece -> seeding.held(piece, true));
    }

    @Test
    void showsEachClientOtherPiecesTheLowestFirst() {
        assertThat(pieces(seeding.join("a"))).containsExactly(0, 1, 2, 3);
        assertThat(pieces(seeding.join("b"))).containsExactly(4, 5, 6, 7);
    }

    @Test
    void showsAnotherOnceAPieceWasPassedOn() {
        seeding.join("a");
        seeding.join("b");

        assertThat(seeding.has("a", 0, NOW)).isEmpty();
        assertThat(seeding.has("b", 0, NOW)).containsExactly(new Shown<>("a", 8));
    }

    @Test
    void countsWhoIsNoMemberAsOneWhoTookIt() {
        seeding.join("a");

        assertThat(seeding.has("stranger", 2, NOW)).containsExactly(new Shown<>("a", 4));
    }

    @Test
    void showsNothingMoreToOneWhoKeepsWhatItWasGivenUntilPatienceIsOver() {
        seeding.join("a");
        seeding.has("a", 0, NOW);
        long over = NOW + SuperSeeding.PATIENCE.toNanos();

        assertThat(seeding.due("a", over - 1)).isEmpty();
        assertThat(seeding.due("a", over)).containsExactly(new Shown<>("a", 4));
    }

    @Test
    void countsAPieceThatWasSentAsHadThoughTheClientNeverSaysSo() {
        seeding.join("a");
        seeding.given("a", 1, NOW);
        seeding.given("a", 1, NOW + 100); // Sent once more: patience runs from the first time.

        assertThat(seeding.due("a", NOW + SuperSeeding.PATIENCE.toNanos())).containsExactly(new Shown<>("a", 4));
    }

    @Test
    void showsMoreToNobodyWhoDoesNotEvenFetch() {
        seeding.join("a");

        assertThat(seeding.due("a", Long.MAX_VALUE)).isEmpty();
    }

    @Test
    void showsNothingThatTheClientHasOrThatIsNotHere() {
        seeding.join("a");
        for (int piece : new int[] {4, 5}) {
            seeding.has("a", piece, NOW);
        }
        seeding.held(6, false);

        assertThat(seeding.has("b", 0, NOW)).containsExactly(new Shown<>("a", 7));
    }

    @Test
    void showsWhatArrivesLater() {
        SuperSeeding<String> empty = new SuperSeeding<>(PIECES);
        assertThat(empty.join("a")).isEmpty();

        empty.held(3, true);

        assertThat(empty.due("a", NOW)).containsExactly(new Shown<>("a", 3));
    }

    @Test
    void tellsOneWhoLeavesAllThatItWasNotShown() {
        seeding.join("a");

        assertThat(seeding.leave("a").stream())
                .containsExactlyElementsOf(IntStream.range(4, PIECES).boxed().toList());
        assertThat(seeding.members()).isZero();
        assertThat(pieces(seeding.join("b"))).containsExactly(0, 1, 2, 3); // Nobody has them any more.
    }

    private static List<Integer> pieces(List<Shown<String>> shown) {
        return shown.stream().map(Shown::piece).toList();
    }
}
