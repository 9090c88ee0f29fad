package live.tributary.mesh.mse;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import live.tributary.mesh.admin.DropReason;
import live.tributary.protocol.mse.MseKey;
import live.tributary.protocol.mse.MseSecret;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.mse.Rc4;
import live.tributary.protocol.stream.InfoHash;
import org.jspecify.annotations.Nullable;

/**
 * The accepting side of an encrypted handshake; what it protects is read by the handler that follows it.
 *
 * <p>Plain text is chosen where the client allows it: encryption hides the handshake from middleboxes either way, and what is public
 * anyhow is then served from shared memory. All bytes are somebody else's: each length has its maximum, and whatever does not hold
 * ends the connection without a word.
 */
public final class MseAcceptor extends MseHandshake {
    private static final int OPTIONS = MseLimits.VERIFICATION + Integer.BYTES + Short.BYTES;

    private final KeyExchanges exchanges;
    private final Function<ObfuscatedHash, Optional<InfoHash>> torrents;
    private final ChannelHandler inner;
    private final Consumer<DropReason> drops;

    private State state = State.KEY;
    private @Nullable MseSecret secret;
    private @Nullable Rc4 incoming;
    private @Nullable Rc4 outgoing;
    private boolean plaintext;
    private int padding;
    private int initial;

    private enum State {
        KEY,
        /** The pool computes. */
        EXCHANGE,
        SYNC,
        TORRENT,
        OPTIONS,
        PADDING,
        INITIAL,
        OVER
    }

    /**
     * @param torrents what is served here, by its obfuscated hash
     * @param inner reads the peer wire behind the handshake
     * @param drops hears why a connection was ended
     */
    public MseAcceptor(
            KeyExchanges exchanges,
            Function<ObfuscatedHash, Optional<InfoHash>> torrents,
            ChannelHandler inner,
            Consumer<DropReason> drops) {
        this.exchanges = exchanges;
        this.torrents = torrents;
        this.inner = inner;
        this.drops = drops;
    }

    /** How many bytes must be in before they can be taken for an encrypted handshake. */
    public static int firstBytes() {
        return MseKey.LENGTH;
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        boolean proceed = true;
        while (proceed) {
            proceed = switch (state) {
                case KEY -> key(context, in);
                case EXCHANGE -> false;
                case SYNC -> sync(context, in);
                case TORRENT -> torrent(context, in);
                case OPTIONS -> options(context, in);
                case PADDING -> padding(context, in);
                case INITIAL -> initial(context, in);
                case OVER -> false;
            };
        }
        if (state == State.OVER && !context.isRemoved()) {
            in.skipBytes(in.readableBytes());
        }
    }

    private boolean key(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < MseKey.LENGTH) {
            return false;
        }
        if (!(context.channel().remoteAddress() instanceof InetSocketAddress remote)) {
            drop(context, DropReason.SLOW); // Gone already.
            return false;
        }
        byte[] theirs = new byte[MseKey.LENGTH];
        in.readBytes(theirs);
        return exchange(context, remote.getAddress(), theirs);
    }

    private boolean exchange(ChannelHandlerContext context, InetAddress from, byte[] theirs) {
        state = State.EXCHANGE;
        pause(context);
        if (!exchanges.accept(from, theirs, context.executor(), agreed -> agreed(context, agreed))) {
            drop(context, DropReason.BUSY);
        }
        return false;
    }

    private void agreed(ChannelHandlerContext context, KeyExchanges.Agreed agreed) {
        if (state != State.EXCHANGE || context.isRemoved()) {
            return;
        }
        if (agreed.secret().isEmpty()) {
            drop(context, DropReason.GARBLED);
            return;
        }
        secret = agreed.secret().get();
        state = State.SYNC;
        context.writeAndFlush(Unpooled.wrappedBuffer(agreed.publicKey(), agreed.padding()), context.voidPromise());
        goOn(context);
    }

    private boolean sync(ChannelHandlerContext context, ByteBuf in) {
        try {
            if (!skipBehind(in, secret().sync())) {
                return false;
            }
        } catch (NotFoundException e) {
            return dropped(context, DropReason.GARBLED);
        }
        state = State.TORRENT;
        return true;
    }

    private boolean torrent(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < ObfuscatedHash.LENGTH) {
            return false;
        }
        byte[] covered = new byte[ObfuscatedHash.LENGTH];
        in.readBytes(covered);
        Optional<InfoHash> torrent = torrents.apply(secret().uncover(covered));
        if (torrent.isEmpty()) {
            return dropped(context, DropReason.UNKNOWN);
        }
        incoming = secret().fromDialler(torrent.get());
        outgoing = secret().fromAcceptor(torrent.get());
        state = State.OPTIONS;
        return true;
    }

    private boolean options(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < OPTIONS) {
            return false;
        }
        byte[] bytes = deciphered(in, OPTIONS, incoming());
        ByteBuffer options = ByteBuffer.wrap(bytes, MseLimits.VERIFICATION, OPTIONS - MseLimits.VERIFICATION);
        int provided = options.getInt();
        padding = Short.toUnsignedInt(options.getShort());
        boolean usable = (provided & (MseLimits.PLAINTEXT | MseLimits.RC4)) != 0;
        if (!isZero(bytes, MseLimits.VERIFICATION) || !usable || padding > MseLimits.PADDING) {
            return dropped(context, DropReason.GARBLED);
        }
        plaintext = (provided & MseLimits.PLAINTEXT) != 0;
        state = State.PADDING;
        return true;
    }

    private boolean padding(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < padding + Short.BYTES) {
            return false;
        }
        byte[] bytes = deciphered(in, padding + Short.BYTES, incoming());
        initial = Short.toUnsignedInt(ByteBuffer.wrap(bytes).getShort(padding));
        if (initial > MseLimits.INITIAL) {
            return dropped(context, DropReason.GARBLED);
        }
        state = State.INITIAL;
        return true;
    }

    private boolean initial(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < initial) {
            return false;
        }
        ByteBuf payload = Unpooled.wrappedBuffer(deciphered(in, initial, incoming()));
        state = State.OVER;
        byte[] answer = ByteBuffer.allocate(OPTIONS) // VC, what was chosen, no padding
                .putInt(MseLimits.VERIFICATION, plaintext ? MseLimits.PLAINTEXT : MseLimits.RC4)
                .array();
        outgoing().apply(answer);
        context.writeAndFlush(Unpooled.wrappedBuffer(answer), context.voidPromise());
        context.pipeline().addAfter(context.name(), null, inner);
        ChannelHandlerContext last = context;
        if (!plaintext) {
            context.pipeline().addAfter(context.name(), null, new MseCipher(incoming(), outgoing()));
            last = context.pipeline().context(MseCipher.class);
        }
        if (payload.isReadable()) {
            last.fireChannelRead(payload);
        }
        context.pipeline().remove(this); // Hands on what was read beyond the handshake.
        return false;
    }

    private boolean dropped(ChannelHandlerContext context, DropReason reason) {
        drop(context, reason);
        return false;
    }

    @Override
    void drop(ChannelHandlerContext context, DropReason reason) {
        if (state != State.OVER) {
            state = State.OVER;
            drops.accept(reason);
            context.close();
        }
    }

    private MseSecret secret() {
        return known(secret);
    }

    private Rc4 incoming() {
        return known(incoming);
    }

    private Rc4 outgoing() {
        return known(outgoing);
    }
}
