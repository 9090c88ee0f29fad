package live.tributary.mesh.serve;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import live.tributary.mesh.tracker.Tracker;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.HandshakeDecoder;
import org.jspecify.annotations.Nullable;

/**
 * Dials clients that announced and still miss pieces, so that those which try uTP first need not wait seconds for TCP.
 *
 * <p>It dials only where the announce itself came from, on the announced port, not below 1024, an address at most once a minute,
 * and nobody who has come by himself in the meantime: a stranger cannot point this node at others.
 */
public final class PeerDialler implements Tracker.AnnounceListener {
    static final Duration AGAIN = Duration.ofMinutes(1);

    private static final int MIN_PORT = 1024;
    /** Addresses remembered; while that many were dialled within a minute, no other is. */
    private static final int MAX_RECENT = 1024;
    /** What a client gets to come by itself: those that begin with TCP are here by then. */
    private static final Duration HEAD_START = Duration.ofMillis(300);

    private static final Duration HANDSHAKE = Duration.ofSeconds(5);

    private final TorrentServer server;
    private final Bootstrap client;
    private final boolean privateAddresses;
    private final LongSupplier nanoTime;

    /** Whom was dialled when, the oldest first; guarded by itself. */
    private final Map<Object, Long> recent = new LinkedHashMap<>();

    /**
     * @param client how to dial, but for the handler
     * @param privateAddresses whether addresses that the internet does not route are dialled
     * @param nanoTime a monotonic clock
     */
    public PeerDialler(TorrentServer server, Bootstrap client, boolean privateAddresses, LongSupplier nanoTime) {
        this.server = server;
        this.client = client;
        this.privateAddresses = privateAddresses;
        this.nanoTime = nanoTime;
    }

    @Override
    public void announced(InfoHash infoHash, Endpoint peer, boolean seeding) {
        boolean global = Endpoint.isGlobalUnicast(peer.address());
        if (seeding || peer.port() < MIN_PORT || !(global || privateAddresses)) {
            return;
        }
        Optional<Torrent> torrent = server.torrent(infoHash);
        // In a lab one address is many machines.
        if (torrent.isPresent() && isDue(global ? peer.address() : peer)) {
            client.config()
                    .group()
                    .schedule(() -> dial(torrent.get(), peer), HEAD_START.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private boolean isDue(Object whom) {
        long now = nanoTime.getAsLong();
        synchronized (recent) {
            Iterator<Long> oldest = recent.values().iterator();
            while (oldest.hasNext() && now - oldest.next() >= AGAIN.toNanos()) {
                oldest.remove();
            }
            return recent.size() < MAX_RECENT && recent.putIfAbsent(whom, now) == null;
        }
    }

    private void dial(Torrent torrent, Endpoint peer) {
        if (server.isConnected(torrent.infoHash(), peer.address())) {
            return;
        }
        client.clone()
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(new HandshakeDecoder(), server.encoder(), new Greeting(server, torrent, peer));
                    }
                })
                .connect(peer.socketAddress());
    }

    /** Says hello first, and hands the connection over once the answer is about the same torrent. */
    private static final class Greeting extends ChannelInboundHandlerAdapter {
        private final TorrentServer server;
        private final Torrent torrent;
        private final Endpoint peer;
        private @Nullable Future<?> deadline;

        Greeting(TorrentServer server, Torrent torrent, Endpoint peer) {
            this.server = server;
            this.torrent = torrent;
            this.peer = peer;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            deadline = context.executor().schedule(() -> context.close(), HANDSHAKE.toMillis(), TimeUnit.MILLISECONDS);
            context.writeAndFlush(server.handshake(torrent.infoHash()), context.voidPromise());
            context.fireChannelActive();
        }

        @Override
        public void handlerRemoved(ChannelHandlerContext context) {
            if (deadline != null) {
                deadline.cancel(false);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof Handshake theirs && theirs.infoHash().equals(torrent.infoHash())) {
                server.join(context.pipeline(), torrent, theirs, peer.address(), false);
                context.pipeline().remove(this);
            } else {
                context.close();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close(); // Whoever is there is no client of ours.
        }
    }
}
