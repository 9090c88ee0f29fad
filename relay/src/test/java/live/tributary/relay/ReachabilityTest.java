package live.tributary.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.stream.Endpoint;
import org.junit.jupiter.api.Test;

/** What a relay says of itself to whoever runs it. */
class ReachabilityTest {
    private final List<Endpoint> endpoints = new ArrayList<>();
    private long connections;
    private boolean datagrams;
    private final Reachability reachability = new Reachability(
            () -> endpoints,
            new Reachability.Incoming(() -> connections, () -> datagrams),
            new Reachability.Incoming(() -> 0, () -> false),
            () -> 12_345_678);

    @Test
    void aRelayThatNobodyReachesIsToldSoAndWhatItGaveAllTheSame() {
        assertThat(reachability.text())
                .isEqualTo("its address is not known yet: no two other nodes have told it; "
                        + "nobody has come in over IPv4 yet; nobody has come in over IPv6 yet; "
                        + "until somebody outside reaches it, no viewer is sent here; it works outwards; "
                        + "it has given others 12.3 MB since it started");
    }

    @Test
    void tellsFamiliesAndProtocolsApart() throws Exception {
        endpoints.add(new Endpoint(InetAddress.getByName("198.51.100.7"), 7001));
        connections = 3;
        assertThat(reachability.text())
                .startsWith("its address is 198.51.100.7:7001; "
                        + "reachable over IPv4 by TCP, while no UDP has come in yet: 3 connections came in; "
                        + "nobody has come in over IPv6 yet; it has given");
        datagrams = true;
        assertThat(reachability.text()).contains("reachable over IPv4 by TCP and UDP: 3 connections came in;");
        connections = 0;
        assertThat(reachability.text()).contains("over IPv4 only UDP has come in, no TCP: forward both;");
    }
}
