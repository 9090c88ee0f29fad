package live.tributary.relay.bucket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.store.ChunkStore;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CourierTest {
    private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);
    private static final Duration BOUND = Duration.ofSeconds(30);
    private static final SigningKey RELAY = SigningKey.fromSeed(new byte[32]);

    private final SampleStream sample = new SampleStream(5, NOW);
    private final SampleStream.Chunk chunk = sample.next(300_000);
    private final ChunkStore store = ChunkStore.inMemory(10_000_000);
    private final Map<String, byte[]> bucket = new ConcurrentHashMap<>();
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong turns = new AtomicLong();
    private HttpServer server;

    @TempDir
    private Path folder;

    @BeforeEach
    void startServer() throws IOException {
        store.put(chunk.record(), chunk.buffer());
        server = HttpServer.create(loopback(), 0);
        server.createContext("/", this::take);
        server.start();
    }

    @AfterEach
    void stopServer() {
        server.stop(0);
        store.close();
    }

    @Test
    void writesTheChunkAsTheOriginSigned() {
        try (PinnedPut put = put(true);
                Courier courier = courier(put)) {
            courier.putAsked(order(url("/live/0/0.ts"), NOW.plusSeconds(60)));
            await(() -> bucket.containsKey("/live/0/0.ts"));
        }
        assertThat(bucket.get("/live/0/0.ts")).isEqualTo(chunk.bytes());
        assertThat(sent.get()).isEqualTo(300_000);
        assertThat(turns.get()).as("slice by slice, each in its turn").isEqualTo(5);
    }

    @Test
    void doesNothingThatItsOriginDidNotSignForItNow() {
        try (PinnedPut put = put(true);
                Courier courier = courier(put)) {
            LiveMessage.Put good = order(url("/good"), NOW.plusSeconds(60));
            courier.putAsked(order(url("/late"), NOW.minusSeconds(1)));
            courier.putAsked(order(url("/for-ever"), NOW.plus(Duration.ofMinutes(16))));
            courier.putAsked(new LiveMessage.Put(
                    order(url("/forged"), NOW.plusSeconds(60)).order(), good.signature()));
            courier.putAsked(LiveMessage.Put.sign(
                    new LiveMessage.Put.Order(
                            sample.signingKey().relayKey(),
                            chunk.record().chunk(),
                            url("/to-another"),
                            List.of(),
                            NOW.plusSeconds(60)),
                    sample.signingKey()));
            courier.putAsked(LiveMessage.Put.sign(
                    new LiveMessage.Put.Order(
                            RELAY.relayKey(), new ChunkId(0, 99), url("/not-here"), List.of(), NOW.plusSeconds(60)),
                    sample.signingKey()));
            courier.putAsked(LiveMessage.Put.sign(
                    new LiveMessage.Put.Order(
                            RELAY.relayKey(),
                            chunk.record().chunk(),
                            url("/smuggled"),
                            List.of("transfer-encoding: chunked"),
                            NOW.plusSeconds(60)),
                    sample.signingKey()));
            courier.putAsked(good);
            await(() -> bucket.containsKey("/good"));
        }
        assertThat(bucket).hasSize(1);
        assertThat(requests).hasValue(1);
    }

    @Test
    void asksNoPrivateAddressAndNoPlainHttpOnTheOpenNet() {
        try (PinnedPut put = put(false)) {
            assertThatThrownBy(() -> put.put(url("/a"), List.of(), chunk.record(), store))
                    .hasMessageContaining("expected: https");
            assertThatThrownBy(() -> put.put(secure(url("/a")), List.of(), chunk.record(), store))
                    .hasMessageContaining("expected: global unicast");
            assertThatThrownBy(() -> put.put(URI.create("https://user@127.0.0.1/a"), List.of(), chunk.record(), store))
                    .hasMessageContaining("with a user");
        }
        assertThat(requests).hasValue(0);
    }

    @Test
    void followsNoRedirect() throws IOException {
        try (PinnedPut put = put(true)) {
            assertThat(put.put(url("/redirect"), List.of(), chunk.record(), store))
                    .isEqualTo(307);
        }
        assertThat(requests).hasValue(1);
    }

    @Test
    void readsNoMoreThanAStatusLine() throws IOException {
        try (ServerSocket endless = new ServerSocket(0, 1, loopback().getAddress());
                PinnedPut put = put(true)) {
            Thread thread = new Thread(() -> {
                try (Socket client = endless.accept()) {
                    client.getInputStream().readNBytes(chunk.bytes().length);
                    client.getOutputStream()
                            .write("x".repeat(PinnedPut.MAX_STATUS_LINE + 1).getBytes(StandardCharsets.US_ASCII));
                    client.getInputStream().transferTo(OutputStream.nullOutputStream());
                } catch (IOException e) {
                    assertThat(e).hasMessageContaining("reset");
                }
            });
            thread.start();
            URI url = URI.create("http://127.0.0.1:" + endless.getLocalPort() + "/a");
            assertThatThrownBy(() -> put.put(url, List.of(), chunk.record(), store))
                    .hasMessageContaining("no status within 1024 bytes");
        }
    }

    @Test
    void theCertificateMustBeTheNames() throws Exception {
        KeyStore identity = identity();
        HttpsServer tls = HttpsServer.create(loopback(), 0);
        tls.setHttpsConfigurator(new HttpsConfigurator(serverContext(identity)));
        tls.createContext("/", this::take);
        tls.start();
        try (PinnedPut put = new PinnedPut(true, bytes -> 0, sent::addAndGet, trusting(identity))) {
            String port = ":" + tls.getAddress().getPort() + "/live/1.ts";
            assertThat(put.put(URI.create("https://localhost" + port), List.of(), chunk.record(), store))
                    .isEqualTo(200);
            assertThatThrownBy(() -> put.put(URI.create("https://127.0.0.1" + port), List.of(), chunk.record(), store))
                    .isInstanceOf(javax.net.ssl.SSLException.class);
        } finally {
            tls.stop(0);
        }
        assertThat(bucket.get("/live/1.ts")).isEqualTo(chunk.bytes());
        assertThat(requests).hasValue(1);
    }

    private void take(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        byte[] body = exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/redirect")) {
            exchange.getResponseHeaders().set("location", url("/elsewhere").toString());
            exchange.sendResponseHeaders(307, -1);
        } else {
            bucket.put(path, body);
            exchange.sendResponseHeaders(200, -1);
        }
        exchange.close();
    }

    private LiveMessage.Put order(URI url, Instant until) {
        return LiveMessage.Put.sign(
                new LiveMessage.Put.Order(
                        RELAY.relayKey(), chunk.record().chunk(), url, List.of("content-type: video/mp2t"), until),
                sample.signingKey());
    }

    private Courier courier(PinnedPut put) {
        return new Courier(sample.streamKey(), this::record, RELAY.relayKey(), store, put, () -> NOW);
    }

    private Optional<ChunkRecord> record(ChunkId id) {
        return Optional.of(chunk.record()).filter(one -> one.chunk().equals(id));
    }

    private PinnedPut put(boolean privateAddresses) {
        return new PinnedPut(
                privateAddresses,
                bytes -> {
                    turns.incrementAndGet();
                    return 0;
                },
                sent::addAndGet);
    }

    private URI url(String path) {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
    }

    private static URI secure(URI url) {
        return URI.create(url.toString().replace("http:", "https:"));
    }

    private static InetSocketAddress loopback() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    /** A certificate for localhost and not for its address. */
    private KeyStore identity() throws Exception {
        Path file = folder.resolve("identity.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-alias",
                        "a",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "password",
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore identity = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            identity.load(in, "password".toCharArray());
        }
        return identity;
    }

    private static SSLContext serverContext(KeyStore identity) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity, "password".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    private static SSLSocketFactory trusting(KeyStore identity) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("a", identity.getCertificate("a"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    private void await(BooleanSupplier fact) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!fact.getAsBoolean()) {
            assertThat(System.nanoTime()).as("time").isLessThan(end);
            LockSupport.parkNanos(20_000_000);
        }
    }
}
