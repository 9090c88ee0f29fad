package live.tributary.mesh.tracker;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.tracker.AnnounceCounters.Result;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.UdpTrackerRequest;
import live.tributary.protocol.tracker.UdpTrackerResponse;

/**
 * The tracker on UDP (BEP 15), for every address that a node binds.
 *
 * <p>Whatever begins neither with a connect's first byte nor with a connection id's is passed on: the port is shared. Without a
 * connection id that this tracker gave to that address the sender may be forged, and gets silence; a connect is answered with as
 * many bytes as it had.
 */
@Sharable
public final class UdpTracker extends ChannelInboundHandlerAdapter {
    private static final int CONNECT_FIRST_BYTE = 0x00;
    private static final int CONNECTION_ID_FIRST_BYTE = 0x80;
    private static final int TYPICAL_ANSWER = 512;

    private final Tracker tracker;
    private final ConnectionIds connectionIds;
    private final AnnounceCounters counters;
    private final LongSupplier nanoTime;
    private volatile Reached lastReached = new Reached(new InetSocketAddress(0), Optional.empty());

    /** A socket's own address, and what that tells of where a client reached this node. */
    private record Reached(SocketAddress local, Optional<Endpoint> endpoint) {}

    /**
     * @param secrets not to be guessed
     * @param nanoTime a monotonic clock
     */
    public UdpTracker(Tracker tracker, Meters meters, RandomGenerator secrets, LongSupplier nanoTime) {
        this.tracker = tracker;
        this.connectionIds = new ConnectionIds(secrets, nanoTime.getAsLong());
        this.counters = new AnnounceCounters(meters, "udp");
        this.nanoTime = nanoTime;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof DatagramPacket datagram) || !isOurs(datagram.content())) {
            context.fireChannelRead(message);
            return;
        }
        try {
            answer(context, datagram);
        } finally {
            datagram.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.flush();
        context.fireChannelReadComplete();
    }

    private static boolean isOurs(ByteBuf content) {
        if (!content.isReadable()) {
            return false;
        }
        int first = content.getUnsignedByte(content.readerIndex());
        return first == CONNECT_FIRST_BYTE || first == CONNECTION_ID_FIRST_BYTE;
    }

    private void answer(ChannelHandlerContext context, DatagramPacket datagram) {
        long now = nanoTime.getAsLong();
        InetAddress from = datagram.sender().getAddress();
        UdpTrackerRequest request = UdpTrackerRequest.read(datagram.content());
        if (request instanceof UdpTrackerRequest.Noise) {
            counters.count(Result.MALFORMED);
        } else if (!tracker.admits(from, now)) {
            counters.count(Result.LIMITED);
        } else if (request instanceof UdpTrackerRequest.Connect connect) {
            counters.count(Result.CONNECTED);
            send(
                    context,
                    datagram.sender(),
                    new UdpTrackerResponse.Connected(connect.transactionId(), connectionIds.issue(from, now)));
        } else if (request instanceof UdpTrackerRequest.Announce announce) {
            if (verified(announce.connectionId(), from, now)) {
                send(context, datagram.sender(), announce(announce, context, datagram.sender(), now));
            }
        } else if (request instanceof UdpTrackerRequest.Scrape scrape) {
            if (verified(scrape.connectionId(), from, now)) {
                counters.count(Result.SCRAPED);
                send(
                        context,
                        datagram.sender(),
                        new UdpTrackerResponse.Scraped(
                                scrape.transactionId(), scrape.request(), tracker.scrape(scrape.request(), now)));
            }
        } else if (request instanceof UdpTrackerRequest.Malformed malformed) {
            if (verified(malformed.connectionId(), from, now)) {
                counters.count(Result.MALFORMED);
                send(
                        context,
                        datagram.sender(),
                        new UdpTrackerResponse.Failed(malformed.transactionId(), malformed.reason()));
            }
        }
    }

    private boolean verified(long connectionId, InetAddress from, long now) {
        boolean verified = connectionIds.accepts(connectionId, from, now);
        if (!verified) {
            counters.count(Result.UNVERIFIED);
        }
        return verified;
    }

    private UdpTrackerResponse announce(
            UdpTrackerRequest.Announce announce, ChannelHandlerContext context, InetSocketAddress from, long now) {
        Tracker.Answer answer = tracker.announce(announce.request(), from, reached(context), now);
        if (answer instanceof Tracker.Answer.Peers peers) {
            counters.count(Result.ANSWERED);
            return new UdpTrackerResponse.Announced(announce.transactionId(), peers.response());
        }
        counters.count(Result.UNKNOWN);
        return new UdpTrackerResponse.Failed(announce.transactionId(), Tracker.UNKNOWN_TORRENT);
    }

    /** Where the client reached this node: known only if the port is bound to one address. */
    private Optional<Endpoint> reached(ChannelHandlerContext context) {
        SocketAddress local = context.channel().localAddress();
        Reached last = lastReached;
        if (last.local() != local) {
            last = new Reached(
                    local,
                    local instanceof InetSocketAddress bound
                                    && !bound.getAddress().isAnyLocalAddress()
                            ? Optional.of(Endpoint.of(bound))
                            : Optional.empty());
            lastReached = last;
        }
        return last.endpoint();
    }

    private static void send(ChannelHandlerContext context, InetSocketAddress to, UdpTrackerResponse response) {
        ByteBuf content = context.alloc().ioBuffer(TYPICAL_ANSWER);
        UdpTrackerResponse.write(response, to.getAddress(), content);
        context.write(new DatagramPacket(content, to), context.voidPromise());
    }
}
