package live.tributary.origin.fallback;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import live.tributary.protocol.stream.Sha256;

/**
 * AWS Signature Version 4 in the Authorization header, for a put whose bytes are known by their hash alone.
 *
 * <p>The hash is among the signed headers, so that the bucket refuses every other body; so are host, name and what readers will
 * be told of the object. A bucket takes the signature for 15 minutes.
 *
 * @param region {@code auto} for R2
 */
record SigV4(String id, String secret, String region) {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final int DATE_LENGTH = 8;
    private static final String ALGORITHM = "AWS4-HMAC-SHA256";

    /** The headers of the request, {@code host} left out, which every client sends itself. */
    List<String> put(URI url, Sha256 content, Map<String, String> headers, Instant now) {
        String time = TIME.format(now);
        String day = time.substring(0, DATE_LENGTH);
        Map<String, String> signed = new TreeMap<>(headers);
        signed.put("host", url.getRawAuthority());
        signed.put("x-amz-content-sha256", content.hex());
        signed.put("x-amz-date", time);
        String names = String.join(";", signed.keySet());
        StringBuilder request =
                new StringBuilder("PUT\n").append(url.getRawPath()).append("\n\n");
        signed.forEach(
                (name, value) -> request.append(name).append(':').append(value).append('\n'));
        request.append('\n').append(names).append('\n').append(content.hex());
        String scope = day + "/" + region + "/s3/aws4_request";
        String toSign = String.join(
                "\n",
                ALGORITHM,
                time,
                scope,
                Sha256.ofContent(request.toString().getBytes(StandardCharsets.UTF_8))
                        .hex());
        String signature = HexFormat.of().formatHex(hmac(key(day), toSign));
        signed.remove("host");
        signed.put(
                "authorization",
                ALGORITHM + " Credential=" + id + "/" + scope + ", SignedHeaders=" + names + ", Signature="
                        + signature);
        List<String> lines = new ArrayList<>();
        signed.forEach((name, value) -> lines.add(name + ": " + value));
        return lines;
    }

    private byte[] key(String day) {
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String part : List.of(day, region, "s3", "aws4_request")) {
            key = hmac(key, part);
        }
        return key;
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    @Override
    public String toString() {
        return "SigV4[" + id + ", " + region + "]"; // Never the secret.
    }
}
