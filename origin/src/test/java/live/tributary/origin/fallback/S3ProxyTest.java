package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import live.tributary.mesh.RelayView;
import live.tributary.origin.publish.FakeMesh;
import live.tributary.origin.publish.FixedClock;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.wire.LiveMessage;
import org.gaul.s3proxy.junit.S3ProxyExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** The bucket against somebody else's S3 server, behind a filter that is as strict as R2. */
class S3ProxyTest {
    private static final String ID = "local-id";
    private static final String SECRET = "local-secret";
    private static final String BUCKET = "live";
    private static final String BASE = Records.KEY.streamKey().text() + "/1";
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final Duration HISTORY = Duration.ofHours(1);

    private final FixedClock clock = new FixedClock();
    private final FakeMesh mesh = new FakeMesh(Records.KEY.streamKey());
    private final AtomicLong sent = new AtomicLong();

    @RegisterExtension
    private final S3ProxyExtension server = S3ProxyExtension.builder()
            .withCredentials(ID, SECRET)
            .withBlobStoreProvider("transient-nio2")
            .build();

    private S3Client reader;
    private StrictFilter s3;

    @TempDir
    private Path folder;

    @BeforeEach
    void startServer() throws IOException {
        s3 = new StrictFilter(server.getUri());
        reader = S3Client.builder()
                .endpointOverride(server.getUri())
                .region(Region.of("auto"))
                .credentialsProvider(credentials(SECRET))
                .httpClient(UrlConnectionHttpClient.create())
                .forcePathStyle(true)
                .build();
        reader.createBucket(request -> request.bucket(BUCKET));
    }

    @AfterEach
    void stopServer() throws IOException {
        reader.close();
        s3.close();
    }

    @Test
    void theBucketHoldsExactlyTheHistory() throws Exception {
        Map<String, byte[]> history = new HashMap<>();
        try (Bucket bucket = bucket(SECRET, 1)) {
            bucket.start();
            bucket.aboutChanged(about());
            for (long seq = 1; seq <= 40; seq++) {
                publish(bucket, seq);
                long stored = seq;
                await(() -> mesh.stored.size() == stored);
                clock.move(Duration.ofMinutes(3));
                Instant oldest = clock.instant().minus(HISTORY);
                if (!published(seq).isBefore(oldest)) {
                    history.put(name(seq), Records.bytes(seq));
                }
                long now = seq;
                history.keySet().removeIf(key -> published(seqOf(key, now)).isBefore(oldest));
            }
            await(() -> chunks().equals(history.keySet()));
        }
        assertThat(history).hasSize(20);
        for (Map.Entry<String, byte[]> chunk : history.entrySet()) {
            assertThat(content(chunk.getKey())).isEqualTo(chunk.getValue());
        }
        assertThat(keys()).contains(BASE + "/about", BASE + "/master.m3u8", BASE + "/0/live.m3u8");
        assertThat(s3.log).noneMatch(line -> line.endsWith(" 501") || line.endsWith(" 403"));
    }

