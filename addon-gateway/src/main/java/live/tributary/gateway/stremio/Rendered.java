package live.tributary.gateway.stremio;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import live.tributary.gateway.http.Answers;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.PreparedAnswer;
import org.jspecify.annotations.Nullable;

/** An answer that many share, as it is sent; compressed once, for those who take that. */
final class Rendered {
    /** What an entry takes besides its bytes. */
    private static final int OVERHEAD = 700;
    /** A shorter one fits into a packet or two as it is. */
    private static final int WORTH_COMPRESSING = 2_000;

    private static final String ENCODING = "content-encoding";
    private final byte[] json;
    private final Map<String, String> headers;
    private final HttpAnswer plain;
    private volatile @Nullable HttpAnswer compressed;

    /** @param maxAge how long caches may keep it */
    Rendered(byte[] json, Duration maxAge) {
        this.json = json;
        this.headers = Map.of(
                "content-type", Answers.JSON, "cache-control", Answers.shared(maxAge), "vary", "accept-encoding");
        this.plain = new PreparedAnswer.Head(200, headers).answer(json);
    }

    /** Bytes in memory, at most. */
    int weight() {
        return 2 * json.length + OVERHEAD;
    }

    HttpAnswer answer(HttpHeaders asked) {
        if (json.length < WORTH_COMPRESSING) {
            return plain;
        }
        String encodings = asked.get(HttpHeaderNames.ACCEPT_ENCODING);
        if (encodings == null || !encodings.contains("gzip")) {
            return plain;
        }
        HttpAnswer known = compressed;
        if (known == null) {
            Map<String, String> more = new HashMap<>(headers);
            more.put(ENCODING, "gzip");
            known = new PreparedAnswer.Head(200, more).answer(gzip(json));
            compressed = known;
        }
        return known;
    }

    private static byte[] gzip(byte[] plain) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(plain.length / 4);
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(plain);
        } catch (IOException e) {
            throw new UncheckedIOException("memory that cannot be written", e);
        }
        return bytes.toByteArray();
    }
}
