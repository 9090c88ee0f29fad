package live.tributary.origin.fallback;

import java.net.URI;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.stream.Sha256;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.core.exception.SdkException;

/** Signs puts with the bucket's own credentials, which stay here. */
final class S3PutSigner implements PutSigner {
    private final BucketSettings settings;
    private final AwsCredentialsProvider provider;

    S3PutSigner(BucketSettings settings, AwsCredentialsProvider provider) {
        this.settings = settings;
        this.provider = provider;
    }

    @Override
    public Optional<SignedPut> sign(String key, Sha256 content, String contentType, String cacheControl, Instant now)
            throws ObjectStore.StoreException {
        AwsCredentials credentials;
        try {
            credentials = provider.resolveCredentials();
        } catch (SdkException e) {
            throw new ObjectStore.StoreException("no credentials for the bucket: " + e.getMessage(), true, e);
        }
        if (credentials instanceof AwsSessionCredentials) {
            return Optional.empty();
        }
        String base = settings.endpoint().toString().replaceAll("/+$", "");
        URI url = URI.create(base + "/" + settings.bucket() + "/" + key);
        SigV4 signer = new SigV4(credentials.accessKeyId(), credentials.secretAccessKey(), settings.region());
        return Optional.of(new SignedPut(
                url,
                signer.put(url, content, Map.of("content-type", contentType, "cache-control", cacheControl), now)));
    }
}
