package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ConnectionIdsTest {
    private static final long START = -5; // A monotonic clock may begin anywhere.

    private final ConnectionIds ids = new ConnectionIds(new SplittableRandom(1), START);
    private final InetAddress alice = InetAddress.getLoopbackAddress();

    @Test
    void beginWithTheByteThatTellsTheTrackersDatagrams() {
        assertThat(ids.issue(alice, START) >>> 56).isEqualTo(0x80);
    }

    @Test
    void holdForTwoMinutes() {
        for (long issued : new long[] {0, 59, 3500, 3599, 3600, 65_535, 65_536, 200_000}) {
            long id = ids.issue(alice, at(issued));

            assertThat(ids.accepts(id, alice, at(issued))).isTrue();
            assertThat(ids.accepts(id, alice, at(issued + 120)))
                    .as("issued at " + issued)
                    .isTrue();
            assertThat(ids.accepts(id, alice, at(issued + 121))).isFalse();
        }
    }

    @Test
    void doNotHoldAgainWhenTheirSecondComesRound() {
        long id = ids.issue(alice, at(7));

        assertThat(ids.accepts(id, alice, at(7 + 65_536))).isFalse();
    }

    @Test
    void refuseAnotherAddress() throws Exception {
        long id = ids.issue(alice, START);

        assertThat(ids.accepts(id, InetAddress.getByName("127.0.0.2"), START)).isFalse();
        assertThat(ids.accepts(id, InetAddress.getByName("::1"), START)).isFalse();
    }

    @Test
    void refuseOneBitChanged() {
        long id = ids.issue(alice, START);

        for (int bit = 0; bit < Long.SIZE; bit++) {
            assertThat(ids.accepts(id ^ 1L << bit, alice, START)).isFalse();
        }
    }

    @Test
    void hashAsTheAuthorsOfSipHashDo() { // The last of their test vectors whose input is whole words: bytes 0..7 and
        // 0..15.
        long k0 = 0x0706050403020100L;
        long k1 = 0x0f0e0d0c0b0a0908L;

        assertThat(SipHash.of(k0, k1)).isEqualTo(0x726fdb47dd0e0e31L);
        assertThat(SipHash.of(k0, k1, k0)).isEqualTo(0x93f5f5799a932462L);
    }

    private static long at(long second) {
        return START + TimeUnit.SECONDS.toNanos(second);
    }
}
