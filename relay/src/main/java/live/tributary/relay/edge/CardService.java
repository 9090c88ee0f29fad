package live.tributary.relay.edge;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;

/** {@code /relay.json}, the relay's signed word about itself, and {@code /health}. */
public final class CardService implements HttpService {
    private static final String JSON = "application/json; charset=utf-8";
    private static final String CARD_CACHE_CONTROL = "public, max-age=30";
    private static final String NO_STORE = "no-store";

    private final Supplier<RelayDescriptor> descriptor;
    private final Supplier<? extends Collection<? extends StreamView>> streams;

    /** @param descriptor freshly signed, or not older than it says itself */
    public CardService(
            Supplier<RelayDescriptor> descriptor, Supplier<? extends Collection<? extends StreamView>> streams) {
        this.descriptor = descriptor;
        this.streams = streams;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        return switch (query.rawPath()) {
            case "/relay.json" -> json(card(), CARD_CACHE_CONTROL);
            case "/health" -> json(health(), NO_STORE);
            default -> Optional.empty();
        };
    }

    private static Optional<CompletionStage<HttpAnswer>> json(ObjectNode node, String cacheControl) {
        return Optional.of(CompletableFuture.completedStage(
                HttpAnswer.of(JSON, cacheControl, node.toString().getBytes(StandardCharsets.UTF_8))));
    }

    private ObjectNode card() {
        RelayDescriptor signed = descriptor.get();
        RelayDescriptor.Body body = signed.body();
        ObjectNode card = JsonNodeFactory.instance.objectNode();
        card.put("relay", body.relay().text());
        card.put("role", body.role().name().toLowerCase(Locale.ROOT));
        ArrayNode endpoints = card.putArray("endpoints");
        for (Endpoint endpoint : body.endpoints()) {
            endpoints.add(endpoint.text());
        }
        body.tlsName().ifPresent(name -> card.put("tlsName", name));
        ArrayNode renditions = card.putArray("renditions");
        body.renditions().forEach(renditions::add);
        body.region()
                .ifPresent(region -> card.putObject("region")
                        .put("latitude", region.latitude())
                        .put("longitude", region.longitude()));
        card.put("uploadBitsPerSecond", body.uploadBitsPerSecond());
        card.put("loadPerMille", body.loadPerMille());
        card.put("software", body.software());
        body.contact().ifPresent(contact -> card.put("contact", contact));
        card.put("expires", body.expires().toString());
        ArrayNode carried = card.putArray("streams");
        streams.get().forEach(stream -> carried.add(stream.key().text()));
        // The fields above are for people; only what stands in here is signed.
        card.put("signed", Base64.getEncoder().encodeToString(signed.encoded()));
        return card;
    }

    private ObjectNode health() {
        ObjectNode health = JsonNodeFactory.instance.objectNode();
        health.put("status", "ok");
        ArrayNode list = health.putArray("streams");
        for (StreamView stream : streams.get()) {
            list.addObject()
                    .put("key", stream.key().text())
                    .put("live", stream.live())
                    .put("relays", otherRelays(stream));
        }
        return health;
    }

    /** Origin and gateways are known here as well, and are no relays. */
    private static long otherRelays(StreamView stream) {
        return stream.relays().stream()
                .filter(node -> node.role() == NodeRole.RELAY)
                .count();
    }
}
