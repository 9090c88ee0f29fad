package live.tributary.mesh.http;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.FileRegion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The body that is leaving a connection: in runs, each when the socket has room and the pace allows it. */
final class BodyPump {
    /** Playlists, announces and errors do not queue behind chunks for the upload allowance. */
    static final int UNPACED = 16 * 1024;
    /** What a client takes at least of a body in the time that it may stall, so that nobody holds a chunk for ever. */
    private static final int LEAST_TAKEN = 64 * 1024;

    private final Pace pace;
    private final Listener listener;

    private @Nullable OutgoingBody outgoing;
    /** What the kernel sends now; nothing else is written until it has. */
    private @Nullable FileRegion inFlight;

    private long takenBefore;
    private boolean paced;
    private boolean older;
    private boolean closeAfter;
    private boolean pumping;
    /** The pace has named a time; until then it is not asked again, whatever else happens. */
    private boolean awaitsTurn;

    /** The connection. */
    interface Listener {
        /** From now on the client may take its time for the next of it. */
        void mayStall(ChannelHandlerContext ctx);

        /** All of the body has been written, and what was a file has left. */
        void left(ChannelHandlerContext ctx);
    }

    BodyPump(Pace pace, Listener listener) {
        this.pace = pace;
        this.listener = listener;
    }

    /** Takes a body over, whose head is written; none other is leaving. */
    void begin(ChannelHandlerContext ctx, OutgoingBody body, boolean isOlder, boolean thenClose) {
        outgoing = body;
        paced = body.remaining() > UNPACED;
        older = isOlder;
        closeAfter = thenClose;
        pump(ctx);
    }

    /** Writes as much of the body as the socket and the pace take now. */
    void pump(ChannelHandlerContext ctx) {
        if (pumping
                || awaitsTurn) { // Flushing may report at once that the socket has room again, or that all has left.
            return;
        }
        pumping = true;
        boolean written = false;
        while (outgoing != null && !written && inFlight == null && ctx.channel().isWritable()) {
            int length = Math.min(pace.run(), outgoing.remaining());
            long wait = paced ? pace.take(length, older) : 0;
            if (wait > 0) {
                listener.mayStall(ctx);
                awaitsTurn = true;
                ctx.executor().schedule(() -> takeTurn(ctx), wait, TimeUnit.NANOSECONDS);
                break;
            }
            if (!paced) {
                pace.spend(length);
            }
            OutgoingBody body = outgoing;
            Object part = body.take(length);
            written = body.remaining() == 0;
            if (part instanceof FileRegion region) {
                inFlight = region;
                takenBefore = 0;
                ctx.write(region).addListener(sent -> left(ctx, sent.isSuccess()));
            } else {
                ctx.write(part).addListener(sent -> listener.mayStall(ctx));
            }
            if (written) {
                outgoing = null;
                body.release();
                var last = ctx.write(LastHttpContent.EMPTY_LAST_CONTENT);
                if (closeAfter) {
                    last.addListener(ChannelFutureListener.CLOSE);
                }
            }
            if (inFlight != null || !ctx.channel().isWritable()) {
                ctx.flush(); // After which there may be room again.
            }
        }
        ctx.flush();
        pumping = false;
        if (written && inFlight == null) {
            listener.left(ctx);
        }
    }

    private void takeTurn(ChannelHandlerContext ctx) {
        awaitsTurn = false;
        pump(ctx);
    }

    /** The kernel has sent a part of a file, or cannot. */
    private void left(ChannelHandlerContext ctx, boolean whole) {
        inFlight = null;
        if (!whole) {
            ctx.close(); // The client was promised more.
            return;
        }
        listener.mayStall(ctx);
        if (!pumping) {
            if (outgoing == null) {
                listener.left(ctx);
            } else {
                pump(ctx);
            }
        }
    }

    /** Whether a client that is being sent a part of a file took enough of it since this was last asked. */
    boolean isTaken() {
        FileRegion region = inFlight;
        if (region == null || region.transferred() - takenBefore < LEAST_TAKEN) {
            return false;
        }
        takenBefore = region.transferred();
        return true;
    }

    void release() {
        if (outgoing != null) {
            outgoing.release();
            outgoing = null;
        }
    }
}
