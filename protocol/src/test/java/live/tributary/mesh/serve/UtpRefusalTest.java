package live.tributary.mesh.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class UtpRefusalTest {
    private static final InetSocketAddress CLIENT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 5000);
    private static final String SYN = "41" + "00" + "abcd" + "00112233" + "00000000" + "00100000" + "0001" + "0000";

    @Test
    void resetsAConnectionThatBegins() {
        assertThat(answer(SYN)).contains("31" + "00" + "abcd" + "00112233" + "00000000" + "00000000" + "0000" + "0001");
        assertThat(answer(SYN + "0102")).isPresent();
    }

    @Test
    void isSilentToEverythingElse() {
        assertThat(answer(SYN.substring(0, 38))).isEmpty(); // One byte short.
        assertThat(answer("21" + SYN.substring(2))).isEmpty(); // STATE
        assertThat(answer("31" + SYN.substring(2))).isEmpty(); // RESET: two refusals must not answer each other.
        assertThat(answer("40" + SYN.substring(2))).isEmpty();
        assertThat(answer("64313a61643264")).isEmpty(); // DHT
    }

    private static Optional<String> answer(String hex) {
        EmbeddedChannel channel = new EmbeddedChannel(new UtpRefusal());
        ByteBuf content = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex));
        channel.writeInbound(new DatagramPacket(content, CLIENT, CLIENT));
        assertThat(content.refCnt()).isZero();
        DatagramPacket answer = channel.readOutbound();
        return Optional.ofNullable(answer).map(datagram -> {
            assertThat(datagram.recipient()).isEqualTo(CLIENT);
            return ByteBufUtil.hexDump(datagram.content());
        });
    }
}
