package live.tributary.protocol.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import live.tributary.protocol.stream.Endpoint;
import org.junit.jupiter.api.Test;

/** The payload of {@code ut_pex} (BEP 11). */
class PeerExchangeMessageTest {
    @Test
    void hasFamiliesAndFlagsApartAsInTheBep() throws Exception {
        PeerExchangeMessage message = new PeerExchangeMessage(
                List.of(endpoint("65.66.67.68"), endpoint("::4142")), List.of(endpoint("69.70.71.72")));

        assertThat(new String(message.encode(), StandardCharsets.ISO_8859_1))
                .isEqualTo("d5:added6:ABCDZZ7:added.f1:\0" + "6:added618:" + "\0".repeat(14) + "ABZZ" + "8:added6.f1:\0"
                        + "7:dropped6:EFGHZZ" + "8:dropped60:e");
    }

    @Test
    void holdsFiftyOfEachAndNotOneMore() throws Exception {
        List<Endpoint> fifty = Collections.nCopies(PeerExchangeMessage.MAX_PEERS, endpoint("1.2.3.4"));
        List<Endpoint> more = Collections.nCopies(PeerExchangeMessage.MAX_PEERS + 1, endpoint("1.2.3.4"));

        assertThat(new PeerExchangeMessage(fifty, fifty).encode()).hasSizeGreaterThan(600);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PeerExchangeMessage(more, List.of()))
                .withMessage("added: 51 (expected: <= 50)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PeerExchangeMessage(List.of(), more))
                .withMessage("dropped: 51 (expected: <= 50)");
    }

    private static Endpoint endpoint(String address) throws UnknownHostException {
        return new Endpoint(InetAddress.getByName(address), 0x5a5a);
    }
}
