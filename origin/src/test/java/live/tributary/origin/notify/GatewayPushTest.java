package live.tributary.origin.notify;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntToLongFunction;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.net.SelfSigned;
import live.tributary.mesh.net.ServerTls;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An origin's pushes over real sockets, to gateways good and bad. */
@Timeout(120)
class GatewayPushTest {
    private static final SigningKey GATEWAY = SigningKey.fromSeed(new byte[SigningKey.SEED_LENGTH]);
    private static final NotifyMessage.Have NOTHING = new NotifyMessage.Have(List.of());

    private final SampleStream sample = new SampleStream(9, Instant.now());
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final EventLoopGroup loops = Transport.NIO.newGroup("test-origin", 1);
    private final ExecutorService names = Executors.newSingleThreadExecutor();
    private final Meters meters = new Meters();
    private final List<AutoCloseable> parts = new ArrayList<>();
    private IntToLongFunction uplink = bytes -> 0;

    @TempDir
    private Path folder;

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable part : parts) {
            part.close();
        }
        names.shutdownNow();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }

    @Test
    void pushesWhatThereIsAndWhatComesOnceBothHaveProvenThemselves() throws Exception {
        RawGateway gateway = keep(RawGateway.honest(0, Optional.empty(), GATEWAY, NOTHING));
        ChunkRecord before = publish();
        GatewayPush push = push("ws://127.0.0.1:" + gateway.port());

        assertThat(gateway.hears()).isInstanceOf(NotifyMessage.Open.class);
        assertThat(gateway.hears()).isInstanceOf(NotifyMessage.Proof.class);
        assertThat(record(gateway.hears())).isEqualTo(before);
        ChunkRecord after = publish();
        assertThat(record(gateway.hears())).isEqualTo(after);
        assertThat(push.isProven()).isTrue();
        assertThat(meters.scrape()).contains("tributary_sent_bytes_total{peer=\"gateway\",via=\"ws\"}");
    }

    @Test
    void aGatewayThatComesBackIsToldWhatItMissed() throws Exception {
        RawGateway first = RawGateway.honest(0, Optional.empty(), GATEWAY, NOTHING);
        int port = first.port();
        ChunkRecord had = publish();
        push("ws://127.0.0.1:" + port);
        first.hears();
        first.hears();
        assertThat(record(first.hears())).isEqualTo(had);
        first.close();
        ChunkRecord missed = publish();

        RawGateway again = keep(RawGateway.honest(
                port,
                Optional.empty(),
                GATEWAY,
                new NotifyMessage.Have(List.of(new NotifyMessage.Place(had.chunk(), had.hash())))));
        again.hears();
        again.hears();
        assertThat(record(again.hears())).isEqualTo(missed);
    }

    @Test
    void whoDoesNotProveHisKeyIsToldNothing() throws Exception {
        SigningKey other = sample.signingKey();
        RawGateway impostor = keep(new RawGateway(
                0,
                Optional.empty(),
                (gateway, message) -> message instanceof NotifyMessage.Open open
                        ? Optional.of(RawGateway.challenge(open, GATEWAY, other))
                        : Optional.empty()));
        publish();
        push("ws://127.0.0.1:" + impostor.port());

        assertThat(impostor.hears()).isInstanceOf(NotifyMessage.Open.class);
        assertThat(impostor.hears()).as("it is tried again, and no more").isInstanceOf(NotifyMessage.Open.class);
    }

    @Test
    void anotherGatewayThanTheOneNamedIsToldNothing() throws Exception {
        RawGateway wrong = keep(RawGateway.honest(0, Optional.empty(), sample.signingKey(), NOTHING));
        push("ws://127.0.0.1:" + wrong.port() + "#" + GATEWAY.relayKey().text());

        assertThat(wrong.hears()).isInstanceOf(NotifyMessage.Open.class);
        assertThat(wrong.hears()).isInstanceOf(NotifyMessage.Open.class);
    }

    @Test
    void overTlsTheCertificateCountsAndItsName() throws Exception {
        SelfSigned identity = SelfSigned.create(folder);
        SslContext server = ServerTls.of(identity.certificate(), identity.key());
        RawGateway gateway = keep(RawGateway.honest(0, Optional.of(server), GATEWAY, NOTHING));
        SslContext trusting =
                tls().trustManager(identity.certificate().toFile()).build();
        GatewayPush stranger = push("wss://localhost:" + gateway.port(), tls().build());
        // The certificate names localhost and 127.0.0.1, and not this.
        GatewayPush misnamed = push("wss://127.0.0.2:" + gateway.port(), trusting);
        GatewayPush good = push("wss://localhost:" + gateway.port(), trusting);

        gateway.hears();
        gateway.hears();
        ChunkRecord published = publish();
        assertThat(record(gateway.hears())).isEqualTo(published);
        assertThat(good.isProven()).isTrue();
        assertThat(stranger.isProven()).isFalse();
        assertThat(misnamed.isProven()).isFalse();
    }

    @Test
    void sendsNoFasterThanTheUplinkAllows() throws Exception {
        AtomicLong allowed = new AtomicLong(1);
        uplink = bytes -> allowed.getAndDecrement() > 0 ? 0 : TimeUnit.MILLISECONDS.toNanos(20);
        RawGateway gateway = keep(RawGateway.honest(0, Optional.empty(), GATEWAY, NOTHING));
        ChunkRecord first = publish();
        ChunkRecord second = publish();
        push("ws://127.0.0.1:" + gateway.port());
        gateway.hears();
        gateway.hears();

        assertThat(record(gateway.hears())).isEqualTo(first);
        assertThat(gateway.heard.poll(200, TimeUnit.MILLISECONDS)).as("not yet").isNull();
        allowed.set(10);
        assertThat(record(gateway.hears())).isEqualTo(second);
    }

    private static SslContextBuilder tls() {
        return SslContextBuilder.forClient().endpointIdentificationAlgorithm("HTTPS");
    }

    private GatewayPush push(String url) throws Exception {
        return push(url, tls().build());
    }

    private GatewayPush push(String url, SslContext tls) {
        GatewayPush push = keep(new GatewayPush(
                NotifyTarget.parse(url),
                new GatewayPush.Pushed(sample.signingKey(), stream),
                new GatewayPush.Surroundings(
                        loops,
                        Transport.NIO.client(loops),
                        tls,
                        names,
                        bytes -> uplink.applyAsLong(bytes),
                        meters,
                        new SecureRandom())));
        push.start();
        return push;
    }

    private <T extends AutoCloseable> T keep(T part) {
        parts.add(part);
        return part;
    }

    private ChunkRecord publish() {
        SampleStream.Chunk chunk = sample.next(1000);
        stream.accept(chunk);
        return chunk.record();
    }

    private static ChunkRecord record(NotifyMessage message) {
        assertThat(message).isInstanceOf(NotifyMessage.News.class);
        LiveMessage news = ((NotifyMessage.News) message).message();
        assertThat(news).isInstanceOf(LiveMessage.RecordNews.class);
        return ((LiveMessage.RecordNews) news).record();
    }
}
