package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntToLongFunction;
import live.tributary.origin.publish.FakeMesh;
import live.tributary.origin.publish.FixedClock;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** The real client of the SDK against a server as strict as R2. */
class BucketTest {
    private static final String BASE = "streams/" + Records.KEY.streamKey().text() + "/1";
    private static final long WRITES = 1_000_000;
    private static final Duration BOUND = Duration.ofSeconds(20);

    private final FixedClock clock = new FixedClock();
    private final FakeMesh mesh = new FakeMesh(Records.KEY.streamKey());
    private final AtomicLong sent = new AtomicLong();
    private StrictS3 s3;
    private volatile String trouble = "";

    @TempDir
    private Path folder;

    @BeforeEach
    void startServer() throws Exception {
        s3 = new StrictS3();
    }

    @AfterEach
    void stopServer() {
        s3.close();
    }

    @Test
    void storesChunksAndThenWhatListsThem() throws Exception {
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            bucket.aboutChanged(about());
            bucket.headChanged(head(Head.Status.LIVE, 1));
            publish(bucket, 7);
            await(() -> s3.objects.containsKey(BASE + "/0/live.m3u8") && s3.objects.containsKey(BASE + "/head"));

            String name = key(7).substring(key(7).lastIndexOf('/') + 1);
            StrictS3.Stored chunk = s3.objects.get(key(7));
            assertThat(chunk.bytes()).isEqualTo(Records.bytes(7));
            assertThat(chunk.contentType()).isEqualTo("video/mp2t");
            assertThat(chunk.cacheControl()).isEqualTo("public, max-age=31536000, immutable");
            StrictS3.Stored playlist = s3.objects.get(BASE + "/0/live.m3u8");
            assertThat(playlist.bytes())
                    .asString()
                    .contains("#EXT-X-MEDIA-SEQUENCE:7\n")
                    .endsWith("\n" + name + "\n");
            assertThat(playlist.contentType()).isEqualTo("application/vnd.apple.mpegurl");
            assertThat(playlist.cacheControl()).isEqualTo("public, max-age=1, s-maxage=1");
            await(() -> s3.objects.containsKey(BASE + "/about") && s3.objects.containsKey(BASE + "/master.m3u8"));
            assertThat(About.decode(s3.objects.get(BASE + "/about").bytes()).verifies())
                    .isTrue();
            assertThat(SignedHead.decode(s3.objects.get(BASE + "/head").bytes()).verifies())
                    .isTrue();
            await(() -> !mesh.stored.isEmpty());
            assertThat(mesh.stored.get(0).verifies(Records.KEY.streamKey())).isTrue();
            assertThat(s3.log).allMatch(line -> line.endsWith(" 200"));
            assertThat(sent.get()).isGreaterThan(Records.bytes(7).length);
        }
    }

    @Test
    void anEndClosesThePlaylists() throws Exception {
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            bucket.aboutChanged(about());
            bucket.headChanged(head(Head.Status.LIVE, 1));
            publish(bucket, 7);
            await(() -> s3.objects.containsKey(BASE + "/0/live.m3u8") && s3.objects.containsKey(BASE + "/head"));
            bucket.headChanged(head(Head.Status.ENDED, 2));
            await(() -> {
                clock.move(Duration.ofSeconds(1));
                byte[] playlist = s3.objects.get(BASE + "/0/live.m3u8").bytes();
                return new String(playlist, StandardCharsets.UTF_8).endsWith("\n#EXT-X-ENDLIST\n");
            });
        }
    }

    @Test
    void aBucketThatRefusesTheCredentialsIsLeftAloneForAWhile() throws Exception {
        try (Bucket bucket = bucket("wrong", 1)) {
            bucket.start();
            publish(bucket, 1);
            await(() -> !s3.log.isEmpty());
            for (long seq = 2; seq < 20; seq++) {
                publish(bucket, seq);
            }
        }
        assertThat(trouble).as("what the status page says").contains("the bucket did not take", "403");
        assertThat(s3.log).as("one for each writer").hasSizeBetween(1, 2).allMatch(line -> line.endsWith(" 403"));
        assertThat(mesh.stored).isEmpty();
    }

    @Test
    void aBucketThatIsDownIsTriedAgain() throws Exception {
        s3.down = true;
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            publish(bucket, 1);
            await(() -> s3.log.size() >= 1);
            s3.down = false;
            await(() -> {
                clock.move(Duration.ofMillis(20));
                if (mesh.stored.isEmpty()) {
                    publish(bucket, s3.log.size() + 1L);
                }
                return !mesh.stored.isEmpty();
            });
        }
        assertThat(s3.log.get(0)).endsWith(" 503");
        assertThat(s3.objects).isNotEmpty();
        assertThat(trouble).as("what the status page says").isEmpty();
    }

    @Test
    void whatCameTooLateFollowsAndNoPlaylistGoesBack() throws Exception {
        s3.down = true;
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            bucket.aboutChanged(about());
            publish(bucket, 1);
            await(() -> s3.log.stream().anyMatch(line -> line.equals("PUT " + key(1) + " 503")));
            clock.move(Duration.ofSeconds(10));
            publish(bucket, 2);
            s3.down = false;
            await(() -> {
                clock.move(Duration.ofMillis(200));
                if (mesh.stored.isEmpty()) {
                    publish(bucket, s3.log.size() + 2L);
                }
                return mesh.stored.stream().anyMatch(word -> word.chunk().seq() == 1)
                        && s3.objects.containsKey(BASE + "/0/live.m3u8");
            });
            assertThat(s3.objects).containsKey(key(1));
            assertThat(s3.objects.get(BASE + "/0/live.m3u8").bytes())
                    .asString()
                    .doesNotContain(BucketLayout.chunkName(Records.record(1, Instant.EPOCH)));
        }
    }

    @Test
    void whatACrashKeptFromTheBucketFollows() throws Exception {
        hold(1);
        hold(2);
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            publish(bucket, 1);
            await(() -> mesh.stored.size() == 1);
        }
        mesh.stored.clear();
        clock.move(Duration.ofMinutes(5));
        s3.down = true;
        try (Bucket again = bucket(StrictS3.SECRET, 2)) {
            again.start();
            await(() -> s3.log.contains("HEAD " + key(2) + " 503"));
            s3.down = false;
            await(() -> {
                clock.move(Duration.ofSeconds(1));
                return s3.objects.containsKey(key(2)) && !mesh.stored.isEmpty();
            });
        }
        assertThat(s3.objects.get(key(2)).bytes()).isEqualTo(Records.bytes(2));
        assertThat(mesh.stored)
                .as("what is known to be there is neither asked for nor put again")
                .extracting(word -> word.chunk().seq())
                .containsExactly(2L);
        assertThat(s3.log.stream().filter(line -> line.endsWith(key(1) + " 200")))
                .containsExactly("PUT " + key(1) + " 200");
    }

    @Test
    void whatWasPutBeforeACrashAndNotNotedIsOnlyLookedFor() throws Exception {
        hold(1);
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            publish(bucket, 1);
            await(() -> mesh.stored.size() == 1);
        }
        Files.writeString(journal(), Files.readString(journal()).replaceAll("(?m)^stored .*\\R", ""));
        mesh.stored.clear();
        s3.log.clear();
        try (Bucket again = bucket(StrictS3.SECRET, 2)) {
            again.start();
            await(() -> mesh.stored.size() == 1);
        }
        assertThat(s3.log).containsOnly("HEAD " + key(1) + " 200");
    }

    @Test
    void whatLeftTheHistoryMeanwhileIsNotStored() throws Exception {
        hold(1);
        clock.move(Duration.ofMinutes(61));
        try (Bucket bucket = bucket(StrictS3.SECRET, 2)) {
            bucket.start();
            publish(bucket, 2);
            await(() -> mesh.stored.size() == 1);
        }
        assertThat(s3.log).noneMatch(line -> line.contains(key(1)));
    }

    /** This node has the chunk, of term 1, from an earlier run. */
    private void hold(long seq) {
        mesh.records.add(Records.record(seq, clock.instant()));
    }

    @Test
    void theUplinkComesFirst() throws Exception {
        AtomicLong wait = new AtomicLong(Duration.ofMillis(10).toNanos());
        try (Bucket bucket = bucket(StrictS3.SECRET, 1, bytes -> wait.get())) {
            bucket.start();
            publish(bucket, 1);
            clock.move(Duration.ofMillis(500));
            assertThat(s3.log).isEmpty();
            wait.set(0);
            clock.move(Duration.ofMillis(500));
            await(() -> s3.objects.containsKey(key(1)));
        }
    }

    @Test
    void deletesWhatLeftTheHistoryAndTermsThatAreOver() throws Exception {
        try (Bucket bucket = bucket(StrictS3.SECRET, 1)) {
            bucket.start();
            bucket.aboutChanged(about());
            publish(bucket, 1);
            await(() -> s3.objects.containsKey(BASE + "/0/live.m3u8") && s3.objects.containsKey(BASE + "/about"));
        }
        Files.writeString(journal(), "put 12", StandardOpenOption.APPEND);
        clock.move(Duration.ofMinutes(59));
        try (Bucket again = bucket(StrictS3.SECRET, 2)) {
            again.start();
            publish(again, 2);
            await(() -> mesh.stored.size() == 2);
            assertThat(s3.objects).containsKey(key(1));

            clock.move(Duration.ofMinutes(2));
            String second = key(2).replace(BASE, BASE.replaceAll("1$", "2"));
            await(() -> {
                clock.move(Duration.ofSeconds(1));
                return s3.objects.keySet().stream().noneMatch(name -> name.startsWith(BASE + "/"));
            });
            assertThat(s3.objects).containsKey(second);
        }
        assertThat(Files.readString(journal())).doesNotContain(" " + BASE + "/0/1-\n");
    }

    @Test
    void aMissingBucketIsARefusal() {
        BucketSettings settings = new BucketSettings(s3.uri(), "other", "", "auto", Optional.empty(), WRITES);
        try (S3ObjectStore store = new S3ObjectStore(settings, credentials(StrictS3.SECRET))) {
            assertThatThrownBy(() -> store.put("a", new byte[1], "a/b", "no-cache"))
                    .isInstanceOfSatisfying(
                            ObjectStore.StoreException.class,
                            e -> assertThat(e.refused()).isTrue());
        }
    }

    @Test
    void namesItsPublicAddressAndWarnsOfADevelopmentDomain() {
        BucketSettings settings = settings(Optional.of(URI.create("https://pub-1.r2.dev/")));

        assertThat(Bucket.publicUrl(settings, Records.KEY, 1)).isEqualTo(URI.create("https://pub-1.r2.dev/" + BASE));
        assertThat(settings.isDevelopmentDomain()).isTrue();
        assertThat(settings(Optional.of(URI.create("https://cdn.example"))).isDevelopmentDomain())
                .isFalse();
        assertThat(Bucket.publicUrl(settings(Optional.empty()), Records.KEY, 1))
                .isEqualTo(URI.create(s3.uri() + "/live/" + BASE));
    }

    private void publish(Bucket bucket, long seq) {
        bucket.published(Records.record(seq, clock.instant()), Records.bytes(seq));
    }

    private String key(long seq) {
        return BASE + "/0/" + BucketLayout.chunkName(Records.record(seq, Instant.EPOCH));
    }

    private Bucket bucket(String secret, long term) throws Exception {
        return bucket(secret, term, bytes -> 0);
    }

    private Bucket bucket(String secret, long term, IntToLongFunction uplink) throws Exception {
        BucketSettings settings = settings(Optional.empty());
        return new Bucket(
                settings,
                Records.KEY,
                term,
                journal(),
                Duration.ofHours(1),
                mesh,
                new Bucket.Surroundings(
                        clock,
                        () -> clock.millis() * 1_000_000,
                        new SplittableRandom(1),
                        true,
                        uplink,
                        sent::addAndGet,
                        record -> Optional.of(Records.bytes(record.seq())),
                        why -> trouble = why),
                Bucket.Opens.s3(settings, credentials(secret)));
    }

    private Path journal() {
        return folder.resolve("bucket.journal");
    }

    private BucketSettings settings(Optional<URI> publicUrl) {
        return new BucketSettings(s3.uri(), StrictS3.BUCKET, "/streams/", "auto", publicUrl, WRITES);
    }

    private static StaticCredentialsProvider credentials(String secret) {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(StrictS3.ID, secret));
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

    private SignedHead head(Head.Status status, long seq) {
        return SignedHead.sign(
                new Head(
                        seq,
                        clock.instant().plusSeconds(600),
                        status,
                        1,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        about().hash()),
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
