package live.tributary.gateway.notify;

import io.netty.channel.ChannelHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.WebSocketService;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/** {@code /notify}: origins push their streams' heads, abouts and records here, so that a gateway serves them without a DHT. */
public final class NotifyService implements WebSocketService, AutoCloseable {
    private static final String PATH = "/notify";
    private static final Duration SWEEP = Duration.ofSeconds(10);

    private final NotifyConnection.Surroundings around;
    private final Function<HttpQuery, InetAddress> address;
    private final ScheduledExecutorService checks =
            Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("gateway-notify", true));

    /**
     * What an operator decides.
     *
     * @param open whether streams are taken that nobody listed
     * @param denied streams that never are
     */
    public record Policy(boolean open, Predicate<StreamKey> denied, NotifyLimits limits, Duration history) {}

    /** @param address makes out who asks */
    public NotifyService(
            Policy policy,
            SigningKey key,
            MeshNode mesh,
            ListedStreams listed,
            Function<HttpQuery, InetAddress> address,
            Meters meters,
            InstantSource clock,
            SecureRandom random) {
        this.address = address;
        PushedStreams streams = new PushedStreams(mesh, listed, policy.open(), policy.denied(), policy.limits());
        this.around = new NotifyConnection.Surroundings(
                key, streams, listed, policy.limits(), policy.history(), checks, meters, clock, random);
        meters.gauge(streams::proven, Meter.NOTIFY_LINKS);
        checks.scheduleWithFixedDelay(
                () -> streams.sweep(clock.instant()), SWEEP.toMillis(), SWEEP.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public Optional<ChannelHandler> accept(HttpQuery query) {
        return query.rawPath().equals(PATH)
                ? Optional.of(new NotifyConnection(around, address.apply(query)))
                : Optional.empty();
    }

    @Override
    public void close() {
        checks.shutdownNow();
    }
}
