package live.tributary.protocol.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import live.tributary.protocol.stream.InfoHash;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeerMessageDecoderTest {
    private static final int MAX_BITFIELD = 64;
    private static final int MAX_EXTENDED = 100;
    private static final long LAST_PIECE = 0xffffffffL;

    @Test
    void readsEveryMessageByteByByte() {
        for (PeerMessage message : oneOfEach(new Random(1))) {
            byte[] wire = wire(message);
            EmbeddedChannel channel = reader();
            for (int i = 0; i < wire.length; i++) {
                assertThat(channel.inboundMessages())
                        .as("%s at byte %d", message, i)
                        .isEmpty();
                channel.writeInbound(Unpooled.wrappedBuffer(wire, i, 1));
            }
            assertThat(text(channel.readInbound())).isEqualTo(text(message));
            assertThat(PeerMessageEncoder.lengthOf(message)).isEqualTo(wire.length);
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void readsAStreamOfMessagesSplitAtEveryByte() {
        List<PeerMessage> messages = oneOfEach(new Random(2));
        ByteBuf all = Unpooled.buffer();
        messages.forEach(message -> all.writeBytes(wire(message)));
        byte[] wire = ByteBufUtil.getBytes(all);
        List<String> expected =
                messages.stream().map(PeerMessageDecoderTest::text).toList();
        for (int split = 1; split < wire.length; split++) {
            EmbeddedChannel channel = reader();
            channel.writeInbound(Unpooled.copiedBuffer(wire, 0, split));
            channel.writeInbound(Unpooled.copiedBuffer(wire, split, wire.length - split));
            assertThat(drain(channel)).as("split at %d", split).isEqualTo(expected);
            channel.finishAndReleaseAll();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14})
    void readsWhatTheEncoderWrote(long seed) {
        Random random = new Random(seed);
        EmbeddedChannel channel = reader();
        List<String> expected = new ArrayList<>();
        for (int round = 0; round < 50; round++) {
            for (PeerMessage message : oneOfEach(random)) {
                expected.add(text(message));
                channel.writeInbound(Unpooled.wrappedBuffer(wire(message)));
            }
        }
        assertThat(drain(channel)).isEqualTo(expected);
        channel.finishAndReleaseAll();
    }

    @Test
    void takesTheLongestBlockAndNoByteMore() {
        assertThat(accepted(piece(PeerMessageDecoder.MAX_BLOCK))).isTrue();
        refuses(piece(PeerMessageDecoder.MAX_BLOCK + 1));
    }

    @Test
    void takesTheLongestBitfieldAndNoByteMore() {
        assertThat(accepted(new PeerMessage.Bitfield(new byte[MAX_BITFIELD]))).isTrue();
        refuses(new PeerMessage.Bitfield(new byte[MAX_BITFIELD + 1]));
    }

    @Test
    void takesTheLongestExtendedPayloadAndNoByteMore() {
        assertThat(accepted(new PeerMessage.Extended(3, new byte[MAX_EXTENDED])))
                .isTrue();
        refuses(new PeerMessage.Extended(3, new byte[MAX_EXTENDED + 1]));
    }

    @Test
    void aLinkTakesTheLongestRecordsPageAndNoByteMore() {
        EmbeddedChannel channel = new EmbeddedChannel(PeerMessageDecoder.ofLink());
        channel.writeInbound(
                Unpooled.wrappedBuffer(wire(new PeerMessage.Extended(3, new byte[LiveMessageCodec.MAX_ENCODED]))));
        assertThat(channel.<PeerMessage>readInbound()).isInstanceOf(PeerMessage.Extended.class);
        assertThatThrownBy(() -> channel.writeInbound(Unpooled.wrappedBuffer(
                        wire(new PeerMessage.Extended(3, new byte[LiveMessageCodec.MAX_ENCODED + 1])))))
                .isInstanceOf(WireException.class);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void skipsTheLongestUnknownMessageAndRefusesOneByteMore() {
        EmbeddedChannel channel = new EmbeddedChannel(new PeerMessageDecoder(MAX_BITFIELD, 64 * 1024));
        channel.writeInbound(raw(99, PeerMessageDecoder.MAX_UNKNOWN));
        assertThat(channel.<Object>readInbound()).isEqualTo(new PeerMessage.Unknown(99));
        assertThatThrownBy(() -> channel.writeInbound(raw(99, PeerMessageDecoder.MAX_UNKNOWN + 1)))
                .isInstanceOf(WireException.class);
        channel.finishAndReleaseAll();
    }

    @Test
    void refusesAMessageOfFixedLengthThatIsLongerOrShorter() {
        for (int id : new int[] {0, 1, 2, 3, 4, 6, 8, 9, 13, 14, 15, 16, 17}) {
            int right = PeerMessageType.of(id).orElseThrow().bodyLength();
            refuses(raw(id, right + 1));
            if (right > 0) {
                refuses(raw(id, right - 1));
            }
        }
        refuses(raw(7, 8)); // PIECE without a byte.
    }

    @Test
    void refusesALengthBeforeItsBodyIsSent() {
        EmbeddedChannel channel = reader();
        assertThatThrownBy(() -> channel.writeInbound(Unpooled.buffer().writeInt(Integer.MAX_VALUE)))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("2147483647");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void refusesAnOffsetOf32Bits() {
        refuses(raw(6, 12, 0xff));
    }

    @Test
    void readsNothingBehindABrokenMessage() {
        EmbeddedChannel channel = reader();
        ByteBuf wire = Unpooled.buffer().writeInt(2).writeByte(0).writeByte(0);
        assertThatThrownBy(() -> channel.writeInbound(wire.writeBytes(wire(new PeerMessage.Unchoke()))))
                .isInstanceOf(WireException.class);
        assertThat(channel.inboundMessages()).isEmpty();
    }

    @Test
    void aHandshakeComesFirstAndLeavesWhatFollows() {
        Handshake handshake = new Handshake(InfoHash.of(new byte[20]), new byte[20], true, true);
        ByteBuf first = Unpooled.buffer();
        handshake.write(first);
        first.writeBytes(wire(new PeerMessage.HaveNone()));
        byte[] wire = ByteBufUtil.getBytes(first);
        for (int split = 1; split < wire.length; split++) {
            EmbeddedChannel channel =
                    new EmbeddedChannel(new HandshakeDecoder(), new PeerMessageDecoder(MAX_BITFIELD, MAX_EXTENDED));
            channel.writeInbound(Unpooled.copiedBuffer(wire, 0, split));
            channel.writeInbound(Unpooled.copiedBuffer(wire, split, wire.length - split));
            assertThat(channel.<Handshake>readInbound().extensions()).isTrue();
            assertThat(channel.<Object>readInbound()).isEqualTo(new PeerMessage.HaveNone());
            assertThat(channel.pipeline().get(HandshakeDecoder.class)).isNull();
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void anotherProtocolsFirstBytesCloseTheChannel() {
        EmbeddedChannel channel = new EmbeddedChannel(new HandshakeDecoder());
        assertThatThrownBy(() -> channel.writeInbound(Unpooled.wrappedBuffer(new byte[Handshake.LENGTH])))
                .isInstanceOf(WireException.class);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void aPieceLeavesWithoutACopyAndIsReleased() {
        ByteBuf chunk = Unpooled.directBuffer(100).writeZero(60);
        CompositeByteBuf data = Unpooled.compositeBuffer()
                .addComponent(true, chunk.retainedSlice(0, 40))
                .addComponent(true, chunk.retainedSlice(40, 20));
        EmbeddedChannel channel = new EmbeddedChannel(new PeerMessageEncoder());
        var written = channel.writeOneOutbound(new PeerMessage.Piece(LAST_PIECE, 16384, data));
        channel.flushOutbound();
        ByteBuf header = channel.readOutbound();
        assertThat(header.readableBytes()).isEqualTo(PeerMessageEncoder.PIECE_OVERHEAD);
        assertThat(ByteBufUtil.hexDump(header)).isEqualTo("00000045" + "07" + "ffffffff" + "00004000");
        ByteBuf body = channel.readOutbound();
        assertThat(body).isSameAs(data);
        assertThat(written.isSuccess()).isTrue();
        header.release();
        body.release();
        assertThat(chunk.refCnt()).isOne();
        chunk.release();
    }

    private static EmbeddedChannel reader() {
        return new EmbeddedChannel(new PeerMessageDecoder(MAX_BITFIELD, MAX_EXTENDED));
    }

    private static List<PeerMessage> oneOfEach(Random random) {
        long piece = Integer.toUnsignedLong(random.nextInt());
        PeerMessage.Block block =
                new PeerMessage.Block(piece, random.nextInt(Integer.MAX_VALUE), random.nextInt(Integer.MAX_VALUE));
        byte[] bytes = new byte[1 + random.nextInt(MAX_BITFIELD)];
        random.nextBytes(bytes);
        return List.of(
                new PeerMessage.KeepAlive(),
                new PeerMessage.Choke(),
                new PeerMessage.Unchoke(),
                new PeerMessage.Interested(),
                new PeerMessage.NotInterested(),
                new PeerMessage.Have(piece),
                new PeerMessage.Bitfield(bytes),
                new PeerMessage.Request(block),
                new PeerMessage.Piece(piece, block.begin(), Unpooled.wrappedBuffer(bytes)),
                new PeerMessage.Cancel(block),
                new PeerMessage.Port(random.nextInt(65536)),
                new PeerMessage.Suggest(piece),
                new PeerMessage.HaveAll(),
                new PeerMessage.HaveNone(),
                new PeerMessage.Reject(block),
                new PeerMessage.AllowedFast(LAST_PIECE),
                new PeerMessage.Extended(random.nextInt(256), bytes));
    }

    private static PeerMessage.Piece piece(int length) {
        return new PeerMessage.Piece(1, 0, Unpooled.wrappedBuffer(new byte[length]));
    }

    private static boolean accepted(PeerMessage message) {
        EmbeddedChannel channel = reader();
        boolean accepted = channel.writeInbound(Unpooled.wrappedBuffer(wire(message)));
        channel.finishAndReleaseAll();
        return accepted;
    }

    private static void refuses(PeerMessage message) {
        refuses(Unpooled.wrappedBuffer(wire(message)));
    }

    private static void refuses(ByteBuf wire) {
        EmbeddedChannel channel = reader();
        assertThatThrownBy(() -> channel.writeInbound(wire)).isInstanceOf(WireException.class);
        assertThat(channel.isOpen()).isFalse();
        assertThat(channel.inboundMessages()).isEmpty();
    }

    private static ByteBuf raw(int id, int bodyLength) {
        return raw(id, bodyLength, 0);
    }

    private static ByteBuf raw(int id, int bodyLength, int fill) {
        ByteBuf wire = Unpooled.buffer().writeInt(1 + bodyLength).writeByte(id);
        for (int i = 0; i < bodyLength; i++) {
            wire.writeByte(fill);
        }
        return wire;
    }

    private static byte[] wire(PeerMessage message) {
        EmbeddedChannel channel = new EmbeddedChannel(new PeerMessageEncoder());
        channel.writeOutbound(
                message instanceof PeerMessage.Piece piece
                        ? new PeerMessage.Piece(
                                piece.piece(), piece.begin(), piece.data().copy())
                        : message);
        ByteBuf all = Unpooled.buffer();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            all.writeBytes(part);
            part.release();
        }
        return ByteBufUtil.getBytes(all);
    }

    private static List<String> drain(EmbeddedChannel channel) {
        List<String> messages = new ArrayList<>();
        for (PeerMessage message = channel.readInbound(); message != null; message = channel.readInbound()) {
            messages.add(text(message));
        }
        return messages;
    }

    /** A message with its bytes spelt out: arrays and buffers have no equality of their own in records. */
    private static String text(PeerMessage message) {
        if (message instanceof PeerMessage.Piece piece) {
            return "piece " + piece.piece() + " " + piece.begin() + " " + ByteBufUtil.hexDump(piece.data());
        } else if (message instanceof PeerMessage.Bitfield bitfield) {
            return "bitfield " + ByteBufUtil.hexDump(bitfield.bits());
        } else if (message instanceof PeerMessage.Extended extended) {
            return "extended " + extended.id() + " " + ByteBufUtil.hexDump(extended.payload());
        }
        return message.toString();
    }
}
