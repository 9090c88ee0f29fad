package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Feeds in folders as they are found, read as a program reads them. */
class FeedIngestTest {
    private static final String VARIANT = "#EXT-X-STREAM-INF:BANDWIDTH=1000000\n";

    private static final Duration A_LOOK = Duration.ofMillis(300);
    private static final String END = "#EXT-X-ENDLIST\n";

    private final Heard heard = new Heard();
    private final ExecutorService servers = Executors.newCachedThreadPool();
    private FeedIngest ingest;
    private Optional<HttpServer> server = Optional.empty();

    @TempDir
    private Path folder;

    /** All that a feed has brought. */
    private static final class Heard implements IngestListener {
        private final List<String> chunks = new ArrayList<>();
        private final List<String> breaks = new ArrayList<>();
        private final List<String> digests = new ArrayList<>();
        private final List<String> troubles = new ArrayList<>();
        private final Map<Integer, FeedState> states = new HashMap<>();
        private int described;

        @Override
        public synchronized void described(List<Rendition> renditions, Duration targetDuration) {
            described++;
            notifyAll();
        }

        @Override
        public synchronized void chunk(int rendition, IngestedChunk chunk) {
            chunks.add(rendition + "/" + chunk.name());
            digests.add(chunk.sha256().hex());
            if (chunk.afterBreak()) {
                breaks.add(rendition + "/" + chunk.name());
            }
            notifyAll();
        }

        @Override
        public synchronized void trouble(String of, String why) {
            troubles.add(of + ": " + why);
            notifyAll();
        }

        @Override
        public synchronized void state(int rendition, FeedState state) {
            states.put(rendition, state);
            notifyAll();
        }

        @Override
        public void missed(int rendition, long segments) {}

        synchronized List<String> of(int rendition) {
            return chunks.stream()
                    .filter(chunk -> chunk.startsWith(rendition + "/"))
                    .toList();
        }

        synchronized void await(Predicate<Heard> fact) throws InterruptedException {
            assertThat(within(Duration.ofSeconds(30), fact))
                    .as("a fact: %s, %s", chunks, troubles)
                    .isTrue();
        }

        synchronized boolean within(Duration time, Predicate<Heard> fact) throws InterruptedException {
            long end = System.nanoTime() + time.toNanos();
            while (!fact.test(this)) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
            return true;
        }
    }

    @AfterEach
    void close() {
        ingest.close();
        server.ifPresent(web -> web.stop(0));
        servers.shutdownNow();
    }

    @Test
    void aVariantWhoseListIsNotThereKeepsNoOtherOffTheAir() throws Exception {
        write("stream.m3u8", "#EXTM3U\n" + VARIANT + "0/stream.m3u8\n" + VARIANT + "1/stream.m3u8\n");
        read(folder, false);
        write("0/stream.m3u8", list(0, 1));
        heard.await(it -> it.described > 0);
        for (int to = 2; to < 100 && !heard.within(A_LOOK, it -> it.chunks.contains("0/1.ts")); to++) {
            write("0/stream.m3u8", list(0, to));
        }
        heard.await(it -> it.chunks.contains("0/1.ts"));
        heard.await(it -> it.troubles.stream().anyMatch(trouble -> trouble.startsWith("rendition 1: ")));

        write("1/stream.m3u8", list(0, 2));
        heard.await(it -> it.chunks.contains("1/1.ts"));
    }

    @Test
    void aMasterWhoseLastLineNeverGetsItsNewlineNamesAllItsVariants() throws Exception {
        write("0/stream.m3u8", list(0, 1) + END);
        write("1/stream.m3u8", list(0, 1) + END);
        write("stream.m3u8", "#EXTM3U\n" + VARIANT + "0/stream.m3u8\n" + VARIANT + "1/stream.m3u8");
        read(folder, true);

        heard.await(it -> it.chunks.contains("1/0.ts"));
        assertThat(heard.described).isEqualTo(1);
    }

    @Test
    void aListNeedNotHaveTheUsualSuffix() throws Exception {
        write("live.m3u", list(0, 1) + END);
        read(folder.resolve("live.m3u"), true);

        heard.await(it -> it.chunks.contains("0/0.ts"));
    }

    @Test
    void aListThatIsBeingFinishedIsLoopedOnceItIs() throws Exception {
        write("stream.m3u8", list(0, 1));
        read(folder, true);
        heard.await(it -> it.troubles.stream().anyMatch(trouble -> trouble.contains("no EXT-X-ENDLIST")));
        write("stream.m3u8", list(0, 2));
        assertThat(heard.chunks).isEmpty();

        write("stream.m3u8", list(0, 3) + END);
        heard.await(it -> it.chunks.size() > 4);
        assertThat(heard.chunks.subList(0, 5)).containsExactly("0/0.ts", "0/1.ts", "0/2.ts", "0/0.ts", "0/1.ts");
        heard.await(it -> it.troubles.contains("feed: "));
    }

