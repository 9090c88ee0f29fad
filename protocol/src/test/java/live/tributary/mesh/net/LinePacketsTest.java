package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LinePacketsTest {
    @Test
    void aLineOfFullPacketsCarriesThisMuchAboveTcp() {
        assertThat(LinePackets.aboveTcp(1_500_000)).isEqualTo(1_448_000);
        assertThat(LinePackets.aboveTcp(1)).isEqualTo(1);
        assertThat(LinePackets.aboveTcp(100_000_000_000L)).isEqualTo(96_533_333_333L);
    }

    @Test
    void aFullPacketTakesItsPayloadAndASmallOneMostlyHeaders() {
        assertThat(LinePackets.ofMessage(1448)).isEqualTo(1448);
        assertThat(LinePackets.ofMessage(9)).isEqualTo((9 + 52) * 1448 / 1500);
        assertThat(LinePackets.ofMessage(1449)).isEqualTo((1449 + 2 * 52) * 1448 / 1500);
        assertThat(LinePackets.ofMessage(0)).isZero();
    }

    @Test
    void everySecondPacketIsAcknowledged() {
        assertThat(LinePackets.ofAcknowledging(2 * 1448)).isEqualTo(52 * 1448 / 1500);
        assertThat(LinePackets.ofAcknowledging(9)).isEqualTo(52 * 1448 / 1500);
        assertThat(LinePackets.ofAcknowledging(20 * 1448)).isEqualTo(10 * 52 * 1448 / 1500);
    }
}
