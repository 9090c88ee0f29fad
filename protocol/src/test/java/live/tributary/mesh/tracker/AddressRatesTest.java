package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class AddressRatesTest {
    private static final long START = Long.MAX_VALUE - 1000; // The clock may wrap.

    private final AddressRates rates = new AddressRates(10, 20, new SplittableRandom(1), START);

    @Test
    void allowsABurstAndThenTheRate() throws Exception {
        InetAddress alice = InetAddress.getByName("192.0.2.1");

        assertThat(taken(alice, START, 100)).isEqualTo(20);
        assertThat(taken(alice, START + TimeUnit.SECONDS.toNanos(1), 100)).isEqualTo(10);
        assertThat(taken(alice, START + TimeUnit.HOURS.toNanos(1), 100)).isEqualTo(20);
    }

    @Test
    void oneAddressDoesNotSpendAnothersAllowance() throws Exception {
        taken(InetAddress.getByName("192.0.2.1"), START, 100);

        assertThat(taken(InetAddress.getByName("192.0.2.2"), START, 100)).isEqualTo(20);
    }

    @Test
    void anIpv6CustomerHasOneAllowance() throws Exception {
        taken(InetAddress.getByName("2001:db8::1"), START, 100);

        assertThat(taken(InetAddress.getByName("2001:db8::2"), START, 100)).isZero();
        assertThat(taken(InetAddress.getByName("2001:db8:0:1::1"), START, 100)).isEqualTo(20);
    }

    private int taken(InetAddress address, long now, int tries) {
        int taken = 0;
        for (int i = 0; i < tries; i++) {
            taken += rates.take(address, now) ? 1 : 0;
        }
        return taken;
    }
}
