package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.DropReason;
import live.tributary.mesh.admin.Drops;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.mse.KeyExchanges;
import live.tributary.mesh.mse.MseAcceptor;
import live.tributary.mesh.net.AddressShares.Place;
import org.junit.jupiter.api.Test;

class PortUnifierTest {
    private final Drops drops = new Drops(new Meters());
    private final PortServices services =
            new PortServices(List.of(), HttpServer.of(), Optional.empty(), Optional.empty(), drops);

    @Test
    void closesWhereNothingComesWithinTheTime() {
        EmbeddedChannel channel = channel(false);
        channel.freezeTime();
        channel.advanceTimeBy(5, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isActive()).isFalse();
        assertThat(drops.sum(DropReason.SLOW)).isEqualTo(1);
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
    void takesForEncryptedWhatIsNothingElseOnceAKeyIsIn() throws Exception {
        try (KeyExchanges exchanges = KeyExchanges.start(new Random(1), System::nanoTime)) {
            for (String first :
                    new String[] {"AB", "\u0013BitTorrent protocok", "\u0016\u0003\u0001\u0001\u0001\u0002"}) {
                EmbeddedChannel channel = new EmbeddedChannel(new PortUnifier(
                        new PortServices(List.of(), HttpServer.of(), Optional.empty(), Optional.of(exchanges), drops),
                        PortUnifier.FIRST_BYTES,
                        false));
                ByteBuf bytes = Unpooled.copiedBuffer(first, StandardCharsets.ISO_8859_1);
                channel.writeInbound(bytes.writeZero(95 - bytes.readableBytes()));
                assertThat(channel.pipeline().get(MseAcceptor.class)).as(first).isNull();
                assertThat(channel.isActive()).isTrue();
                channel.writeInbound(Unpooled.buffer().writeZero(1));
                assertThat(channel.pipeline().get(PortUnifier.class)).as(first).isNull();
            }
        }
    }

    @Test
    void countsWhatItRefuses() {
        EmbeddedChannel strange = channel(false);
        strange.writeInbound(Unpooled.copiedBuffer("AB", StandardCharsets.US_ASCII));
        EmbeddedChannel tls = channel(false); // Without a certificate.
        tls.writeInbound(Unpooled.copiedBuffer("\u0016\u0003\u0001\u0001\u0001\u0001", StandardCharsets.ISO_8859_1));
        EmbeddedChannel unknown = channel(false);
        unknown.writeInbound(Unpooled.copiedBuffer("\u0013BitTorrent protocol", StandardCharsets.ISO_8859_1)
                .writeZero(48));

        assertThat(drops.sum(DropReason.STRANGE)).isEqualTo(2);
        assertThat(drops.sum(DropReason.UNKNOWN)).isEqualTo(1);
        assertThat(strange.isActive() || tls.isActive() || unknown.isActive()).isFalse();
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
