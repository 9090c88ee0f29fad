package live.tributary.mesh.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.FileRegion;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileAnswerTest {
    private static final int START = 100;
    private static final byte[] BODY = new byte[600_000];

    @TempDir
    Path directory;

    private final ByteBuf memory = Unpooled.directBuffer().writeBytes(BODY);
    private FileChannel opened;
    private SharedFile file;
    private Pace pace = Pace.UNLIMITED;
    private int regions;

    static {
        new Random(7).nextBytes(BODY);
    }

    @BeforeEach
    void open() throws IOException {
        Path path = directory.resolve("chunk");
        byte[] content = new byte[START + BODY.length];
        System.arraycopy(BODY, 0, content, START, BODY.length);
        Files.write(path, content);
        opened = FileChannel.open(path);
        file = new SharedFile(opened, START, BODY.length);
        memory.setBytes(0, BODY);
    }

    @AfterEach
    void everythingWasLetGo() {
        assertThat(memory.refCnt()).isEqualTo(1);
        assertThat(file.refCnt()).isEqualTo(1);
        file.release();
        assertThat(opened.isOpen()).isFalse();
        memory.release();
    }

    @Test
    void thePlainBodyLeavesTheFile() {
        EmbeddedChannel channel = channel(false);
        assertThat(body(ask(channel, "GET / HTTP/1.1\r\n\r\n"))).isEqualTo(BODY);
        assertThat(regions).isEqualTo(3); // In runs of 256 KiB.
        channel.finishAndReleaseAll();
    }

    @Test
    void aRangeOfTheFileIsCutWhereItShould() {
        EmbeddedChannel channel = channel(false);
        byte[] answer = ask(channel, "GET / HTTP/1.1\r\nrange: bytes=1000-200999\r\n\r\n");
        assertThat(text(answer)).startsWith("HTTP/1.1 206").contains("content-range: bytes 1000-200999/600000\r\n");
        assertThat(body(answer)).isEqualTo(Arrays.copyOfRange(BODY, 1000, 201_000));
        assertThat(regions).isEqualTo(1);
        channel.finishAndReleaseAll();
    }

    @Test
    void aShortRangeLeavesMemory() {
        EmbeddedChannel channel = channel(false);
        assertThat(body(ask(channel, "GET / HTTP/1.1\r\nrange: bytes=-1000\r\n\r\n")))
                .isEqualTo(Arrays.copyOfRange(BODY, BODY.length - 1000, BODY.length));
        assertThat(regions).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void withinTlsTheBodyLeavesMemory() {
        EmbeddedChannel channel = channel(true);
        assertThat(body(ask(channel, "GET / HTTP/1.1\r\n\r\n"))).isEqualTo(BODY);
        assertThat(regions).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void headAndRefusalsLetTheFileGo() {
        EmbeddedChannel channel = channel(false);
        assertThat(text(ask(channel, "HEAD / HTTP/1.1\r\n\r\n"))).contains("content-length: 600000\r\n");
        assertThat(text(ask(channel, "GET / HTTP/1.1\r\nif-none-match: \"e\"\r\n\r\n")))
                .startsWith("HTTP/1.1 304");
        assertThat(text(ask(channel, "GET / HTTP/1.1\r\nrange: bytes=600000-\r\n\r\n")))
                .startsWith("HTTP/1.1 416");
        assertThat(file.refCnt()).isEqualTo(1);
        channel.finishAndReleaseAll();
    }

    @Test
    void theNextRequestWaitsUntilThePartHasLeft() {
        EmbeddedChannel channel = channel(false);
        byte[] both = ask(channel, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        assertThat(both.length).isGreaterThan(2 * BODY.length);
        assertThat(text(both).indexOf("HTTP/1.1 200", 1)).isGreaterThan(BODY.length);
        channel.finishAndReleaseAll();
    }

    @Test
    void aClientThatLeavesLetsTheFileGo() {
        pace = (bytes, older) -> TimeUnit.HOURS.toNanos(1);
        EmbeddedChannel channel = channel(false);
        ask(channel, "GET / HTTP/1.1\r\n\r\n");
        assertThat(file.refCnt()).isEqualTo(2);
        channel.close();
        channel.runPendingTasks();
        channel.finishAndReleaseAll();
    }

    private EmbeddedChannel channel(boolean tls) {
        EmbeddedChannel channel = new Loopback();
        channel.freezeTime();
        HttpService service = query -> Optional.of(CompletableFuture.completedStage(new HttpAnswer(
                200,
                Map.of("accept-ranges", "bytes", "etag", "\"e\""),
                memory.retainedSlice(0, BODY.length),
                Optional.of(file.retain()),
                false)));
        new HttpServer(
                        java.util.List.of(service),
                        java.util.List.of(),
                        HttpLimits.DEFAULT,
                        (bytes, older) -> pace.take(bytes, older))
                .install(channel.pipeline(), tls);
        return channel;
    }

    private byte[] ask(EmbeddedChannel channel, String request) {
        channel.writeInbound(Unpooled.copiedBuffer(request, StandardCharsets.US_ASCII));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        WritableByteChannel sink = Channels.newChannel(out);
        for (Object part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            try {
                if (part instanceof FileRegion region) {
                    regions++;
                    while (region.transferred() < region.count()) {
                        region.transferTo(sink, region.transferred());
                    }
                    region.release();
                } else {
                    ByteBuf bytes = (ByteBuf) part;
                    bytes.readBytes(out, bytes.readableBytes());
                    bytes.release();
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
        return out.toByteArray();
    }

    private static String text(byte[] answer) {
        return new String(answer, StandardCharsets.ISO_8859_1);
    }

    private static byte[] body(byte[] answer) {
        return Arrays.copyOfRange(answer, text(answer).indexOf("\r\n\r\n") + 4, answer.length);
    }

    /** A channel without a socket whose other end seems to be this machine. */
    private static final class Loopback extends EmbeddedChannel {
        @Override
        protected SocketAddress remoteAddress0() {
            return new InetSocketAddress("127.0.0.1", 40_000);
        }
    }
}
