package live.tributary.mesh.mse;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.protocol.mse.MseKey;
import org.junit.jupiter.api.Test;

class KeyExchangesTest {
    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1000); // A clock that is about to turn over.
    private final KeyExchanges exchanges = KeyExchanges.on(task -> {}, new Random(1), clock::get);
    private final byte[] key = new MseKey(new Random(2)).publicKey();

    @Test
    void anAddressHasItsShareAndThenFourASecond() throws Exception {
        assertThat(starts("192.0.2.1", 100)).isEqualTo(KeyExchanges.BURST);
        assertThat(starts("192.0.2.2", 100)).isEqualTo(KeyExchanges.BURST);

        clock.addAndGet(KeyExchanges.REFILL.toNanos());
        assertThat(starts("192.0.2.1", 100)).isEqualTo(1);

        clock.addAndGet(KeyExchanges.REFILL.toNanos() * 1000);
        assertThat(starts("192.0.2.1", 100)).isEqualTo(KeyExchanges.BURST);
    }

    @Test
    void anIpv6CustomerIsOneAddress() throws Exception {
        assertThat(starts("2001:db8::1", 100)).isEqualTo(KeyExchanges.BURST);
        assertThat(starts("2001:db8::2", 1)).isZero();
        assertThat(starts("2001:db8:0:1::1", 1)).isEqualTo(1);
    }

    @Test
    void thisMachineIsNotCounted() throws Exception {
        assertThat(starts("127.0.0.1", 100)).isEqualTo(100);
    }

    private int starts(String from, int tries) throws Exception {
        int started = 0;
        for (int i = 0; i < tries; i++) {
            if (exchanges.accept(InetAddress.getByName(from), key, Runnable::run, agreed -> {})) {
                started++;
            }
        }
        return started;
    }
}
