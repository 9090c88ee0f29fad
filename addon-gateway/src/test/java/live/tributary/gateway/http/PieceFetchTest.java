package live.tributary.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.http.HttpService;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PieceFetchTest {
    private final Transport transport = Transport.best();
    private final EventLoopGroup loops = transport.newGroup("test", 1);
    private final FakeStream stream = FakeStream.live(1, "Harbour Radio", 1);
    private final ChunkRecord record = stream.newest(0, 1).get(0);

    @AfterEach
    void stop() {
        loops.shutdownGracefully();
    }

    private Outcome fetched(HttpService edge) throws Exception {
        try (BoundPort port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(), HttpServer.of(edge), Optional.empty()),
                Optional.empty())) {
            return fetch(port.port());
        }
    }

    private Outcome fetch(int port) {
        return new PieceFetch(transport.client(loops))
                .fetch(new Endpoint(InetAddress.getLoopbackAddress(), port), record, 0)
                .toCompletableFuture()
                .join();
    }

    private static HttpService serving(byte[] body) {
        return query -> Optional.of(CompletableFuture.completedStage(new HttpAnswer(
                200, Map.of("content-type", "video/mp2t", "accept-ranges", "bytes"), Unpooled.wrappedBuffer(body))));
    }

    @Test
    void takesThePieceThatTheRecordNames() throws Exception {
        assertThat(fetched(serving(FakeStream.content(0, record.seq())))).isEqualTo(Outcome.SERVED);
    }

    @Test
    void oneFlippedBitIsGarbage() throws Exception {
        byte[] content = FakeStream.content(0, record.seq());
        content[17] ^= 1;

        assertThat(fetched(serving(content))).isEqualTo(Outcome.GARBAGE);
    }

    @Test
    void refusesAPieceThatIsOneByteShortOrLong() throws Exception {
        byte[] content = FakeStream.content(0, record.seq());
        assertThat(fetched(serving(Arrays.copyOf(content, content.length - 1)))).isEqualTo(Outcome.FAILED);
        assertThat(fetched(query -> Optional.of(CompletableFuture.completedStage(new HttpAnswer(
                        206,
                        Map.of("content-type", "video/mp2t"),
                        Unpooled.wrappedBuffer(new byte[content.length + 1]))))))
                .isEqualTo(Outcome.FAILED);
    }

    @Test
    void notFoundIsAFailure() throws Exception {
        assertThat(fetched(query -> Optional.empty())).isEqualTo(Outcome.FAILED);
    }

    @Test
    void nobodyListeningIsAFailure() throws Exception {
        int free;
        try (BoundPort port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(List.of(), HttpServer.of(), Optional.empty()),
                Optional.empty())) {
            free = port.port();
        }
        assertThat(fetch(free)).isEqualTo(Outcome.FAILED);
    }
}
