package live.tributary.protocol.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;
import java.util.Optional;

/**
 * Reads the messages behind a handshake, each within the limit of its own kind.
 *
 * <p>A message that is longer than its kind allows, or not as long as its kind must be, closes the channel and fails with a
 * {@link WireException} before its body is waited for. The bytes of {@link PeerMessage.Piece} are a slice of what was read.
 */
public final class PeerMessageDecoder extends ByteToMessageDecoder {
    /** The longest block in a PIECE message, bytes. */
    public static final int MAX_BLOCK = PeerMessage.BLOCK_LENGTH;
    /** The longest bitfield, bytes: 256 GiB of pieces of 64 KiB would need more. */
    public static final int MAX_BITFIELD = 512 * 1024;
    /** The longest message of an unknown kind, which is skipped, bytes. */
    public static final int MAX_UNKNOWN = 16 * 1024;
    /** The longest payload of BEP 10 that clients need: a handshake or a page of metadata, bytes. */
    public static final int MAX_CLIENT_EXTENDED = 32 * 1024;

    private static final int PIECE_HEADER = 8;
    private static final int EXTENDED_HEADER = 1;

    private enum State {
        LENGTH,
        ID,
        BODY,
        BROKEN
    }

    private final int maxBitfield;
    private final int maxExtended;

    private State state = State.LENGTH;
    private int bodyLength;
    private int id;
    private Optional<PeerMessageType> type = Optional.empty();

    /**
     * @param maxBitfield the longest bitfield, bytes; 0 where none may come
     * @param maxExtended the longest payload of an extended message, bytes
     */
    public PeerMessageDecoder(int maxBitfield, int maxExtended) {
        if (maxBitfield < 0 || maxBitfield > MAX_BITFIELD) {
            throw new IllegalArgumentException("bitfield: " + maxBitfield + " (expected: 0.." + MAX_BITFIELD + ")");
        }
        if (maxExtended <= 0) {
            throw new IllegalArgumentException("extended: " + maxExtended + " (expected: > 0)");
        }
        this.maxBitfield = maxBitfield;
        this.maxExtended = maxExtended;
    }

    /** For links of the mesh, where {@code tb_live} has the longest payload and no bitfield is sent. */
    public static PeerMessageDecoder ofLink() {
        return new PeerMessageDecoder(0, LiveMessageCodec.MAX_ENCODED);
    }

    /** For clients of a torrent of so many pieces. */
    public static PeerMessageDecoder ofTorrent(int pieceCount) {
        return new PeerMessageDecoder((pieceCount + 7) / 8, MAX_CLIENT_EXTENDED);
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        try {
            boolean proceed = true;
            while (proceed && in.isReadable() && out.isEmpty()) {
                proceed = switch (state) {
                    case LENGTH -> decodeLength(in, out);
                    case ID -> decodeId(in, out);
                    case BODY -> decodeBody(in, out);
                    case BROKEN -> discard(in);
                };
            }
        } catch (WireException e) {
            state = State.BROKEN;
            discard(in);
            // First told, then closed: who counts the fault must not find the connection gone before it hears why.
            context.fireExceptionCaught(e);
            context.close();
        }
    }

    private boolean decodeLength(ByteBuf in, List<Object> out) {
        if (in.readableBytes() < Integer.BYTES) {
            return false;
        }
        long length = in.readUnsignedInt();
        if (length == 0) {
            out.add(new PeerMessage.KeepAlive());
            return true;
        }
        // The kind tells the limit, but no kind's is above this.
        int longest = 1 + Math.max(Math.max(maxBitfield, EXTENDED_HEADER + maxExtended), PIECE_HEADER + MAX_BLOCK);
        if (length > longest) {
            throw new WireException("message: " + length + " bytes (expected: <= " + longest + ")");
        }
        bodyLength = (int) length - 1;
        state = State.ID;
        return true;
    }

