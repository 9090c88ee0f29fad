package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import live.tributary.protocol.stream.NodeRole;
import org.junit.jupiter.api.Test;

class LatenessTest {
    private static final long MILLI = 1_000_000;

    private final Lateness lateness = new Lateness();
    private final Neighbour known = neighbour(true);

    @Test
    void wherePiecesComeSoonAfterTheFirstHaveARepairComesSoon() {
        pushes(known, 40, 40, 45, 40, 40, 35, 40, 40);

        assertThat(lateness.grace(known)).isLessThan(200 * MILLI);
    }

    @Test
    void whereTheyComeAtAnyTimeItWaits() {
        pushes(known, 40, 400, 40, 300, 40, 400, 50, 300);

        assertThat(lateness.grace(known)).isGreaterThan(300 * MILLI);
    }

    @Test
    void nobodyCanMakeItWaitForever() {
        pushes(known, 5000, 50, 5000, 50, 5000, 50, 5000, 50);

        assertThat(lateness.grace(known)).isEqualTo(700 * MILLI);
    }

    @Test
    void whoNeverServedAPieceDoesNotCount() {
        long before = lateness.grace(known);

        pushes(neighbour(false), 5000, 50, 5000, 50, 5000, 50, 5000, 50);

        assertThat(lateness.grace(known)).isEqualTo(before);
    }

    @Test
    void theWordOfWhoFailedAndNeverServedHurriesNobodyButANewcomersDoes() {
        pushes(known, 40, 40, 45, 40, 40, 35, 40, 40);
        Neighbour other = neighbour(false);

        assertThat(lateness.grace(other)).isEqualTo(lateness.grace(known));

        other.failures = 1;
        assertThat(lateness.grace(other)).isEqualTo(700 * MILLI);
    }

    /** Pieces that came so many milliseconds after the neighbour's HAVE, over and over. */
    private void pushes(Neighbour by, int... after) {
        for (int round = 0; round < 20; round++) {
            for (int millis : after) {
                Piece piece = new Piece(Chunk.fetching(new TestStream(1).first(), true, 0), 0);
                piece.seen(by, 0);
                lateness.learn(piece, millis * MILLI);
            }
        }
    }

    private static Neighbour neighbour(boolean hasServed) {
        Neighbour neighbour = new Neighbour(
                new LinkId(1), new LinkPeer(Swarmbed.key(1), NodeRole.RELAY, true, Duration.ofMillis(20)), 0);
        neighbour.hasServed = hasServed;
        return neighbour;
    }
}
