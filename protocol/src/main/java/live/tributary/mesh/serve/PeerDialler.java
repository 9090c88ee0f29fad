package live.tributary.mesh.serve;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import live.tributary.mesh.mse.KeyExchanges;
import live.tributary.mesh.mse.MseInitiator;
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
 * <p>It dials only where the announce itself came from, on the announced port, not below 1024, an address at most four times a
 * minute, one that failed at most once an hour, and nobody who has come by himself in the meantime: a stranger cannot point this
 * node at others. Who hangs up on a plain handshake is dialled once more with an encrypted one. One that announces again too soon
 * is dialled later: Transmission leaves all its peers as soon as a magnet's metadata is whole, and announces anew.
 */
public final class PeerDialler implements Tracker.AnnounceListener {
    static final Duration AGAIN = Duration.ofSeconds(15);
    static final Duration AGAIN_AFTER_FAILURE = Duration.ofHours(1);

    private static final int MIN_PORT = 1024;
    /** Addresses remembered; while that many were dialled lately, or are to be, no other is. */
    private static final int MAX_RECENT = 1024;
    /** Failures remembered; beyond that the oldest is forgotten. */
    private static final int MAX_FAILED = 4096;
    /** What a client gets to come by itself: those that begin with TCP are here by then. */
    private static final Duration HEAD_START = Duration.ofMillis(300);

    private static final Duration HANDSHAKE = Duration.ofSeconds(5);

    private final TorrentServer server;
    private final Bootstrap client;
    private final KeyExchanges exchanges;
    private final boolean privateAddresses;
    private final LongSupplier nanoTime;

    /** Who was dialled when, or will be, in the order in which that was decided; guarded by itself. */
    private final Map<Object, Long> recent = new LinkedHashMap<>();

    /** Who was dialled in vain when, the oldest first; guarded by {@code recent}. */
    private final Map<Object, Long> failed = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, Long> eldest) {
            return size() > MAX_FAILED;
        }
    };

    /**
     * @param client how to dial, but for the handler
     * @param privateAddresses whether addresses that the internet does not route are dialled
     * @param nanoTime a monotonic clock
     */
    public PeerDialler(
            TorrentServer server,
            Bootstrap client,
            KeyExchanges exchanges,
            boolean privateAddresses,
            LongSupplier nanoTime) {
        this.server = server;
        this.client = client;
        this.exchanges = exchanges;
        this.privateAddresses = privateAddresses;
        this.nanoTime = nanoTime;
    }

    @Override
    public void announced(InfoHash infoHash, Endpoint peer, boolean seeding) {
        boolean global = Endpoint.isGlobalUnicast(peer.address());
        if (seeding || peer.port() < MIN_PORT || !(global || privateAddresses)) {
            return;
        }
        Object whom = global ? peer.address() : peer; // In a lab one address is many machines.
        OptionalLong wait = book(whom);
        if (wait.isPresent()) {
            client.config()
                    .group()
                    .schedule(
                            () -> server.torrent(infoHash)
                                    .ifPresent(torrent -> new Dial(torrent, peer, whom).start(false)),
                            HEAD_START.toNanos() + wait.getAsLong(),
                            TimeUnit.NANOSECONDS);
        }
    }

    /** In how many nanoseconds somebody may be dialled; empty where he may not, or will be anyway. */
    private OptionalLong book(Object whom) {
        long now = nanoTime.getAsLong();
        synchronized (recent) {
            forget(recent, now - AGAIN.toNanos());
            forget(failed, now - AGAIN_AFTER_FAILURE.toNanos());
            Long last = recent.get(whom);
            boolean booked = last != null && last - now > 0;
            if (booked || failed.containsKey(whom) || (last == null && recent.size() >= MAX_RECENT)) {
                return OptionalLong.empty();
            }
            long wait = last == null ? 0 : last + AGAIN.toNanos() - now;
            recent.put(whom, now + wait);
            return OptionalLong.of(wait);
        }
    }

    private static void forget(Map<Object, Long> dials, long until) {
        Iterator<Long> oldest = dials.values().iterator();
        while (oldest.hasNext() && oldest.next() - until <= 0) {
            oldest.remove();
        }
    }

    private void failed(Object whom) {
        long now = nanoTime.getAsLong();
        synchronized (recent) {
            failed.remove(whom);
            failed.put(whom, now);
        }
    }

    /** One peer being dialled: plainly, then once more with an encrypted handshake where it hung up on the plain one. */
    private final class Dial {
        private final Torrent torrent;
        private final Endpoint peer;
        private final Object whom;

        Dial(Torrent torrent, Endpoint peer, Object whom) {
            this.torrent = torrent;
            this.peer = peer;
            this.whom = whom;
        }

        void start(boolean encrypted) {
            boolean over = client.config().group().isShuttingDown();
            if (over || server.isConnected(torrent.infoHash(), peer.address())) {
                return;
            }
            client.clone()
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            if (encrypted) {
                                channel.pipeline().addLast(new MseInitiator(exchanges, torrent.infoHash()));
                            }
                            channel.pipeline()
                                    .addLast(
                                            new HandshakeDecoder(),
                                            server.encoder(),
                                            new Greeting(Dial.this, encrypted));
                        }
                    })
                    .connect(peer.socketAddress())
                    .addListener(connected -> {
                        if (!connected.isSuccess()) {
                            failed(whom);
                        }
                    });
        }

        void hungUp(boolean encrypted) {
            if (encrypted) {
                failed(whom);
            } else {
                start(true);
            }
        }
    }

    /** Says hello first, and hands the connection over once the answer is about the same torrent. */
    private final class Greeting extends ChannelInboundHandlerAdapter {
        private final Dial dial;
        private final boolean encrypted;
        private @Nullable Future<?> deadline;
        private boolean answered;
        private boolean late;

        Greeting(Dial dial, boolean encrypted) {
            this.dial = dial;
            this.encrypted = encrypted;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            deadline = context.executor().schedule(() -> tooLate(context), HANDSHAKE.toMillis(), TimeUnit.MILLISECONDS);
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush(server.handshake(dial.torrent.infoHash()), context.voidPromise());
            context.fireChannelActive();
        }

        @Override
        public void handlerRemoved(ChannelHandlerContext context) {
            if (deadline != null) {
                deadline.cancel(false);
            }
        }

        private void tooLate(ChannelHandlerContext context) {
            late = true;
            context.close();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            answered = true;
            if (message instanceof Handshake theirs && theirs.infoHash().equals(dial.torrent.infoHash())) {
                server.join(context.pipeline(), dial.torrent, theirs, dial.peer.address(), Optional.of(dial.peer));
                context.pipeline().remove(this);
            } else {
                ReferenceCountUtil.release(message);
                failed(dial.whom);
                context.close();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (late) {
                failed(dial.whom);
            } else if (!answered) {
                dial.hungUp(encrypted);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close(); // Whoever is there is no client of ours.
        }
    }
}
