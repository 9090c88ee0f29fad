package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import live.tributary.protocol.stream.Rendition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Feeds in folders as they are found, read as a program reads them. */
class FeedIngestTest {
    private static final String VARIANT = "#EXT-X-STREAM-INF:BANDWIDTH=1000000\n";

    private static final Duration A_LOOK = Duration.ofMillis(300);
    private static final String END = "#EXT-X-ENDLIST\n";

    private final Heard heard = new Heard();
    private FeedIngest ingest;

    @TempDir
    private Path folder;

    /** All that a feed has brought. */
    private static final class Heard implements IngestListener {
        private final List<String> chunks = new ArrayList<>();
        private final List<String> troubles = new ArrayList<>();
        private int described;

        @Override
        public synchronized void described(List<Rendition> renditions, Duration targetDuration) {
            described++;
            notifyAll();
        }

        @Override
        public synchronized void chunk(int rendition, IngestedChunk chunk) {
            chunks.add(rendition + "/" + chunk.name());
            notifyAll();
        }

        @Override
        public synchronized void trouble(String of, String why) {
            troubles.add(of + ": " + why);
            notifyAll();
        }

        @Override
        public void state(int rendition, FeedState state) {}

        @Override
        public void missed(int rendition, long segments) {}

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