    @Test
    void aMasterThatNamesItsListsByFreshTokensIsOneFeed() throws Exception {
        AtomicInteger tokens = new AtomicInteger();
        AtomicInteger oldest = new AtomicInteger();
        URI feed = serve(Map.of(
                "/live.m3u8",
                exchange -> {
                    int token = tokens.incrementAndGet();
                    answer(
                            exchange,
                            "#EXTM3U\n" + VARIANT + "0/stream.m3u8?token=" + token + "\n" + VARIANT
                                    + "1/stream.m3u8?token=" + token + "\n");
                },
                "/0/",
                expiring(oldest),
                "/1/",
                expiring(oldest)));
        read(feed, A_LOOK.dividedBy(10));

        heard.await(it -> it.of(0).size() >= 3 && it.of(1).size() >= 3 && tokens.get() > 3);
        oldest.set(tokens.get() + 1);
        int first = heard.of(0).size();
        int second = heard.of(1).size();
        heard.await(it -> it.of(0).size() >= first + 3 && it.of(1).size() >= second + 3);
        assertThat(heard.of(0)).doesNotHaveDuplicates();
        assertThat(heard.of(1)).doesNotHaveDuplicates();
        assertThat(heard.breaks).isSubsetOf(heard.of(0).get(0), heard.of(1).get(0));
        assertThat(heard.described).isEqualTo(1);
    }

