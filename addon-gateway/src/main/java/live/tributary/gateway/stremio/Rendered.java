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

/** An answer as it is sent, and how long it lasts; one that many share is compressed once, for those who take that. */
final class Rendered {
    private static final byte[] NOTHING = new byte[0];
    /** What an entry takes besides its bytes. */
    private static final int OVERHEAD = 700;
    /** A shorter one fits into a packet or two as it is. */
    private static final int WORTH_COMPRESSING = 2_000;

    private static final String ENCODING = "content-encoding";
    private static final PreparedAnswer.Head PERSONAL = head(Answers.personal(Streams.MAX_AGE));
    private static final PreparedAnswer.Head UNKEPT = head(Answers.NO_STORE);

    private final byte[] json;
    private final Map<String, String> headers;
    private final Duration lasts;
    private final HttpAnswer plain;
    private volatile @Nullable HttpAnswer compressed;

    private Rendered(byte[] json, Map<String, String> headers, Duration lasts, HttpAnswer plain) {
        this.json = json;
        this.headers = headers;
        this.lasts = lasts;
        this.plain = plain;
    }

    private static PreparedAnswer.Head head(String cacheControl) {
        return new PreparedAnswer.Head(200, Map.of("content-type", Answers.JSON, "cache-control", cacheControl));
    }

    /** The same for everybody. */
    static Rendered shared(byte[] json, Duration maxAge, Duration lasts) {
        Map<String, String> headers = Map.of(
                "content-type", Answers.JSON, "cache-control", Answers.shared(maxAge), "vary", "accept-encoding");
        return new Rendered(json, headers, lasts, new PreparedAnswer.Head(200, headers).answer(json));
    }

    /** For the viewers of one network; the parts follow one another. */
    static Rendered personal(Duration lasts, byte[]... parts) {
        return new Rendered(NOTHING, Map.of(), lasts, PERSONAL.answer(parts));
    }

    /** For the viewers of one network, and no cache of theirs. */
    static Rendered explanation(byte[] json, Duration lasts) {
        return new Rendered(NOTHING, Map.of(), lasts, UNKEPT.answer(json));
    }

    Duration lasts() {
        return lasts;
    }

    /** Bytes in memory, at most. */
    int weight() {
        return plain.body().readableBytes() + 2 * json.length + OVERHEAD;
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
