package live.tributary.protocol.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;
import live.tributary.protocol.bencode.FormatException;

/** Reads the one {@link Handshake} at the start of a connection, then leaves the pipeline; what follows it goes to the next handler. */
public final class HandshakeDecoder extends ByteToMessageDecoder {
    public HandshakeDecoder() {
        setSingleDecode(true);
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (in.readableBytes() < Handshake.LENGTH) {
            return;
        }
        try {
            out.add(Handshake.read(in));
            context.pipeline().remove(this);
        } catch (FormatException e) {
            in.skipBytes(in.readableBytes());
            context.close();
            throw new WireException("handshake: " + e.getMessage(), e);
        }
    }
}
