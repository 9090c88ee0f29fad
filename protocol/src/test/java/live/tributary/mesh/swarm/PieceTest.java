package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PieceTest {
    private final Piece piece =
            Chunk.fetching(new TestStream(1).first(), true, 0).pieces()[0];

    @Test
    void ofWhoTellsOfItAgainAndAgainTheLastWordCounts() {
        Neighbour one = Swarmbed.neighbour(1);
        Neighbour other = Swarmbed.neighbour(2);

        piece.seen(one, 10);
        piece.seen(other, 20);
        for (int i = 0; i < 1000; i++) {
            piece.seen(one, 30 + i);
        }

        assertThat(piece.sightings()).containsExactly(new Piece.Sighting(one, 1029), new Piece.Sighting(other, 20));
    }
}
