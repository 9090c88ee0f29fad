package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.net.AddressShares.Place;
import org.junit.jupiter.api.Test;

class PortUnifierTest {
    private final PortServices services = new PortServices(List.of(), HttpServer.of(), Optional.empty());

    @Test
    void closesWhereNothingComesWithinTheTime() {
        EmbeddedChannel channel = channel(false);
        channel.freezeTime();
        channel.advanceTimeBy(5, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isActive()).isFalse();
    }

    @Test
    void tellsACrowdedAddressByHttpAndClosesItsWire() {
        EmbeddedChannel http = channel(true);
        http.writeInbound(Unpooled.copiedBuffer("OPTIONS", StandardCharsets.US_ASCII));
        assertThat(http.<ByteBuf>readOutbound()).isNull();
        http.finishAndReleaseAll();

        EmbeddedChannel wire = channel(true);
        wire.writeInbound(Unpooled.copiedBuffer("\u0013BitTorrent protocol", StandardCharsets.ISO_8859_1));
        assertThat(wire.isActive()).isFalse();
    }

    @Test
    void anAddressHasItsShareAndNoMore() throws Exception {
        AddressShares shares = new AddressShares(2);
        InetAddress address = InetAddress.getByName("2001:db8::1");
        InetAddress neighbour = InetAddress.getByName("2001:db8::ffff:1"); // In the same /64.
        assertThat(shares.enter(address)).isEqualTo(Place.FREE);
        assertThat(shares.enter(neighbour)).isEqualTo(Place.FREE);
        assertThat(shares.enter(address)).isEqualTo(Place.CROWDED);
        assertThat(shares.enter(address)).isEqualTo(Place.CROWDED);
        assertThat(shares.enter(address)).isEqualTo(Place.NONE);
        assertThat(shares.enter(InetAddress.getByName("192.0.2.1"))).isEqualTo(Place.FREE);
        for (int i = 0; i < 5; i++) {
            shares.leave(address);
        }
        assertThat(shares.enter(address)).isEqualTo(Place.FREE);
        shares.leave(address);
        shares.leave(InetAddress.getByName("192.0.2.1"));
        assertThat(shares.size()).isZero();
    }

    private EmbeddedChannel channel(boolean crowded) {
        return new EmbeddedChannel(new PortUnifier(services, PortUnifier.FIRST_BYTES, crowded));
    }
}
