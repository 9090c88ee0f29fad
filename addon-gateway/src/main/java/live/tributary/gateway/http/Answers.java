package live.tributary.gateway.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import live.tributary.mesh.http.HttpAnswer;

/** Answers as the gateway's services give them. */
public final class Answers {
    public static final String JSON = "application/json; charset=utf-8";
    public static final String NO_STORE = "no-store";

    private static final int USUAL_BYTES = 2_000;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Answers() {}

    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    public static byte[] bytes(JsonNode json) {
        try {
            return MAPPER.writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree that cannot be written", e);
        }
    }

    /** What writes JSON. */
    public interface Writer {
        void write(JsonGenerator json) throws IOException;
    }

    /** What {@code writer} writes: no tree in between. */
    public static byte[] bytes(Writer writer) {
        try (ByteArrayBuilder bytes = new ByteArrayBuilder(USUAL_BYTES)) {
            try (JsonGenerator json = MAPPER.getFactory().createGenerator(bytes)) {
                writer.write(json);
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException("JSON that cannot be written to memory", e);
        }
    }

    public static HttpAnswer json(String cacheControl, JsonNode json) {
        return HttpAnswer.of(JSON, cacheControl, bytes(json));
    }

    /** For answers that are the same for everybody. */
    public static String shared(Duration maxAge) {
        return "public, max-age=" + maxAge.toSeconds();
    }

    /** For answers that are made for one viewer: a shared cache would hand out one region's relays. */
    public static String personal(Duration maxAge) {
        return "private, max-age=" + maxAge.toSeconds();
    }

    /** An error that a program can read; never kept by a cache. */
    public static HttpAnswer error(int status, String message) {
        HttpAnswer answer = HttpAnswer.of(
                JSON, NO_STORE, (bytesOf(object().put("err", message)) + "\n").getBytes(StandardCharsets.UTF_8));
        return new HttpAnswer(status, answer.headers(), answer.body());
    }

    public static HttpAnswer retryLater(int status, String message, Duration wait) {
        return error(status, message).with("retry-after", Long.toString(Math.max(1, wait.toSeconds())));
    }

    /** What a service returns for a path of its own. */
    public static Optional<CompletionStage<HttpAnswer>> now(HttpAnswer answer) {
        return Optional.of(CompletableFuture.completedFuture(answer));
    }

    private static String bytesOf(JsonNode json) {
        return new String(bytes(json), StandardCharsets.UTF_8);
    }
}
