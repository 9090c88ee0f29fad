package live.tributary.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.mesh.SampleStream;
import live.tributary.protocol.metainfo.ChunkTorrent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole relay, in a process of its own, beside an origin on loopback. */
class RelayProgramTest {
    private static final Duration BOUND = Duration.ofSeconds(30);

    @TempDir
    Path data;

    private final HttpClient client = HttpClient.newHttpClient();
    private final SampleStream sample =
            new SampleStream(5, Instant.now().minusSeconds(12)); // The third chunk is published about now.

    @Test
    void fetchesServesAndKeepsWhatItHeldThroughAKill() throws Exception {
        List<SampleStream.Chunk> chunks = new ArrayList<>();
        String live = "/live/" + sample.streamKey().text() + "/0/";
        try (TestOrigin origin = new TestOrigin(sample);
                RelayProcess relay = relay("--peer", "127.0.0.1:" + origin.port())) {
            for (int i = 0; i < 3; i++) {
                chunks.add(origin.publish(150_000 + i));
            }
            await(relay, live + "replay.m3u8", answer -> new String(answer.body()).contains("\n2.ts\n"));

            HttpResponse<byte[]> chunk = get(relay, live + "1.ts");
            assertThat(chunk.statusCode()).isEqualTo(200);
            assertThat(chunk.body()).isEqualTo(chunks.get(1).bytes());
            assertThat(chunk.headers().firstValue("content-type")).contains("video/mp2t");
            assertThat(chunk.headers().firstValue("access-control-allow-origin"))
                    .contains("*");
            HttpResponse<byte[]> part = client.send(
                    request(relay.port(), live + "1.ts")
                            .header("range", "bytes=100-199")
                            .build(),
                    BodyHandlers.ofByteArray());
            assertThat(part.statusCode()).isEqualTo(206);
            assertThat(part.body()).isEqualTo(Arrays.copyOfRange(chunks.get(1).bytes(), 100, 200));

            HttpResponse<byte[]> master =
                    get(relay, "/live/" + sample.streamKey().text() + "/master.m3u8");
            assertThat(new String(master.body())).contains("BANDWIDTH=800000\n0/live.m3u8");
            String infoHash = ChunkTorrent.of(chunks.get(0).record()).infoHash().hex();
            assertThat(get(relay, "/torrent/" + infoHash + ".torrent").statusCode())
                    .isEqualTo(200);
            assertThat(new String(get(relay, "/relay.json").body())).contains(relay.id(), "\"signed\"");
            assertThat(new String(get(relay, "/health").body())).contains("\"live\":true");
            assertThat(get(relay, "/nothing").statusCode()).isEqualTo(404);
            HttpResponse<String> metrics =
                    client.send(request(relay.adminPort(), "/metrics").build(), BodyHandlers.ofString());
            assertThat(metrics.body()).contains("tributary_chunks_total", "tributary_cache_bytes");
            awaitOnDisk(
                    relay,
                    chunks.stream().mapToLong(each -> each.bytes().length).sum());
            relay.kill();
        }
        try (RelayProcess relay = relay()) {
            for (int i = 0; i < 3; i++) {
                byte[] held = await(relay, live + i + ".ts", answer -> answer.statusCode() == 200)
                        .body();
                assertThat(held).isEqualTo(chunks.get(i).bytes());
            }
            assertThat(relay.stop()).isZero();
        }
    }

    @Test
    void refusesToRunWithoutAStream() throws Exception {
        Process process = RelayProcess.launch("--data", data.toString());
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(2);
    }

    @Test
    void purgeTakesTheCacheAway() throws Exception {
        Process process = RelayProcess.launch("purge", "--data", data.toString());
        assertThat(process.inputReader().readLine())
                .startsWith("0 files deleted")
                .endsWith(data.toString());
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void tellsWhereItIsWithEveryMeterAndCountsFromZero() throws Exception {
        try (RelayProcess relay = relay("--region", "52,5")) {
            String metrics = client.send(request(relay.adminPort(), "/metrics").build(), BodyHandlers.ofString())
                    .body();
            assertThat(metrics)
                    .contains(
                            "tributary_chunks_total{region=\"52,5\",result=\"rejected\"} 0.0",
                            "tributary_records_total{region=\"52,5\",result=\"bad-signature\"} 0.0",
                            "tributary_links{region=\"52,5\"} 0.0");
            assertThat(relay.stop()).isZero();
        }
    }

    @Test
    void theDoctorSaysWhetherTheRelayRuns() throws Exception {
        try (RelayProcess relay = relay()) {
            Process process = RelayProcess.launch(
                    "doctor",
                    "--data",
                    data.toString(),
                    "--port",
                    Integer.toString(relay.port()),
                    "--admin",
                    "127.0.0.1:" + relay.adminPort(),
                    "--cache-disk",
                    "1MB");
            String said = new String(process.getInputStream().readAllBytes());
            assertThat(said)
                    .contains(
                            "used by a running relay, " + relay.id(),
                            "nobody has come in over IPv4 yet",
                            "room for --cache-disk 1MB");
            assertThat(process.waitFor()).isZero();
        }
    }

    @Test
    void theDoctorSaysWhereTheDiskIsTooSmall() throws Exception {
        Process process =
                RelayProcess.launch("doctor", "--data", data.toString(), "--port", "0", "--cache-disk", "9000TB");
        String said = new String(process.getInputStream().readAllBytes());
        assertThat(said).contains("MB of --cache-disk 9000TB: less, or another --data");
        assertThat(process.waitFor()).isEqualTo(1);
    }

    private RelayProcess relay(String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "--stream",
                sample.streamKey().text(),
                "--bind",
                "127.0.0.1",
                "--port",
                "0",
                "--no-dht",
                "--dht-private",
                "--admin",
                "127.0.0.1:0",
                "--cache-disk",
                "100MB",
                "--data",
                data.toString()));
        arguments.addAll(List.of(more));
        return RelayProcess.start(arguments.toArray(String[]::new));
    }

    /** Asks until the answer is as wanted, or the time is up. */
    private HttpResponse<byte[]> await(RelayProcess relay, String path, Predicate<HttpResponse<byte[]>> wanted)
            throws Exception {
        Instant end = Instant.now().plus(BOUND);
        HttpResponse<byte[]> answer = get(relay, path);
        while (!wanted.test(answer)) {
            assertThat(Instant.now())
                    .as("%s: %s", path, new String(answer.body()))
                    .isBefore(end);
            Thread.onSpinWait();
            answer = get(relay, path);
        }
        return answer;
    }

    /** Asks until the disk tier says that it has so many bytes, or the time is up; a chunk is served before it is written. */
    private void awaitOnDisk(RelayProcess relay, long bytes) throws Exception {
        Pattern gauge = Pattern.compile("tributary_cache_bytes\\{[^}]*tier=\"disk\"[^}]*} (\\S+)");
        Instant end = Instant.now().plus(BOUND);
        while (true) {
            String metrics = client.send(request(relay.adminPort(), "/metrics").build(), BodyHandlers.ofString())
                    .body();
            Matcher found = gauge.matcher(metrics);
            if (found.find() && Double.parseDouble(found.group(1)) >= bytes) {
                return;
            }
            assertThat(Instant.now()).as("on disk: %s bytes", bytes).isBefore(end);
        }
    }

    private HttpResponse<byte[]> get(RelayProcess relay, String path) throws Exception {
        return client.send(request(relay.port(), path).build(), BodyHandlers.ofByteArray());
    }

    private static HttpRequest.Builder request(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(BOUND);
    }
}
