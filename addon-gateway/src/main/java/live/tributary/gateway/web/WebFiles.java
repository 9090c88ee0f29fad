package live.tributary.gateway.web;

import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPOutputStream;
import live.tributary.gateway.http.Answers;
import live.tributary.mesh.http.HttpAnswer;
import org.jspecify.annotations.Nullable;

/** The pages' files from the jar, read once, each also compressed. */
final class WebFiles {
    private static final String HLS_JS = "/META-INF/resources/webjars/hls.js/1.4.12/dist/hls.min.js";
    private static final Duration MAX_AGE = Duration.ofMinutes(10);

    /** Scripts and styles are files of their own, so no inline script is ever needed; media comes from any relay. */
    private static final String POLICY =
            "default-src 'self'; connect-src *; media-src * blob:; img-src 'self' https: data:; "
                    + "worker-src 'self' blob:; frame-ancestors *; base-uri 'none'; form-action 'none'";

    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml",
            "png", "image/png");

    private final Map<String, File> files = new ConcurrentHashMap<>();

    private record File(String type, byte[] plain, byte[] compressed) {}

    /** Empty where there is no such file. */
    Optional<HttpAnswer> file(String name, boolean gzip) {
        return Optional.ofNullable(files.computeIfAbsent(name, WebFiles::read)).map(file -> answer(file, gzip));
    }

    private static HttpAnswer answer(File file, boolean gzip) {
        Map<String, String> headers = new HashMap<>();
        headers.put("content-type", file.type);
        headers.put("cache-control", Answers.shared(MAX_AGE));
        headers.put("content-security-policy", POLICY);
        headers.put("x-content-type-options", "nosniff");
        headers.put("referrer-policy", "no-referrer");
        headers.put("vary", "accept-encoding");
        boolean smaller = gzip && file.compressed.length < file.plain.length;
        if (smaller) {
            headers.put("content-encoding", "gzip");
        }
        return new HttpAnswer(200, headers, Unpooled.wrappedBuffer(smaller ? file.compressed : file.plain));
    }

    private static @Nullable File read(String name) {
        String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
        if (type == null || !name.matches("[a-z0-9-]{1,40}(\\.min)?\\.[a-z]{2,4}")) {
            return null;
        }
        try (InputStream in = WebFiles.class.getResourceAsStream(name.equals("hls.min.js") ? HLS_JS : name)) {
            if (in == null) {
                return null;
            }
            byte[] plain = in.readAllBytes();
            ByteArrayOutputStream compressed = new ByteArrayOutputStream();
            try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
                out.write(plain);
            }
            return new File(type, plain, compressed.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
