package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.tracker.WebTrackerResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutboxTest {
    private final Outbox outbox = new Outbox();

    @Test
    void keepsMessagesInOrderUntilTheyAreTaken() {
        assertThat(add("one")).isTrue();
        assertThat(add("two")).isFalse();
        assertThat(frames(outbox.take()))
                .hasSize(2)
                .satisfiesExactly(
                        first -> assertThat(first).contains("\"one\""),
                        second -> assertThat(second).contains("\"two\""));

        assertThat(add("three")).isTrue();
        assertThat(frames(outbox.take())).hasSize(1);
        assertThat(outbox.take().isReadable()).isFalse();
    }

    /** RFC 6455, 5.2: the shortest of the three forms of a length. */
    @ParameterizedTest
    @ValueSource(ints = {125, 126, 65_535, 65_536})
    void framesMessagesOfEveryLength(int length) {
        int around = frames(taken("")).get(0).length();
        String reason = "x".repeat(length - around);
        ByteBuf taken = taken(reason);
        int header = length < 126 ? 2 : length < 65_536 ? 4 : 10;

        assertThat(taken.readableBytes()).isEqualTo(header + length);
        assertThat(frames(taken)).singleElement().asString().contains(reason);
    }

    @Test
    void saysWhenItHasEnough() {
        while (!outbox.hasEnough()) {
            add("x".repeat(1000));
        }
        ByteBuf taken = outbox.take();
        assertThat(taken.readableBytes()).isBetween(Outbox.ENOUGH, Outbox.ENOUGH + 2000);
        assertThat(outbox.hasEnough()).isFalse();
        taken.release();
    }

    @Test
    void takesNothingMoreOnceItIsClosed() {
        add("one");
        outbox.close();
        assertThat(add("two")).isFalse();
        assertThat(outbox.take().isReadable()).isFalse();
    }

    private boolean add(String reason) {
        return outbox.add(
                new WebTrackerResponse.Failed("announce", new byte[0], reason), UnpooledByteBufAllocator.DEFAULT);
    }

    private ByteBuf taken(String reason) {
        add(reason);
        return outbox.take();
    }

    /** As a client reads them. */
    private static List<String> frames(ByteBuf bytes) {
        EmbeddedChannel client = new EmbeddedChannel(new WebSocket13FrameDecoder(WebSocketDecoderConfig.newBuilder()
                .expectMaskedFrames(false)
                .maxFramePayloadLength(100_000)
                .build()));
        client.writeInbound(bytes);
        List<String> texts = new ArrayList<>();
        for (TextWebSocketFrame frame = client.readInbound(); frame != null; frame = client.readInbound()) {
            texts.add(frame.text());
            frame.release();
        }
        client.finishAndReleaseAll();
        return texts;
    }
}
