package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.WebTrackerRequest.OfferId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AwaitedAnswersTest {
    private final AwaitedAnswers awaited = new AwaitedAnswers();

    @Test
    void anOfferIsAnsweredOnceAndByItsMakersIdAndItsOwn() {
        awaited.add(peer(1), offer(1), 5);

        assertThat(awaited.take(peer(2), offer(1))).isEmpty();
        assertThat(awaited.take(peer(1), offer(2))).isEmpty();
        assertThat(awaited.take(peer(1), offer(1))).hasValue(5);
        assertThat(awaited.take(peer(1), offer(1))).isEmpty();
    }

    @Test
    void anOfferThatIsMadeAgainIsAsNewAsItsLastTime() {
        awaited.add(peer(1), offer(1), 5);
        awaited.add(peer(1), offer(1), 6);

        assertThat(awaited.take(peer(1), offer(1))).hasValue(6);
    }

    @Test
    void remembersTheNewestAndForgetsTheOldest() {
        for (int i = 0; i < 3 * AwaitedAnswers.MAX; i++) {
            awaited.add(peer(i), offer(i), i);
            if (i >= AwaitedAnswers.MAX) {
                int gone = i - AwaitedAnswers.MAX;
                assertThat(awaited.take(peer(gone), offer(gone))).isEmpty();
            }
        }
        for (int i = 2 * AwaitedAnswers.MAX; i < 3 * AwaitedAnswers.MAX; i++) {
            assertThat(awaited.take(peer(i), offer(i))).hasValue(i);
        }
    }

    /** Against a plain list, whatever the order of offers and answers. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void awaitsThoseOfTheLastOffersThatWereNotAnswered(long seed) {
        Random random = new Random(seed);
        List<Integer> expected = new ArrayList<>();
        int made = 0;
        for (int step = 0; step < 5000; step++) {
            if (random.nextInt(5) > 1) {
                awaited.add(peer(made), offer(made), made);
                expected.add(made);
                made++;
                int oldest = made - AwaitedAnswers.MAX;
                expected.removeIf(offer -> offer < oldest);
            } else if (made > 0) {
                int answered = Math.max(0, made - 1 - random.nextInt(2 * AwaitedAnswers.MAX));
                OptionalLong since = awaited.take(peer(answered), offer(answered));
                assertThat(since)
                        .isEqualTo(
                                expected.remove((Integer) answered) ? OptionalLong.of(answered) : OptionalLong.empty());
            }
        }
    }

    private static PeerId peer(int number) {
        return PeerId.of(twenty(number));
    }

    private static OfferId offer(int number) {
        return OfferId.of(twenty(number));
    }

    private static byte[] twenty(int number) {
        return String.format("%020d", number).getBytes(StandardCharsets.US_ASCII);
    }
}
