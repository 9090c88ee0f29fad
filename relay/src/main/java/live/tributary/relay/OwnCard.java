package live.tributary.relay;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import live.tributary.mesh.program.ProgramVersion;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SigningKey;

/** The relay's signed word about itself, signed anew when it is half a minute old and asked for. */
final class OwnCard implements Supplier<RelayDescriptor> {
    private static final Duration RENEWED_AFTER = Duration.ofSeconds(30);
    private static final Duration LIFETIME = Duration.ofMinutes(5);

    private final SigningKey key;
    private final Facts facts;
    private final InstantSource clock;
    private Optional<RelayDescriptor> signed = Optional.empty();

    /**
     * What it says.
     *
     * @param loadPerMille of the upload in use
     */
    record Facts(
            Supplier<List<Endpoint>> endpoints,
            Optional<String> tlsName,
            List<Integer> renditions,
            Optional<RelayDescriptor.Region> region,
            long uploadBitsPerSecond,
            IntSupplier loadPerMille) {}

    OwnCard(SigningKey key, Facts facts, InstantSource clock) {
        this.key = key;
        this.facts = facts;
        this.clock = clock;
    }

    @Override
    public synchronized RelayDescriptor get() {
        Instant now = clock.instant();
        Instant fresh = now.plus(LIFETIME).minus(RENEWED_AFTER);
        RelayDescriptor current =
                signed.filter(card -> card.body().expires().isAfter(fresh)).orElseGet(() -> sign(now));
        signed = Optional.of(current);
        return current;
    }

    private RelayDescriptor sign(Instant now) {
        return RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        key.relayKey(),
                        NodeRole.RELAY,
                        facts.endpoints().get(),
                        facts.tlsName(),
                        facts.renditions(),
                        facts.region(),
                        facts.uploadBitsPerSecond(),
                        facts.loadPerMille().getAsInt(),
                        "tributary " + ProgramVersion.current(),
                        Optional.empty(),
                        now.plus(LIFETIME)),
                key);
    }
}
