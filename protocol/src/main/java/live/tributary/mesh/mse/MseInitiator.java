package live.tributary.mesh.mse;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.admin.DropReason;
import live.tributary.protocol.mse.MseKey;
import live.tributary.protocol.mse.MseSecret;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.mse.Rc4;
import live.tributary.protocol.stream.InfoHash;
import org.jspecify.annotations.Nullable;

/**
 * The dialling side of an encrypted handshake: allows plain text and RC4 and takes what the other side chooses.
 *
 * <p>{@code channelActive} goes on to the handlers behind it only once the handshake stands, so that they greet through it.
 */
public final class MseInitiator extends MseHandshake {
    private static final int ANSWER = Integer.BYTES + Short.BYTES;

    private final KeyExchanges exchanges;
    private final InfoHash torrent;

    private State state = State.KEY;
    private @Nullable MseKey key;
    private @Nullable Rc4 incoming;
    private @Nullable Rc4 outgoing;
    private byte @Nullable [] mark;
    private int chosen;
    private int padding;

    private enum State {
        KEY,
        /** The pool computes. */
        EXCHANGE,
        SYNC,
        ANSWER,
        PADDING,
        OVER
    }

    public MseInitiator(KeyExchanges exchanges, InfoHash torrent) {
        this.exchanges = exchanges;
        this.torrent = torrent;
    }

    @Override
    void begin(ChannelHandlerContext context) {
        if (context.channel().isActive()) {
            open(context);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        open(context);
    }

    private void open(ChannelHandlerContext context) {
        if (key == null && !exchanges.open(context.executor(), opened -> opened(context, opened))) {
            drop(context, DropReason.BUSY);
        }
    }

    private void opened(ChannelHandlerContext context, KeyExchanges.Opened opened) {
        if (state == State.KEY && key == null && !context.isRemoved()) {
            key = opened.key();
            context.writeAndFlush(Unpooled.wrappedBuffer(opened.key().publicKey(), opened.padding()));
            goOn(context);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        boolean proceed = true;
        while (proceed) {
            proceed = switch (state) {
                case KEY -> key(context, in);
                case EXCHANGE -> false;
                case SYNC -> sync(context, in);
                case ANSWER -> answer(context, in);
                case PADDING -> padding(context, in);
                case OVER -> false;
            };
        }
        if (state == State.OVER && !context.isRemoved()) {
            in.skipBytes(in.readableBytes());
        }
    }

    private boolean key(ChannelHandlerContext context, ByteBuf in) {
        MseKey ours = key;
        if (ours == null || in.readableBytes() < MseKey.LENGTH) {
            return false;
        }
        byte[] theirs = new byte[MseKey.LENGTH];
        in.readBytes(theirs);
        state = State.EXCHANGE;
        pause(context);
        if (!exchanges.agree(ours, theirs, context.executor(), secret -> agreed(context, secret))) {
            drop(context, DropReason.BUSY);
        }
        return false;
    }

    private void agreed(ChannelHandlerContext context, Optional<MseSecret> secret) {
        if (state != State.EXCHANGE || context.isRemoved()) {
            return;
        }
        if (secret.isEmpty()) {
            drop(context, DropReason.GARBLED);
            return;
        }
        incoming = secret.get().fromAcceptor(torrent);
        outgoing = secret.get().fromDialler(torrent);
        byte[] offer = ByteBuffer.allocate(MseLimits.VERIFICATION + Integer.BYTES + 2 * Short.BYTES)
                .putInt(MseLimits.VERIFICATION, MseLimits.PLAINTEXT | MseLimits.RC4)
                .array(); // No padding, no first payload: our handshake follows.
        known(outgoing).apply(offer);
        state = State.SYNC;
        context.writeAndFlush(
                Unpooled.wrappedBuffer(secret.get().sync(), secret.get().cover(ObfuscatedHash.of(torrent)), offer));
        goOn(context);
    }

    private boolean sync(ChannelHandlerContext context, ByteBuf in) {
        // Their cipher's first bytes over zeros: the mark by which the end of their padding is found.
        if (mark == null) {
            byte[] made = new byte[MseLimits.VERIFICATION];
            known(incoming).apply(made);
            mark = made;
        }
        try {
            if (!skipBehind(in, mark)) {
                return false;
            }
        } catch (NotFoundException e) {
            drop(context, DropReason.GARBLED);
            return false;
        }
        state = State.ANSWER;
        return true;
    }

    private boolean answer(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < ANSWER) {
            return false;
        }
        ByteBuffer answer = ByteBuffer.wrap(deciphered(in, ANSWER, known(incoming)));
        chosen = answer.getInt();
        padding = Short.toUnsignedInt(answer.getShort());
        if ((chosen != MseLimits.PLAINTEXT && chosen != MseLimits.RC4) || padding > MseLimits.PADDING) {
            drop(context, DropReason.GARBLED);
            return false;
        }
        state = State.PADDING;
        return true;
    }

    private boolean padding(ChannelHandlerContext context, ByteBuf in) {
        if (in.readableBytes() < padding) {
            return false;
        }
        deciphered(in, padding, known(incoming));
        state = State.OVER;
        if (chosen == MseLimits.RC4) {
            context.pipeline().addAfter(context.name(), null, new MseCipher(known(incoming), known(outgoing)));
        }
        context.fireChannelActive();
        context.pipeline().remove(this); // Hands on what was read beyond the handshake.
        return false;
    }

    @Override
    void drop(ChannelHandlerContext context, DropReason reason) {
        if (state != State.OVER) {
            state = State.OVER;
            context.close(); // Whoever is there was dialled, and refused nothing of ours: not counted.
        }
    }
}
