package live.tributary.origin.keys;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;

/**
 * The mesh of a key that has ended, in which its origin goes on to say so: to whoever links, and by a head in the DHT to whoever
 * looks the old key up.
 */
public final class FormerStream implements AutoCloseable {
    private static final Duration RENEWAL = Duration.ofMinutes(4);
    private static final int ENTRY_POINTS = Head.MAX_ENTRY_POINTS;

    private final FormerKeys.Former former;
    private final String name;
    private final StreamPublisher publisher;
    private final Supplier<List<Endpoint>> endpoints;
    private final InstantSource clock;
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "former-key");
        thread.setDaemon(true);
        return thread;
    });

    /**
     * Begins to say it.
     *
     * @param name what the stream is called
     */
    public FormerStream(
            FormerKeys.Former former,
            String name,
            MeshNode mesh,
            Supplier<List<Endpoint>> endpoints,
            InstantSource clock) {
        this.former = former;
        this.name = name;
        this.publisher = mesh.publish(former.key());
        this.endpoints = endpoints;
        this.clock = clock;
        tell();
        mesh.intake(former.key().streamKey()).ifPresent(intake -> intake.take(former.end()));
        ticker.scheduleWithFixedDelay(this::tell, RENEWAL.toMillis(), RENEWAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    public StreamView view() {
        return publisher.view();
    }

    private void tell() {
        About about = About.sign(
                new About.Body(
                        former.key().streamKey(),
                        name,
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "")),
                        Duration.ofSeconds(1),
                        former.end().successor()),
                former.key());
        long now = clock.millis();
        publisher.publish(about);
        publisher.publish(SignedHead.sign(
                new Head(
                        now,
                        clock.instant().plus(Head.MAX_LIFETIME),
                        Head.Status.ENDED,
                        now,
                        Optional.empty(),
                        Optional.empty(),
                        entryPoints(),
                        about.hash()),
                former.key()));
    }

    private List<Endpoint> entryPoints() {
        List<Endpoint> all = endpoints.get();
        return Stream.concat(
                        all.stream().filter(Endpoint::isIpv4).limit(ENTRY_POINTS),
                        all.stream().filter(one -> !one.isIpv4()).limit(ENTRY_POINTS))
                .toList();
    }

    @Override
    public void close() {
        ticker.shutdownNow();
    }
}