    private boolean decodeId(ByteBuf in, List<Object> out) {
        id = in.readUnsignedByte();
        type = PeerMessageType.of(id);
        int min = type.map(this::minBody).orElse(0);
        int max = type.map(this::maxBody).orElse(MAX_UNKNOWN);
        if (bodyLength < min || bodyLength > max) {
            throw new WireException(
                    "message " + id + ": " + bodyLength + " bytes of body (expected: " + min + ".." + max + ")");
        }
        state = State.BODY;
        return bodyLength > 0 || decodeBody(in, out);
    }

    private int minBody(PeerMessageType known) {
        return switch (known) {
            case PIECE -> PIECE_HEADER + 1;
            case EXTENDED -> EXTENDED_HEADER;
            case BITFIELD -> 0;
            default -> known.bodyLength();
        };
    }

    private int maxBody(PeerMessageType known) {
        return switch (known) {
            case PIECE -> PIECE_HEADER + MAX_BLOCK;
            case EXTENDED -> EXTENDED_HEADER + maxExtended;
            case BITFIELD -> maxBitfield;
            default -> known.bodyLength();
        };
    }

    private boolean decodeBody(ByteBuf in, List<Object> out) {
        if (in.readableBytes() < bodyLength) {
            return false;
        }
        out.add(type.isPresent() ? message(type.get(), in) : skipped(in));
        state = State.LENGTH;
        return true;
    }

    private PeerMessage skipped(ByteBuf in) {
        in.skipBytes(bodyLength);
        return new PeerMessage.Unknown(id);
    }

    private PeerMessage message(PeerMessageType known, ByteBuf in) {
        return switch (known) {
            case CHOKE -> new PeerMessage.Choke();
            case UNCHOKE -> new PeerMessage.Unchoke();
            case INTERESTED -> new PeerMessage.Interested();
            case NOT_INTERESTED -> new PeerMessage.NotInterested();
            case HAVE -> new PeerMessage.Have(in.readUnsignedInt());
            case BITFIELD -> new PeerMessage.Bitfield(bytes(in, bodyLength));
            case REQUEST -> new PeerMessage.Request(block(in));
            case PIECE -> piece(in);
            case CANCEL -> new PeerMessage.Cancel(block(in));
            case PORT -> new PeerMessage.Port(in.readUnsignedShort());
            case SUGGEST -> new PeerMessage.Suggest(in.readUnsignedInt());
            case HAVE_ALL -> new PeerMessage.HaveAll();
            case HAVE_NONE -> new PeerMessage.HaveNone();
            case REJECT -> new PeerMessage.Reject(block(in));
            case ALLOWED_FAST -> new PeerMessage.AllowedFast(in.readUnsignedInt());
            case EXTENDED -> new PeerMessage.Extended(in.readUnsignedByte(), bytes(in, bodyLength - EXTENDED_HEADER));
        };
    }

    private PeerMessage piece(ByteBuf in) {
        long piece = in.readUnsignedInt();
        int begin = nonNegative("begin", in.readInt());
        return new PeerMessage.Piece(piece, begin, in.readRetainedSlice(bodyLength - PIECE_HEADER));
    }

    private static PeerMessage.Block block(ByteBuf in) {
        long piece = in.readUnsignedInt();
        int begin = nonNegative("begin", in.readInt());
        return new PeerMessage.Block(piece, begin, nonNegative("length", in.readInt()));
    }

    private static int nonNegative(String name, int value) {
        if (value < 0) {
            throw new WireException(name + ": " + Integer.toUnsignedString(value) + " (expected: 31 bits)");
        }
        return value;
    }

    private static byte[] bytes(ByteBuf in, int length) {
        byte[] bytes = new byte[length];
        in.readBytes(bytes);
        return bytes;
    }

    private static boolean discard(ByteBuf in) {
        in.skipBytes(in.readableBytes());
        return false;
    }
}
