package live.tributary.origin.fallback;

import java.net.URI;
import java.util.Locale;
import java.util.Optional;

/**
 * Where the bucket is.
 *
 * @param endpoint of the S3 API
 * @param prefix put before every key; empty for none
 * @param region {@code auto} for R2
 * @param publicUrl where viewers read it, if not at the endpoint
 * @param writesAMonth the most writes that it may cost
 */
public record BucketSettings(
        URI endpoint, String bucket, String prefix, String region, Optional<URI> publicUrl, long writesAMonth) {
    public BucketSettings {
        if (bucket.isEmpty()) {
            throw new IllegalArgumentException("bucket: empty (expected: its name)");
        }
    }

    /** The base of all public URLs, without a slash at its end. */
    URI publicBase() {
        String base = publicUrl.map(URI::toString).orElse(endpoint + "/" + bucket);
        return URI.create(base.replaceAll("/+$", ""));
    }

    /** R2's own domain for trying things out: no cache, and few requests a second. */
    public boolean isDevelopmentDomain() {
        String host = String.valueOf(publicBase().getHost()).toLowerCase(Locale.ROOT);
        return host.endsWith(".r2.dev");
    }
}
