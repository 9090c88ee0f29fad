package live.tributary.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;

/** What a service answered to a GET. */
public record Asked(int status, Map<String, String> headers, String body) {
    public static HttpQuery query(String rawPath, String from, String... headers) {
        HttpHeaders all = new DefaultHttpHeaders();
        all.set("host", "gw.example:7000");
        for (int i = 0; i < headers.length; i += 2) {
            all.set(headers[i], headers[i + 1]);
        }
        int mark = rawPath.indexOf('?');
        return new HttpQuery(
                "GET",
                mark < 0 ? rawPath : rawPath.substring(0, mark),
                mark < 0 ? "" : rawPath.substring(mark + 1),
                all,
                new InetSocketAddress(from, 50000),
                false,
                Unpooled.EMPTY_BUFFER);
    }

    public static Asked get(HttpService service, HttpQuery query) {
        return maybe(service, query).orElseThrow(() -> new AssertionError("not its path: " + query.rawPath()));
    }

    public static Asked get(HttpService service, String rawPath) {
        return get(service, query(rawPath, "198.51.100.7"));
    }

    public static Optional<Asked> maybe(HttpService service, HttpQuery query) {
        return service.answer(query).map(stage -> {
            HttpAnswer answer = stage.toCompletableFuture().join();
            return new Asked(answer.status(), answer.headers(), answer.body().toString(StandardCharsets.UTF_8));
        });
    }

    public JsonNode json() {
        try {
            return new ObjectMapper().readTree(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
