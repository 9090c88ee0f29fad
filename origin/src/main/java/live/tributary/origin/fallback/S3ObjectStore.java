package live.tributary.origin.fallback;

import java.time.Duration;
import java.util.Set;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

/**
 * A bucket behind the S3 API, spoken so that R2 takes it: path style, whole bodies instead of aws-chunked ones (R2 answers those
 * with a signature mismatch), checksums only where required, no ACLs. Retries are the caller's.
 */
final class S3ObjectStore implements ObjectStore {
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(15);
    private static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(8);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Set<Integer> REFUSALS = Set.of(401, 403, 404, 501);

    private final S3Client client;
    private final String bucket;

    S3ObjectStore(BucketSettings settings, AwsCredentialsProvider credentials) {
        this.bucket = settings.bucket();
        this.client = S3Client.builder()
                .endpointOverride(settings.endpoint())
                .region(Region.of(settings.region()))
                .credentialsProvider(credentials)
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT_TIMEOUT)
                        .socketTimeout(ATTEMPT_TIMEOUT))
                .serviceConfiguration(S3Configuration.builder()
                        .pathStyleAccessEnabled(true)
                        .chunkedEncodingEnabled(false)
                        .build())
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .overrideConfiguration(override -> override.apiCallTimeout(CALL_TIMEOUT)
                        .apiCallAttemptTimeout(ATTEMPT_TIMEOUT)
                        .retryStrategy(retry -> retry.maxAttempts(1)))
                .build();
    }

    @Override
    public void put(String key, byte[] bytes, String contentType, String cacheControl) throws StoreException {
        call(
                "put " + key,
                () -> client.putObject(
                        request -> request.bucket(bucket)
                                .key(key)
                                .contentType(contentType)
                                .cacheControl(cacheControl),
                        RequestBody.fromBytes(bytes)));
    }

    @Override
    public boolean has(String key, long length) throws StoreException {
        try {
            Long there = client.headObject(request -> request.bucket(bucket).key(key))
                    .contentLength();
            return there != null && there == length;
        } catch (NoSuchKeyException e) {
            return false;
        } catch (SdkException e) {
            throw failure("head " + key, e);
        }
    }

    @Override
    public void delete(String key) throws StoreException {
        call(
                "delete " + key,
                () -> client.deleteObject(request -> request.bucket(bucket).key(key)));
    }

    private static void call(String what, Runnable call) throws StoreException {
        try {
            call.run();
        } catch (SdkException e) {
            throw failure(what, e);
        }
    }

    private static StoreException failure(String what, SdkException e) {
        if (e instanceof AwsServiceException answer) {
            return new StoreException(
                    what + ": " + answer.statusCode() + " " + e.getMessage(),
                    REFUSALS.contains(answer.statusCode()),
                    e);
        }
        boolean credentials = String.valueOf(e.getMessage()).startsWith("Unable to load credentials");
        return new StoreException(what + ": " + e.getMessage(), credentials, e);
    }

    @Override
    public void close() {
        client.close();
    }
}
