package live.tributary.protocol.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;

/**
 * Writes {@link Handshake} and {@link PeerMessage}.
 *
 * <p>PIECE leaves as a header of 13 bytes and, behind it, the very buffer that the message carries: a shared slice of the store,
 * or a composite of several, goes to the socket without a copy and is released when it has left. The write's promise is the data's.
 */
@Sharable
public final class PeerMessageEncoder extends ChannelOutboundHandlerAdapter {
    /** The bytes of a PIECE message before its block. */
    public static final int PIECE_OVERHEAD = 13;

    private static final int LENGTH_BYTES = 4;

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof PeerMessage.Piece piece) {
            ByteBuf header = context.alloc().ioBuffer(PIECE_OVERHEAD, PIECE_OVERHEAD);
            writeHeader(header, piece.piece(), piece.begin(), piece.data().readableBytes());
            context.write(header);
            context.write(piece.data(), promise);
        } else if (message instanceof PeerMessage other) {
            context.write(encode(context, other), promise);
        } else if (message instanceof Handshake handshake) {
            ByteBuf out = context.alloc().ioBuffer(Handshake.LENGTH, Handshake.LENGTH);
            handshake.write(out);
            context.write(out, promise);
        } else {
            context.write(message, promise);
        }
    }

    /** Writes the {@link #PIECE_OVERHEAD} bytes of a PIECE message before its block of so many bytes. */
    public static void writeHeader(ByteBuf out, long piece, int begin, int length) {
        start(out, PeerMessageType.PIECE, PIECE_OVERHEAD - LENGTH_BYTES - 1 + length)
                .writeInt((int) piece)
                .writeInt(begin);
    }

    /** The bytes that a message takes on the wire, its length prefix included. */
    public static int lengthOf(PeerMessage message) {
        if (message instanceof PeerMessage.KeepAlive) {
            return LENGTH_BYTES;
        } else if (message instanceof PeerMessage.Piece piece) {
            return PIECE_OVERHEAD + piece.data().readableBytes();
        } else if (message instanceof PeerMessage.Bitfield bitfield) {
            return LENGTH_BYTES + 1 + bitfield.bits().length;
        } else if (message instanceof PeerMessage.Extended extended) {
            return LENGTH_BYTES + 2 + extended.payload().length;
        }
        return LENGTH_BYTES + 1 + typeOf(message).bodyLength();
    }

    private static ByteBuf encode(ChannelHandlerContext context, PeerMessage message) {
        ByteBuf out = context.alloc().ioBuffer(lengthOf(message));
        if (message instanceof PeerMessage.KeepAlive) {
            return out.writeInt(0);
        }
        if (message instanceof PeerMessage.Bitfield bitfield) {
            return start(out, PeerMessageType.BITFIELD, bitfield.bits().length).writeBytes(bitfield.bits());
        }
        if (message instanceof PeerMessage.Extended extended) {
            return start(out, PeerMessageType.EXTENDED, 1 + extended.payload().length)
                    .writeByte(extended.id())
                    .writeBytes(extended.payload());
        }
        PeerMessageType type = typeOf(message);
        start(out, type, type.bodyLength());
        if (message instanceof PeerMessage.Have have) {
            out.writeInt((int) have.piece());
        } else if (message instanceof PeerMessage.Suggest suggest) {
            out.writeInt((int) suggest.piece());
        } else if (message instanceof PeerMessage.AllowedFast allowed) {
            out.writeInt((int) allowed.piece());
        } else if (message instanceof PeerMessage.Request request) {
            write(out, request.block());
        } else if (message instanceof PeerMessage.Cancel cancel) {
            write(out, cancel.block());
        } else if (message instanceof PeerMessage.Reject reject) {
            write(out, reject.block());
        } else if (message instanceof PeerMessage.Port port) {
            out.writeShort(port.port());
        }
        return out;
    }

    private static PeerMessageType typeOf(PeerMessage message) {
        if (message instanceof PeerMessage.Choke) {
            return PeerMessageType.CHOKE;
        } else if (message instanceof PeerMessage.Unchoke) {
            return PeerMessageType.UNCHOKE;
        } else if (message instanceof PeerMessage.Interested) {
            return PeerMessageType.INTERESTED;
        } else if (message instanceof PeerMessage.NotInterested) {
            return PeerMessageType.NOT_INTERESTED;
        } else if (message instanceof PeerMessage.Have) {
            return PeerMessageType.HAVE;
        } else if (message instanceof PeerMessage.Request) {
            return PeerMessageType.REQUEST;
        } else if (message instanceof PeerMessage.Cancel) {
            return PeerMessageType.CANCEL;
        } else if (message instanceof PeerMessage.Port) {
            return PeerMessageType.PORT;
        } else if (message instanceof PeerMessage.Suggest) {
            return PeerMessageType.SUGGEST;
        } else if (message instanceof PeerMessage.HaveAll) {
            return PeerMessageType.HAVE_ALL;
        } else if (message instanceof PeerMessage.HaveNone) {
            return PeerMessageType.HAVE_NONE;
        } else if (message instanceof PeerMessage.Reject) {
            return PeerMessageType.REJECT;
        } else if (message instanceof PeerMessage.AllowedFast) {
            return PeerMessageType.ALLOWED_FAST;
        }
        throw new IllegalArgumentException("message: " + message + " (expected: one that is sent)");
    }

    private static ByteBuf start(ByteBuf out, PeerMessageType type, int bodyLength) {
        return out.writeInt(1 + bodyLength).writeByte(type.id());
    }

    private static void write(ByteBuf out, PeerMessage.Block block) {
        out.writeInt((int) block.piece()).writeInt(block.begin()).writeInt(block.length());
    }
}
