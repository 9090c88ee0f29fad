package live.tributary.mesh.mse;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import live.tributary.protocol.mse.Rc4;

/** The first handler of a connection whose peer insists on RC4: everything is deciphered on its way in and enciphered on its way out. */
final class MseCipher extends ChannelDuplexHandler {
    private final Rc4 incoming;
    private final Rc4 outgoing;

    MseCipher(Rc4 incoming, Rc4 outgoing) {
        this.incoming = incoming;
        this.outgoing = outgoing;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf bytes) {
            incoming.apply(bytes); // In place: what was read belongs to this connection alone.
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (!(message instanceof ByteBuf plain)) {
            context.write(message, promise);
            return;
        }
        try { // Into a copy: what goes out may be shared with other connections.
            ByteBuf enciphered = context.alloc().ioBuffer(plain.readableBytes(), plain.readableBytes());
            outgoing.apply(plain, enciphered);
            context.write(enciphered, promise);
        } finally {
            plain.release();
        }
    }
}
