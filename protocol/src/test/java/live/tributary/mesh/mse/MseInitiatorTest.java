package live.tributary.mesh.mse;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import live.tributary.protocol.mse.MseKey;
import live.tributary.protocol.mse.MseSecret;
import live.tributary.protocol.mse.Rc4;
import live.tributary.protocol.stream.InfoHash;
import org.junit.jupiter.api.Test;

/** What a client that was dialled sees, with every length of its answer at its limit and one byte over. */
class MseInitiatorTest {
    private static final InfoHash TORRENT = InfoHash.fromHex("00112233445566778899aabbccddeeff00112233");
    private final StringBuilder read = new StringBuilder();
    private final EmbeddedChannel channel = new EmbeddedChannel(
            new MseInitiator(KeyExchanges.on(Runnable::run, new Random(3), () -> 0), TORRENT), new Greeter());
    private final MseKey key = new MseKey(new Random(8));
    private Rc4 incoming;
    private Rc4 outgoing;

    @Test
    void greetsBehindTheHandshakeInPlainText() {
        answerOneByOne(0, MseLimits.PLAINTEXT, 0);
        assertThat(received().toString(StandardCharsets.US_ASCII)).isEqualTo("greeting");
        send("welcome".getBytes(StandardCharsets.US_ASCII));
        assertThat(read).hasToString("welcome");
    }

    @Test
    void greetsBehindTheHandshakeEnciphered() {
        answerOneByOne(512, MseLimits.RC4, 512);
        ByteBuf greeting = received();
        incoming.apply(greeting);
        assertThat(greeting.toString(StandardCharsets.US_ASCII)).isEqualTo("greeting");
        byte[] welcome = "welcome".getBytes(StandardCharsets.US_ASCII);
        outgoing.apply(welcome);
        send(welcome);
        assertThat(read).hasToString("welcome");
    }

    @Test
    void leavesAnAnswerWithTooMuchPadding() {
        answerOneByOne(513, MseLimits.PLAINTEXT, 0);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void leavesAnAnswerWithTooMuchPaddingBehindTheChoice() {
        answerOneByOne(0, MseLimits.PLAINTEXT, 513);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void leavesAChoiceThatWasNotOffered() {
        answerOneByOne(0, 4, 0);
        assertThat(channel.isOpen()).isFalse();
    }

    /** The other side's whole part, with padding behind its key and behind its choice. */
    private void answerOneByOne(int padding, int chosen, int paddingBehind) {
        channel.runPendingTasks();
        ByteBuf opening = received();
        byte[] theirs = new byte[MseKey.LENGTH];
        opening.readBytes(theirs);
        assertThat(opening.readableBytes()).isBetween(0, 512);
        MseSecret secret = key.agree(theirs).orElseThrow();
        incoming = secret.fromDialler(TORRENT);
        outgoing = secret.fromAcceptor(TORRENT);
        sendOneByOne(key.publicKey());
        ByteBuf offer = received();
        assertThat(bytes(offer, 20)).isEqualTo(secret.sync());
        assertThat(secret.uncover(bytes(offer, 20))).isEqualTo(live.tributary.protocol.mse.ObfuscatedHash.of(TORRENT));
        byte[] options = bytes(offer, 16);
        incoming.apply(options);
        assertThat(options).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0);
        sendOneByOne(new byte[padding]);
        byte[] answer = ByteBuffer.allocate(14 + paddingBehind)
                .putLong(0)
                .putInt(chosen)
                .putShort((short) paddingBehind)
                .array();
        outgoing.apply(answer);
        sendOneByOne(answer);
    }

    private void sendOneByOne(byte[] bytes) {
        for (byte one : bytes) {
            send(new byte[] {one});
        }
    }

    private void send(byte[] bytes) {
        if (channel.isOpen()) {
            channel.writeInbound(Unpooled.copiedBuffer(bytes));
            channel.runPendingTasks();
        }
    }

    private ByteBuf received() {
        ByteBuf all = Unpooled.buffer();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            all.writeBytes(part);
            part.release();
        }
        return all;
    }

    private static byte[] bytes(ByteBuf from, int length) {
        byte[] bytes = new byte[length];
        from.readBytes(bytes);
        return bytes;
    }

    private final class Greeter extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush(Unpooled.copiedBuffer("greeting", StandardCharsets.US_ASCII));
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            read.append(bytes.toString(StandardCharsets.US_ASCII));
            bytes.release();
        }
    }
}