    /** Lists that go on with each reading, and segments; whoever asks by an old token for a list is told that there is none. */
    private static HttpHandler expiring(AtomicInteger oldest) {
        AtomicInteger readings = new AtomicInteger();
        return exchange -> {
            String query = exchange.getRequestURI().getQuery();
            if (query == null) {
                answer(exchange, FeedScript.ts(exchange.getRequestURI().getPath()));
            } else if (Integer.parseInt(query.split("=")[1]) < oldest.get()) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                answer(exchange, list(0, 1 + readings.incrementAndGet() / 4));
            }
        };
    }

    @Test
    void variantsThatOnlyTheirQueryTellsApartAreNotTakenForEachOther() throws Exception {
        AtomicReference<List<Integer>> variants = new AtomicReference<>(List.of(720, 1080));
        AtomicInteger readings = new AtomicInteger();
        URI feed = serve(Map.of(
                "/live.m3u8",
                exchange -> answer(
                        exchange,
                        variants.get().stream()
                                .map(height -> "#EXT-X-STREAM-INF:BANDWIDTH=" + height + "000\nhls.m3u8?q=" + height)
                                .collect(Collectors.joining("\n", "#EXTM3U\n", "\n"))),
                "/hls.m3u8",
                exchange -> answer(
                        exchange,
                        list(0, 1 + readings.incrementAndGet() / 4)
                                .replace(".ts", "-" + exchange.getRequestURI().getQuery() + ".ts")),
                "/",
                exchange ->
                        answer(exchange, FeedScript.ts(exchange.getRequestURI().getPath()))));
        read(feed, A_LOOK.dividedBy(10));
        heard.await(it -> isNewest(it.of(0), "q=720") && isNewest(it.of(1), "q=1080"));

        variants.set(List.of(1080, 720));
        heard.await(it -> isNewest(it.of(0), "q=1080") && isNewest(it.of(1), "q=720"));
        variants.set(List.of(720));
        heard.await(it -> isNewest(it.of(0), "q=720"));
        assertThat(heard.described).isEqualTo(3);
    }

    private static boolean isNewest(List<String> chunks, String variant) {
        return !chunks.isEmpty() && chunks.get(chunks.size() - 1).contains(variant);
    }

    @Test
    void aListThatIsOverIsOfflineThoughTheOneBeforeItWasLive() throws Exception {
        read(folder.toString(), A_LOOK.dividedBy(10));
        heard.await(it -> it.troubles.stream().anyMatch(trouble -> trouble.contains("no playlist")));
        write("a/stream.m3u8", list(0, 2));
        write("b/stream.m3u8", list(0, 2) + END);
        write("stream.m3u8", "#EXTM3U\n" + VARIANT + "a/stream.m3u8\n");
        heard.await(it -> it.states.get(0) == FeedState.LIVE);

        write("stream.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000\nb/stream.m3u8\n");
        heard.await(it -> it.described == 2);
        heard.await(it -> it.states.get(0) == FeedState.OFFLINE);
    }

    @Test
    void aReaderThatWasReplacedWhileItWaitedForItsServerBringsNothing() throws Exception {
        Set<Thread> others = readers();
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        AtomicReference<String> master = new AtomicReference<>("#EXTM3U\n" + VARIANT + "a/stream.m3u8\n");
        URI feed = serve(Map.of(
                "/live.m3u8",
                exchange -> answer(exchange, master.get()),
                "/a/",
                growing(exchange -> {
                    asked.countDown();
                    awaitUninterrupted(stuck);
                }),
                "/b/",
                growing(exchange -> {})));
        read(feed, A_LOOK.dividedBy(10));
        assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
        Set<Thread> replaced = readers();
        replaced.removeAll(others);
        assertThat(replaced).hasSize(1);

        master.set("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000\nb/stream.m3u8\n");
        heard.await(it -> it.chunks.size() >= 2);
        int brought = heard.of(0).size();
        stuck.countDown();
        for (Thread reader : replaced) {
            reader.join(30_000);
            assertThat(reader.isAlive()).isFalse();
        }
        heard.await(it -> it.chunks.size() > brought + 1);
        assertThat(heard.digests).doesNotContain(digest("/a/0.ts"), digest("/a/1.ts"), digest("/a/2.ts"));
        assertThat(heard.breaks.get(0))
                .as("another list's segments follow behind a break")
                .isEqualTo(heard.chunks.get(0));
    }

    /** Lists that go on with each reading; {@code before} is done before a segment is sent. */
    private static HttpHandler growing(HttpHandler before) {
        AtomicInteger readings = new AtomicInteger();
        return exchange -> {
            String path = exchange.getRequestURI().getPath();
            if (path.endsWith(".ts")) {
                if (exchange.getRequestMethod().equals("GET")) {
                    before.handle(exchange);
                }
                answer(exchange, FeedScript.ts(path));
            } else {
                int end = 1 + readings.incrementAndGet() / 4;
                answer(exchange, list(Math.max(0, end - 6), end));
            }
        };
    }

    private static void awaitUninterrupted(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new InterruptedIOException("the test is over");
        }
    }

    private static Set<Thread> readers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("ingest-0"))
                .collect(Collectors.toSet());
    }

    private static String digest(String content) {
        return Sha256.ofContent(FeedScript.ts(content)).hex();
    }

    @Test
    void aListIsReadOnceToBeKnownSoThatAServerMayFailEveryOtherTime() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        URI feed = serve(Map.of("/live.m3u8", exchange -> {
            if (asked.incrementAndGet() % 2 == 0) {
                answer(exchange, list(0, 1));
            } else {
                exchange.sendResponseHeaders(503, -1);
            }
        }));
        read(feed, Duration.ofHours(1));

        heard.await(it -> it.described == 1);
        assertThat(heard.troubles.get(0)).contains("503 (expected: 200)");
    }

    @Test
    void whatIsWrongWithAVariantIsOverOnceTheFeedHasItNoMore() throws Exception {
        write("0/stream.m3u8", list(0, 1));
        write("stream.m3u8", "#EXTM3U\n" + VARIANT + "0/stream.m3u8\n" + VARIANT + "1/stream.m3u8\n");
        read(folder.toString(), A_LOOK.dividedBy(10));
        heard.await(it -> it.troubles.stream().anyMatch(trouble -> trouble.startsWith("rendition 1: its")));

        write("stream.m3u8", "#EXTM3U\n" + VARIANT + "0/stream.m3u8\n");
        heard.await(it -> it.described == 2);
        heard.await(it -> it.troubles.contains("rendition 1: "));
    }

    @Test
    void aWholeListThatIsPutWhereThereWasNoneIsTakenThoughItNeverEndsNorMoves() throws Exception {
        read(folder, false);
        heard.await(it -> it.troubles.stream().anyMatch(trouble -> trouble.contains("no playlist")));
        write("stream.m3u8", list(0, 3));

        heard.await(it -> it.chunks.size() == 3);
    }

    private URI serve(Map<String, HttpHandler> handlers) throws IOException {
        HttpServer web = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server = Optional.of(web);
        web.setExecutor(servers);
        handlers.forEach(web::createContext);
        web.start();
        return URI.create("http://127.0.0.1:" + web.getAddress().getPort() + "/live.m3u8");
    }

    private static void answer(HttpExchange exchange, String text) throws IOException {
        answer(exchange, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void answer(HttpExchange exchange, byte[] body) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (head) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
        }
        exchange.sendResponseHeaders(200, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private void read(Object feed, Duration interval) {
        ingest = new FeedIngest(
                new FeedIngest.Config(feed.toString(), false, Set.of(), Map.of()),
                InstantSource.system(),
                heard,
                interval);
        ingest.start();
    }

    private void read(Path feed, boolean loop) {
        ingest = new FeedIngest(
                new FeedIngest.Config(feed.toString(), loop, Set.of(), Map.of()), InstantSource.system(), heard);
        ingest.start();
    }

    /** A list of segments, whose files are beside it. */
    private static String list(int from, int to) {
        StringBuilder list =
                new StringBuilder("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:" + from + "\n");
        for (int i = from; i < to; i++) {
            list.append("#EXTINF:1,\n").append(i).append(".ts\n");
        }
        return list.toString();
    }

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        for (String line : text.lines().filter(one -> one.endsWith(".ts")).toList()) {
            Files.write(file.resolveSibling(line), FeedScript.ts(name + line));
        }
        Files.writeString(file, text);
    }
}
