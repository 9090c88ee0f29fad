package live.tributary.origin.http;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.protocol.stream.StreamKey;

/** The page at {@code /}, its two scripts and its icon, from the jar. */
final class Pages {
    private static final String HLS_JS = "/META-INF/resources/webjars/hls.js/1.4.12/dist/hls.min.js";
    private static final String CACHE = "public, max-age=600";
    private static final String POLICY = "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; "
            + "style-src 'self' 'unsafe-inline'; frame-ancestors *; base-uri 'none'; form-action 'none'";

    private final StreamKey stream;
    private final Map<String, byte[]> files = new ConcurrentHashMap<>();

    Pages(StreamKey stream) {
        this.stream = stream;
    }

    Optional<HttpAnswer> answer(String path) {
        return switch (path) {
            case "/" -> Optional.of(page());
            case "/watch.js" -> Optional.of(script("watch.js"));
            case "/hls.min.js" -> Optional.of(script(HLS_JS));
            case "/logo.svg", "/favicon.ico" -> Optional.of(HttpAnswer.of("image/svg+xml", CACHE, file("logo.svg")));
            default -> Optional.empty();
        };
    }

    private HttpAnswer page() {
        String html = new String(file("watch.html"), StandardCharsets.UTF_8).replace("{stream}", stream.text());
        return HttpAnswer.of("text/html; charset=utf-8", CACHE, html.getBytes(StandardCharsets.UTF_8))
                .with("content-security-policy", POLICY);
    }

    private HttpAnswer script(String name) {
        return new HttpAnswer(
                200,
                Map.of("content-type", "text/javascript; charset=utf-8", "cache-control", CACHE),
                Unpooled.wrappedBuffer(file(name)));
    }

    private byte[] file(String name) {
        return files.computeIfAbsent(name, Pages::read);
    }

    private static byte[] read(String name) {
        try (InputStream in = Pages.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing from the jar");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
