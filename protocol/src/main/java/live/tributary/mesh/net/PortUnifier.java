package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.DropReason;
import live.tributary.mesh.mse.KeyExchanges;
import live.tributary.mesh.mse.MseAcceptor;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.wire.Handshake;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The first handler of an inbound TCP connection: sees from the first bytes what is spoken, installs it, and leaves.
 *
 * <p>{@code 0x13 "BitTorrent protocol"} is the peer wire, {@code 16 03 0x} with a ClientHello TLS with HTTP in it, an HTTP method
 * HTTP; anything else is an encrypted handshake (MSE) with the peer wire in it, once a key's length is in. Too little within the
 * time is closed.
 */
final class PortUnifier extends ByteToMessageDecoder {
    static final Duration FIRST_BYTES = Duration.ofSeconds(5);

    private static final byte[] WIRE = "\u0013BitTorrent protocol".getBytes(StandardCharsets.ISO_8859_1);
    /** A TLS record of type handshake, version 3.x, that begins with a ClientHello; -1 for any byte. */
    private static final int[] TLS = {0x16, 0x03, -1, -1, -1, 0x01};

    private static final int MAX_TLS_MINOR = 4;

    private static final List<byte[]> METHODS = List.of(
            method("GET"),
            method("HEAD"),
            method("POST"),
            method("OPTIONS"),
            method("PUT"),
            method("DELETE"),
            method("PATCH"),
            method("TRACE"),
            method("CONNECT"));

    private static final Logger LOG = LoggerFactory.getLogger(PortUnifier.class);

    private final PortServices services;
    private final Duration patience;
    private final boolean crowded;
    private final Layer layer;
    private @Nullable Future<?> deadline;

    /** What the bytes so far look like. */
    private enum State {
        UNDECIDED,
        WIRE,
        TLS,
        HTTP,
        STRANGE
    }

    /** What the bytes came through. */
    private enum Layer {
        NONE,
        TLS,
        MSE
    }

    /** @param crowded whether the address has its share of connections already: HTTP is told so, anything else closed */
    PortUnifier(PortServices services, Duration patience, boolean crowded) {
        this(services, patience, crowded, Layer.NONE);
    }

    private PortUnifier(PortServices services, Duration patience, boolean crowded, Layer layer) {
        this.services = services;
        this.patience = patience;
        this.crowded = crowded;
        this.layer = layer;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        deadline =
                ctx.executor().schedule(() -> drop(ctx, DropReason.SLOW), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext ctx) {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws FormatException {
        switch (look(in)) {
            case UNDECIDED -> {}
            case WIRE -> wire(ctx, in);
            case TLS -> tls(ctx, in);
            case HTTP -> http(ctx);
            case STRANGE -> mse(ctx, in);
        }
    }

    private State look(ByteBuf in) {
        State state = State.STRANGE;
        if (layer != Layer.TLS) {
            state = match(state, in, WIRE, State.WIRE);
        }
        if (layer == Layer.NONE) {
            state = matchTls(state, in);
        }
        if (layer != Layer.MSE) {
            for (byte[] method : METHODS) {
                state = match(state, in, method, State.HTTP);
            }
        }
        return state;
    }

    private static State matchTls(State otherwise, ByteBuf in) {
        int length = Math.min(TLS.length, in.readableBytes());
        for (int i = 0; i < length; i++) {
            int here = in.getUnsignedByte(in.readerIndex() + i);
            if (TLS[i] >= 0 ? here != TLS[i] : i == 2 && here > MAX_TLS_MINOR) {
                return otherwise;
            }
        }
        return length == TLS.length ? State.TLS : State.UNDECIDED;
    }

    private static State match(State otherwise, ByteBuf in, byte[] prefix, State ifMatched) {
        int length = Math.min(prefix.length, in.readableBytes());
        for (int i = 0; i < length; i++) {
            if (in.getByte(in.readerIndex() + i) != prefix[i]) {
                return otherwise;
            }
        }
        return length == prefix.length ? ifMatched : State.UNDECIDED;
    }

    private void wire(ChannelHandlerContext ctx, ByteBuf in) throws FormatException {
        if (crowded) {
            refuse(ctx, in, DropReason.CROWDED);
            return;
        }
        if (in.readableBytes() < Handshake.LENGTH) {
            return;
        }
        Handshake theirs = Handshake.read(in);
        for (WireService service : services.wire()) {
            if (service.take(ctx, theirs)) {
                ctx.pipeline().remove(this); // Hands on what was read beyond the handshake.
                return;
            }
        }
        refuse(ctx, in, DropReason.UNKNOWN);
    }

    private void tls(ChannelHandlerContext ctx, ByteBuf in) {
        SslContext context = services.tls().orElse(null);
        if (context == null) {
            refuse(ctx, in, DropReason.STRANGE);
            return;
        }
        ctx.pipeline()
                .addLast(context.newHandler(ctx.alloc()), new PortUnifier(services, patience, crowded, Layer.TLS));
        ctx.pipeline().remove(this);
    }

    private void http(ChannelHandlerContext ctx) {
        if (crowded) {
            services.drops().count(DropReason.CROWDED);
            services.http().installRefusal(ctx.pipeline(), 429, "too many connections from this address");
        } else {
            services.http().install(ctx.pipeline(), layer == Layer.TLS);
        }
        ctx.pipeline().remove(this);
    }

    private void mse(ChannelHandlerContext ctx, ByteBuf in) {
        KeyExchanges exchanges = services.exchanges().orElse(null);
        if (layer != Layer.NONE || exchanges == null) {
            refuse(ctx, in, DropReason.STRANGE);
        } else if (crowded) {
            refuse(ctx, in, DropReason.CROWDED);
        } else if (in.readableBytes() >= MseAcceptor.firstBytes()) {
            ctx.pipeline()
                    .addLast(new MseAcceptor(
                            exchanges,
                            services::infoHash,
                            new PortUnifier(services, patience, false, Layer.MSE),
                            services.drops()::count));
            ctx.pipeline().remove(this);
        }
    }

    private void refuse(ChannelHandlerContext ctx, ByteBuf in, DropReason reason) {
        in.skipBytes(in.readableBytes());
        drop(ctx, reason);
    }

    private void drop(ChannelHandlerContext ctx, DropReason reason) {
        services.drops().count(reason);
        ctx.close();
    }

    private static byte[] method(String name) {
        return (name + " ").getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!(cause instanceof IOException) && !(cause.getCause() instanceof IOException)) {
            LOG.warn("an inbound connection failed", cause);
        }
        ctx.close();
    }
}
