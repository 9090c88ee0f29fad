package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

/** Chunks of two seconds. */
class CouriersTest {
    private static final long MILLI = 1_000_000;

    private final Couriers couriers = new Couriers(new SplittableRandom(1));
    private final RelayKey one = relay(1);
    private final RelayKey two = relay(2);

    @Test
    void aChunkWaitsForARelayThatHoldsItAndIsTheOriginsOwnAfterAWhile() {
        assertThat(couriers.next(record(1), List.of(), 0, 0)).isEqualTo(new Couriers.Wait(150 * MILLI));
        assertThat(couriers.next(record(1), List.of(), 0, 1599 * MILLI)).isInstanceOf(Couriers.Wait.class);
        assertThat(couriers.next(record(1), List.of(one), 0, 1599 * MILLI)).isEqualTo(new Couriers.HandTo(one));
        assertThat(couriers.next(record(1), List.of(), 0, 1600 * MILLI)).isEqualTo(new Couriers.WriteOneself());
    }

    @Test
    void looksLessAndLessOftenAndForTheLastTimeAtTheDeadline() {
        couriers.handed(record(1), one, 0);
        assertThat(couriers.next(record(1), List.of(one), 0, 100 * MILLI)).isEqualTo(new Couriers.Wait(300 * MILLI));
        assertThat(couriers.next(record(1), List.of(one), 0, 300 * MILLI)).isEqualTo(new Couriers.Check(one));
        long now = 300 * MILLI;
        int looks = 1;
        for (var again = couriers.notThere(record(1), 0, now);
                again.isPresent();
                again = couriers.notThere(record(1), 0, now)) {
            assertThat(again.get()).isGreaterThan(now);
            now = again.get();
            looks++;
        }
        assertThat(now).isEqualTo(3200 * MILLI);
        assertThat(looks).isLessThan(9);
        assertThat(couriers.next(record(1), List.of(), 0, now)).isEqualTo(new Couriers.WriteOneself());
    }

    @Test
    void whoFailedTwiceInARowRests() {
        for (long seq = 1; seq <= 2; seq++) {
            assertThat(couriers.next(record(seq), List.of(one), 0, 0)).isEqualTo(new Couriers.HandTo(one));
            couriers.handed(record(seq), one, 0);
            couriers.forget(record(seq), 0);
        }
        assertThat(couriers.next(record(3), List.of(one), 0, 0)).isInstanceOf(Couriers.Wait.class);
        assertThat(couriers.next(record(3), List.of(one, two), 0, 0)).isEqualTo(new Couriers.HandTo(two));
        long rested = Couriers.FIRST_REST.toNanos();
        assertThat(couriers.next(record(3), List.of(one), rested, rested - 1)).isInstanceOf(Couriers.Wait.class);
        assertThat(couriers.next(record(3), List.of(one), rested, rested)).isEqualTo(new Couriers.HandTo(one));
    }

    @Test
    void whoGoesOnFailingRestsTwiceAsLongEachTimeUpToTwoMinutes() {
        long now = 0;
        List<Duration> rests = new ArrayList<>();
        for (long seq = 1; seq <= 9; seq++) {
            assertThat(couriers.next(record(seq), List.of(one), now, now)).isEqualTo(new Couriers.HandTo(one));
            couriers.handed(record(seq), one, now);
            couriers.forget(record(seq), now);
            long begin = now;
            while (couriers.next(record(seq), List.of(one), now, now) instanceof Couriers.Wait) {
                now += Duration.ofSeconds(1).toNanos();
            }
            rests.add(Duration.ofNanos(now - begin));
        }

        assertThat(rests).extracting(Duration::toSeconds).containsExactly(0L, 5L, 10L, 20L, 40L, 80L, 120L, 120L, 120L);
    }

    @Test
    void aDeliveryMakesUpForAFailure() {
        couriers.handed(record(1), one, 0);
        couriers.forget(record(1), 0);
        couriers.handed(record(2), one, 0);
        couriers.delivered(record(2));
        couriers.handed(record(3), one, 0);
        couriers.forget(record(3), 0);

        assertThat(couriers.next(record(4), List.of(one), 0, 0)).isEqualTo(new Couriers.HandTo(one));
    }

    private static ChunkRecord record(long seq) {
        assertThat(Records.record(seq, Instant.EPOCH).body().duration()).isEqualTo(Duration.ofSeconds(2));
        return Records.record(seq, Instant.EPOCH);
    }

    private static RelayKey relay(int seed) {
        byte[] bytes = new byte[32];
        bytes[0] = (byte) seed;
        return SigningKey.fromSeed(bytes).relayKey();
    }
}
