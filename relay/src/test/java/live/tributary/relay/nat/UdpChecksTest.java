package live.tributary.relay.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.UdpTrackerRequest;
import org.junit.jupiter.api.Test;

class UdpChecksTest {
    private static final Endpoint FIRST = endpoint(7001);
    private static final Endpoint SECOND = endpoint(7002);

    private final Set<Endpoint> proven = new LinkedHashSet<>();
    private final List<Endpoint> asked = new ArrayList<>();
    private long now;
    private final UdpChecks checks =
            new UdpChecks(() -> Set.copyOf(proven), this::sent, new SplittableRandom(1), () -> now);

    @Test
    void asksEachProvenEndpointOnceInTenMinutes() {
        proven.add(FIRST);
        checks.look();
        checks.look();
        assertThat(asked).containsExactly(FIRST);

        proven.add(SECOND);
        checks.look();
        assertThat(asked).containsExactly(FIRST, SECOND);

        now += UdpChecks.EVERY.toNanos();
        checks.look();
        assertThat(asked).hasSize(4);
    }

    @Test
    void forgetsWhoIsGone() {
        proven.add(FIRST);
        checks.look();
        proven.clear();
        checks.look();
        proven.add(FIRST);
        checks.look();
        assertThat(asked).containsExactly(FIRST, FIRST);
    }

    @Test
    void asksSoManyAndNotOneMore() {
        for (int i = 0; i <= UdpChecks.MAX_ENDPOINTS; i++) {
            proven.add(endpoint(2000 + i));
        }
        checks.look();
        assertThat(asked).hasSize(UdpChecks.MAX_ENDPOINTS);
    }

    private void sent(Endpoint to, ByteBuf datagram) {
        assertThat(UdpTrackerRequest.read(datagram)).isInstanceOf(UdpTrackerRequest.Connect.class);
        asked.add(to);
    }

    private static Endpoint endpoint(int port) {
        return new Endpoint(InetAddress.getLoopbackAddress(), port);
    }
}
