package live.tributary.origin;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.mesh.program.UsageException;
import live.tributary.origin.fallback.BucketSettings;
import live.tributary.origin.fallback.CostEstimate;
import live.tributary.protocol.stream.Head;
import picocli.CommandLine.Option;

/** The bucket's options; a picocli mixin. */
final class BucketOptions {
    @Option(
            names = "--s3-endpoint",
            paramLabel = "URL",
            description = "S3 API of the fallback bucket; credentials come from the SDK's usual places.")
    private Optional<URI> endpoint = Optional.empty();

    @Option(names = "--s3-bucket", paramLabel = "NAME", description = "The bucket's name.")
    private Optional<String> bucket = Optional.empty();

    @Option(
            names = "--s3-prefix",
            paramLabel = "PREFIX",
            defaultValue = "",
            description = "What all keys in it begin with.")
    private String prefix = "";

    @Option(names = "--s3-region", paramLabel = "REGION", defaultValue = "auto", description = "The bucket's region.")
    private String region = "auto";

    @Option(
            names = "--s3-public-url",
            paramLabel = "URL",
            description = "Where viewers read the bucket (its endpoint unless given).")
    private Optional<URI> publicUrl = Optional.empty();

    @Option(
            names = "--bucket-budget",
            paramLabel = "DOLLARS",
            description =
                    "What the bucket's writes may cost a month, by R2's prices; then uploads stop (no limit unless given).")
    private Optional<Double> budget = Optional.empty();

    @Option(
            names = "--bucket-by-relays",
            arity = "1",
            paramLabel = "true|false",
            defaultValue = "true",
            description = "Let relays that hold a chunk write it to the bucket, so that it leaves here only once.")
    private boolean byRelays = true;

    /** Whether relays are asked: they write to https only, except on a private network. */
    boolean byRelays(boolean privateNetwork) {
        boolean secure = endpoint.filter(url -> "https".equalsIgnoreCase(url.getScheme()))
                .isPresent();
        return byRelays && (secure || privateNetwork);
    }

    /** What is said of a bucket where there is none would do nothing, and nobody would know. */
    private void requireNothingOfABucket() {
        Map<String, Boolean> given = new LinkedHashMap<>();
        given.put("--bucket-budget", budget.isPresent());
        given.put("--s3-public-url", publicUrl.isPresent());
        given.put("--s3-prefix", !prefix.isEmpty());
        given.forEach((option, is) -> {
            if (is) {
                throw new UsageException(option + ": no bucket (expected: --s3-endpoint and --s3-bucket beside it)");
            }
        });
    }

    Optional<BucketSettings> settings() {
        if (budget.filter(dollars -> !(dollars >= 0)).isPresent()) {
            throw new UsageException("--bucket-budget: " + budget.get() + " (expected: dollars, 0 or more)");
        }
        long writes = budget.map(CostEstimate::writesFor).orElse(Long.MAX_VALUE);
        if (endpoint.isPresent() != bucket.isPresent()) {
            String given = endpoint.isPresent() ? "--s3-endpoint" : "--s3-bucket";
            throw new UsageException(given + ": alone (expected: --s3-endpoint and --s3-bucket together)");
        }
        if (endpoint.isEmpty()) {
            requireNothingOfABucket();
        }
        Optional<URI> read = publicUrl.or(() -> endpoint);
        if (read.isPresent() && !Head.isBase(read.get())) {
            throw new UsageException((publicUrl.isPresent() ? "--s3-public-url: " : "--s3-endpoint: ") + read.get()
                    + " (expected: http or https, without user, query or fragment)");
        }
        return endpoint.flatMap(
                url -> bucket.map(name -> new BucketSettings(url, name, prefix, region, publicUrl, writes)));
    }
}