    @Test
    void wrongCredentialsAreRefusedAndCostTheMeshNothing() throws Exception {
        long before = System.nanoTime();
        try (Bucket bucket = bucket("wrong", 1)) {
            bucket.start();
            for (long seq = 1; seq < 100; seq++) {
                publish(bucket, seq);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - before))
                    .as("what the publishing thread gave to it")
                    .isLessThan(Duration.ofSeconds(10));
            await(() -> s3.log.stream().anyMatch(line -> line.endsWith(" 403")));
        }
        assertThat(chunks()).isEmpty();
        assertThat(mesh.stored).isEmpty();
    }

    @Test
    void aBucketThatIsDownFullOrSilentHoldsNobodyUpAndIsUsedAgainAfterwards() throws Exception {
        try (Bucket bucket = bucket(SECRET, 1)) {
            bucket.start();
            long seq = 1;
            for (StrictFilter.Mood mood : StrictFilter.Mood.values()) {
                s3.mood = mood;
                int seen = s3.log.size();
                publish(bucket, seq++);
                await(() -> mood == StrictFilter.Mood.DOWN || s3.log.size() > seen);
                s3.mood = StrictFilter.Mood.WELL;
                long stored = mesh.stored.size();
                long[] next = {seq};
                await(
                        () -> { // Later chunks arrive whatever became of this one.
                            clock.move(Duration.ofSeconds(5));
                            publish(bucket, next[0]++);
                            return mesh.stored.size() > stored;
                        });
                seq = next[0];
            }
        }
        await(() -> s3.chunkPuts() == chunks().size()); // One may have been on its way still.
        assertThat(s3.chunkPuts()).isPositive();
        assertThat(mesh.stored.stream().map(word -> name(word.chunk().seq())))
                .as("whatever was said to be stored is there")
                .allMatch(chunks()::contains);
    }

    @Test
    void anOriginThatWasKilledUploadsNothingAgainAndDeletesWhatItLeft() throws Exception {
        try (Bucket bucket = bucket(SECRET, 1)) {
            bucket.start();
            for (long seq = 1; seq <= 5; seq++) {
                publish(bucket, seq);
            }
            await(() -> mesh.stored.size() == 5);
        }
        Files.writeString(
                folder.resolve("bucket.journal"),
                "put 17",
                java.nio.file.StandardOpenOption.APPEND); // Cut off by the kill.
        long puts = s3.chunkPuts();
        try (Bucket again = bucket(SECRET, 2)) {
            again.start();
            again.published(Records.record(6, clock.instant()), Records.bytes(6));
            await(() -> mesh.stored.size() == 6);
            assertThat(s3.chunkPuts()).isEqualTo(puts + 1);
            assertThat(chunks()).hasSize(6);

            clock.move(HISTORY.plusMinutes(1));
            await(() -> {
                clock.move(Duration.ofSeconds(1));
                return keys().isEmpty()
                        || keys().stream().noneMatch(key -> key.startsWith(BASE) && key.endsWith(".ts"));
            });
        }
    }

    @Test
    void aSignedPutCarriesItsOwnBytesUnderItsOwnNameAndNothingElse() throws Exception {
        PutSigner signer = new S3PutSigner(settings(), credentials(SECRET));
        byte[] bytes = Records.bytes(1);
        PutSigner.SignedPut put = sign(signer, "a/1.ts", bytes, Instant.now());

        byte[] other = bytes.clone();
        other[0] ^= 1;
        assertThat(status(put.url(), put.headers(), other)).as("other bytes").isEqualTo(400);
        assertThat(status(put.url(), put.headers(), new byte[0])).as("none").isIn(400, 403);
        assertThat(status(URI.create(put.url().toString().replace("1.ts", "2.ts")), put.headers(), bytes))
                .as("another name")
                .isEqualTo(403);
        List<String> unsigned = new ArrayList<>(put.headers());
        unsigned.replaceAll(header ->
                header.startsWith("x-amz-content-sha256") ? "x-amz-content-sha256: UNSIGNED-PAYLOAD" : header);
        assertThat(status(put.url(), unsigned, other)).as("without the hash").isEqualTo(403);
        List<String> retyped = new ArrayList<>(put.headers());
        retyped.replaceAll(header -> header.startsWith("content-type") ? "content-type: text/html" : header);
        assertThat(status(put.url(), retyped, bytes)).as("another type").isEqualTo(403);
        PutSigner.SignedPut old = sign(signer, "a/3.ts", bytes, Instant.now().minus(Duration.ofMinutes(20)));
        assertThat(status(old.url(), old.headers(), bytes)).as("too late").isEqualTo(403);
        assertThat(keys()).isEmpty();

        assertThat(status(put.url(), put.headers(), bytes)).isEqualTo(200);
        assertThat(content("a/1.ts")).isEqualTo(bytes);
        assertThat(String.join("\n", put.headers())).doesNotContain(SECRET);
    }

    @Test
    void nothingIsSignedWithCredentialsThatComeWithAToken() throws Exception {
        PutSigner signer = new S3PutSigner(
                settings(), StaticCredentialsProvider.create(AwsSessionCredentials.create(ID, SECRET, "token")));

        assertThat(signer.sign("a", Sha256.ofContent(new byte[1]), "a/b", "no-cache", Instant.now()))
                .isEmpty();
    }

    @Test
    void aRelayWritesAChunkInTheOriginsStead() throws Exception {
        clock.move(Duration.between(clock.instant(), Instant.now()));
        RelayKey relay = relay((byte) 9);
        try (Bucket bucket = bucket(SECRET, 1)) {
            bucket.start();
            publish(bucket, 1);
            await(() -> !mesh.puts.isEmpty());
            LiveMessage.Put put = mesh.puts.get(0);
            assertThat(put.verifies(Records.KEY.streamKey())).isTrue();
            assertThat(put.order().relay()).isEqualTo(relay);
            assertThat(status(put.order().url(), put.order().headers(), Records.bytes(1)))
                    .isEqualTo(200);
            await(() -> {
                clock.move(Duration.ofMillis(50));
                return mesh.stored.size() == 1;
            });
        }
        assertThat(content(name(1))).isEqualTo(Records.bytes(1));
        assertThat(s3.chunkPuts()).isEqualTo(1);
        assertThat(sent.get())
                .as("of what the origin sent, nothing was the chunk")
                .isLessThan(1000);
    }

    @Test
    void aChunkThatNoRelayDeliversIsTheOriginsOwnInTheEnd() throws Exception {
        clock.move(Duration.between(clock.instant(), Instant.now()));
        relay((byte) 9);
        try (Bucket bucket = bucket(SECRET, 1)) {
            bucket.start();
            publish(bucket, 1);
            await(() -> !mesh.puts.isEmpty());
            await(() -> {
                clock.move(Duration.ofMillis(50));
                return mesh.stored.size() == 1;
            });
        }
        assertThat(content(name(1))).isEqualTo(Records.bytes(1));
        assertThat(s3.log).anyMatch(line -> line.startsWith("HEAD "));
    }

    @Test
    void aRelayWritesWhatACrashKeptFromTheBucketToo() throws Exception {
        clock.move(Duration.between(clock.instant(), Instant.now()));
        mesh.records.add(Records.record(1, clock.instant()));
        relay((byte) 9);
        try (Bucket bucket = bucket(SECRET, 2)) {
            bucket.start();
            await(() -> !mesh.puts.isEmpty());
            LiveMessage.Put put = mesh.puts.get(0);
            assertThat(status(put.order().url(), put.order().headers(), Records.bytes(1)))
                    .isEqualTo(200);
            await(() -> {
                clock.move(Duration.ofMillis(50));
                return mesh.stored.size() == 1;
            });
        }
        assertThat(content(name(1))).isEqualTo(Records.bytes(1));
        assertThat(s3.chunkPuts()).isEqualTo(1);
        assertThat(sent.get()).as("sent by the origin").isLessThan(Records.bytes(1).length);
    }

    @Test
    void whatNoRelayWroteBehindACrashIsTheOriginsOwnInTheEnd() throws Exception {
        clock.move(Duration.between(clock.instant(), Instant.now()));
        mesh.records.add(Records.record(1, clock.instant()));
        relay((byte) 9);
        try (Bucket bucket = bucket(SECRET, 2)) {
            bucket.start();
            await(() -> !mesh.puts.isEmpty());
            await(() -> {
                clock.move(Duration.ofMillis(50));
                return mesh.stored.size() == 1;
            });
        }
        assertThat(content(name(1))).isEqualTo(Records.bytes(1));
        assertThat(mesh.puts).hasSize(1);
    }

    @Test
    void anOriginThatWasGoneForAMomentWaitsUntilItsRelaysHaveLinkedAgain() throws Exception {
        clock.move(Duration.between(clock.instant(), Instant.now()));
        mesh.records.add(Records.record(1, clock.instant()));
        try (Bucket bucket = bucket(SECRET, 2)) {
            bucket.start();
            await(() -> s3.log.stream().anyMatch(line -> line.startsWith("HEAD ")));
            publish(bucket, 2);
            relay((byte) 9);
            await(() -> {
                clock.move(Duration.ofMillis(20));
                return mesh.puts.stream().anyMatch(put -> put.order().chunk().seq() == 2);
            });
        }
        assertThat(s3.chunkPuts()).as("its own puts").isZero();
    }

    private RelayKey relay(byte seed) {
        byte[] bytes = new byte[32];
        bytes[0] = seed;
        RelayKey key = live.tributary.protocol.stream.SigningKey.fromSeed(bytes).relayKey();
        RelayView relay = new RelayView(key, NodeRole.RELAY, List.of(), Optional.empty(), true);
        mesh.holders.add(relay);
        return key;
    }

    private static PutSigner.SignedPut sign(PutSigner signer, String key, byte[] bytes, Instant now)
            throws ObjectStore.StoreException {
        return signer.sign(key, Sha256.ofContent(bytes), "video/mp2t", "public", now)
                .orElseThrow();
    }

    private static int status(URI url, List<String> headers, byte[] body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .version(HttpClient.Version.HTTP_1_1)
                .PUT(HttpRequest.BodyPublishers.ofByteArray(body));
        headers.forEach(header -> request.header(header.split(": ", 2)[0], header.split(": ", 2)[1]));
        return HttpClient.newHttpClient()
                .send(request.build(), HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private Set<String> keys() {
        return reader.listObjectsV2Paginator(request -> request.bucket(BUCKET)).contents().stream()
                .map(S3Object::key)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private Set<String> chunks() {
        return keys().stream().filter(key -> key.endsWith(".ts")).collect(Collectors.toCollection(TreeSet::new));
    }

    private byte[] content(String key) {
        return reader.getObjectAsBytes(request -> request.bucket(BUCKET).key(key))
                .asByteArray();
    }

    private final Map<Long, ChunkRecord> records = new HashMap<>();

    private void publish(Bucket bucket, long seq) {
        ChunkRecord record = Records.record(seq, clock.instant());
        records.put(seq, record);
        bucket.published(record, Records.bytes(seq));
    }

    private Instant published(long seq) {
        return records.get(seq).body().published();
    }

    private static long seqOf(String key, long newest) {
        long seq = Long.parseLong(key.substring(key.lastIndexOf('/') + 1, key.lastIndexOf('-')));
        assertThat(seq).isBetween(1L, newest);
        return seq;
    }

    private String name(long seq) {
        return BASE + "/0/" + BucketLayout.chunkName(Records.record(seq, Instant.EPOCH));
    }

    private Bucket bucket(String secret, long term) throws Exception {
        return new Bucket(
                settings(),
                Records.KEY,
                term,
                folder.resolve("bucket.journal"),
                HISTORY,
                mesh,
                new Bucket.Surroundings(
                        clock,
                        () -> clock.millis() * 1_000_000,
                        new SplittableRandom(1),
                        true,
                        bytes -> 0,
                        sent::addAndGet,
                        record -> Optional.of(Records.bytes(record.seq())),
                        why -> {}),
                Bucket.Opens.s3(settings(), credentials(secret)));
    }

    private BucketSettings settings() {
        return new BucketSettings(s3.uri(), BUCKET, "", "auto", Optional.empty(), Long.MAX_VALUE);
    }

    private static AwsCredentialsProvider credentials(String secret) {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(ID, secret));
    }

    private static About about() {
        return About.sign(
                new About.Body(
                        Records.KEY.streamKey(),
                        "Test",
                        "",
                        "",
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=1")),
                        Duration.ofSeconds(2),
                        Optional.empty()),
                Records.KEY);
    }

    private void await(BooleanSupplier fact) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!fact.getAsBoolean()) {
            assertThat(System.nanoTime()).as(() -> "time for " + s3.log).isLessThan(end);
            LockSupport.parkNanos(20_000_000);
        }
    }
}
