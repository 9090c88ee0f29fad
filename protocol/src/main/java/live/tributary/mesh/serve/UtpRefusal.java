package live.tributary.mesh.serve;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;

/**
 * Answers those who try uTP (BEP 29) with its reset, so that they turn to TCP at once.
 *
 * <p>Stock clients try uTP first and wait three seconds for an answer before they use TCP. A reset is as long as what it answers
 * and goes only to a SYN, so that it makes no flood larger. Takes every datagram that comes this far.
 */
@Sharable
public final class UtpRefusal extends ChannelInboundHandlerAdapter {
    private static final int HEADER_LENGTH = 20;
    private static final int SYN_VERSION_1 = 0x41;
    private static final int RESET_VERSION_1 = 0x31;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof DatagramPacket datagram)) {
            context.fireChannelRead(message);
            return;
        }
        try {
            ByteBuf syn = datagram.content();
            if (syn.readableBytes() >= HEADER_LENGTH && syn.readUnsignedByte() == SYN_VERSION_1) {
                context.write(new DatagramPacket(reset(context, syn), datagram.sender()), context.voidPromise());
            }
        } finally {
            datagram.release();
        }
    }

    /** @param syn behind its first byte */
    private static ByteBuf reset(ChannelHandlerContext context, ByteBuf syn) {
        syn.skipBytes(1); // Extension.
        int connectionId = syn.readUnsignedShort();
        long timestamp = syn.readUnsignedInt();
        syn.skipBytes(2 * Integer.BYTES); // Timestamp difference, window.
        int sequence = syn.readUnsignedShort();
        return context.alloc()
                .ioBuffer(HEADER_LENGTH)
                .writeByte(RESET_VERSION_1)
                .writeByte(0)
                .writeShort(connectionId)
                .writeInt((int) timestamp)
                .writeInt(0)
                .writeInt(0)
                .writeShort(0)
                .writeShort(sequence);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.flush();
        context.fireChannelReadComplete();
    }
}
