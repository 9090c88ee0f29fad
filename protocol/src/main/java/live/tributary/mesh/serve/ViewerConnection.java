package live.tributary.mesh.serve;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.time.Duration;
import java.util.BitSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.admin.DropReason;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.wire.ExtendedHandshake;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.MetadataMessage;
import live.tributary.protocol.wire.PeerExchangeMessage;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.WireException;
import org.jspecify.annotations.Nullable;

/**
 * One client of one torrent, on its channel's event loop.
 *
 * <p>Who asks for blocks gets them of a {@link BlockSender} while it has a slot; one that does not read, says nothing or has no use for
 * this node is dropped.
 */
final class ViewerConnection extends ChannelInboundHandlerAdapter implements UploadSlots.Client {
    private static final int METADATA_ID = 1;
    private static final int EXCHANGE_ID = 2;
    private static final int UPLOAD_ONLY_ID = 3;
    private static final String UPLOAD_ONLY = "upload_only"; // BEP 21
    private static final String VERSION = "Tributary";
    /** Small answers queued for a client that asks and does not read; one that passes this is dropped. */
    private static final long MAX_UNREAD = 2L * 1024 * 1024;

    private static final Duration TICK = Duration.ofSeconds(5);
    private static final Duration SHOW_EVERY = Duration.ofMillis(500);
    /** BEP 3: keep-alives are sent once in two minutes. */
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(100);
    /** An unchoked client that asks for nothing gives its slot up to one who waits after this. */
    private static final Duration IDLE_SLOT = Duration.ofSeconds(10);

    /** One who takes nothing for so long loses his slot at once to one who waits. */
    private static final Duration UNUSED_SLOT = Duration.ofSeconds(2);

    private final TorrentServer server;
    private final ServedTorrent torrent;
    private final Handshake theirs;
    private final InetAddress address;
    private final Optional<Endpoint> dialled;
    private final SwarmNews news;
    private final BlockSender blocks;

    /** Set before the bitfield is made, so that what completes later is told by HAVE. */
    private volatile @Nullable ChannelHandlerContext context;

    private @Nullable Future<?> ticking;
    private Choking choking = Choking.CHOKED;
    private OptionalInt theirMetadataId = OptionalInt.empty();
    private boolean readSomething;
    private long unflushed;
    private long lastRead;
    private long lastWrite;
    private long slotSince;
    private long uninterestedSince;
    private long lastProgress;
    private long lastPending;

    private enum Choking {
        CHOKED,
        /** Interested, in line for a slot. */
        WAITING,
        UNCHOKED
    }

    /**
     * @param theirs the client's handshake
     * @param address where it is
     * @param dialled where it was dialled; empty where it came by itself, so that our handshake is still to be sent
     */
    ViewerConnection(
            TorrentServer server,
            ServedTorrent torrent,
            Handshake theirs,
            InetAddress address,
            Optional<Endpoint> dialled) {
        this.server = server;
        this.torrent = torrent;
        this.theirs = theirs;
        this.address = address;
        this.dialled = dialled;
        this.news = new SwarmNews(server, torrent, this, theirs, this::send);
        this.blocks = new BlockSender(server, torrent, news, new Asking());
    }

    private final class Asking implements BlockSender.Client {
        @Override
        public boolean isServed() {
            return choking == Choking.UNCHOKED;
        }

        @Override
        public boolean isToldOfRefusals() {
            return theirs.fast();
        }

        @Override
        public void refuse(ChannelHandlerContext to, PeerMessage.Block block) {
            reject(to, block);
        }

        @Override
        public void wrote() {
            unflushed++;
        }

        @Override
        public void flush(ChannelHandlerContext to) {
            ViewerConnection.this.flush(to);
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
        long now = server.now();
        lastRead = now;
        blocks.begin(now);
        lastProgress = now;
        uninterestedSince = now;
        ticking = added.executor()
                .scheduleAtFixedRate(() -> tick(added), TICK.toNanos(), TICK.toNanos(), TimeUnit.NANOSECONDS);
        added.channel().closeFuture().addListener(closed -> left());
        if (dialled.isEmpty()) {
            send(added, server.handshake(torrent.torrent().infoHash()));
        }
        greet(added);
        flush(added);
        showOn(added);
    }

    /** Who is shown a few pieces at a time is looked after more often. */
    private void showOn(ChannelHandlerContext to) {
        if (news.isSuperSeeded()) {
            to.executor()
                    .schedule(
                            () -> {
                                if (to.channel().isActive()) {
                                    news.tick();
                                    flush(to);
                                    showOn(to);
                                }
                            },
                            SHOW_EVERY.toNanos(),
                            TimeUnit.NANOSECONDS);
        }
    }

    private void left() {
        if (ticking != null) {
            ticking.cancel(false);
        }
        blocks.clear();
        torrent.leaveSuperSeeding(this);
        server.slots().give(this);
        server.left(torrent, this);
    }

    private void greet(ChannelHandlerContext to) {
        news.greet();
        if (theirs.extensions()) {
            ExtendedHandshake ours = new ExtendedHandshake(
                    Map.of(
                            MetadataMessage.EXTENSION,
                            METADATA_ID,
                            PeerExchangeMessage.EXTENSION,
                            EXCHANGE_ID, // Else some take no such message; what they tell is not used.
                            UPLOAD_ONLY,
                            UPLOAD_ONLY_ID),
                    Optional.of(VERSION),
                    OptionalInt.empty(),
                    Optional.of(address),
                    OptionalInt.of(RequestQueue.TOLD),
                    OptionalInt.of(torrent.metadataSize()),
                    news.tellsAll());
            send(to, new PeerMessage.Extended(ExtendedHandshake.ID, ours.encode()));
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext from, Object message) {
        readSomething = true;
        if (message instanceof PeerMessage.Interested) {
            interested(from);
        } else if (message instanceof PeerMessage.NotInterested) {
            uninterested(from);
        } else if (message instanceof PeerMessage.Request request) {
            requested(from, request.block());
        } else if (message instanceof PeerMessage.Cancel cancel) {
            if (blocks.cancel(cancel.block())) {
                reject(from, cancel.block());
            }
        } else if (message instanceof PeerMessage.Extended extended) {
            extended(from, extended);
        } else if (message instanceof PeerMessage.Have have) {
            torrent.has(this, (int) have.piece(), server.now());
        } else if (message instanceof PeerMessage.HaveAll) {
            drop(from, DropReason.USELESS); // It has no use for us, nor we for it.
        } else if (message instanceof PeerMessage.Bitfield bitfield) {
            bitfield(from, ServedTorrent.set(bitfield.bits()));
        } else if (message instanceof PeerMessage.Piece piece) {
            piece.data().release();
            drop(from, DropReason.PROTOCOL); // Nobody asked for it.
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext from) {
        if (readSomething) {
            readSomething = false;
            lastRead = server.now();
        }
        blocks.serve(from);
        if (pending(from.channel()) > MAX_UNREAD) {
            drop(from, DropReason.STALLED);
        }
        from.fireChannelReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext from) {
        if (from.channel().isWritable()) {
            blocks.serve(from);
        }
        from.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
        if (cause instanceof WireException) {
            drop(from, DropReason.PROTOCOL);
        } else {
            from.close(); // A broken connection: not this node's concern.
        }
    }

    private void bitfield(ChannelHandlerContext from, BitSet theirs) {
        if (theirs.cardinality() == torrent.torrent().pieceCount()) {
            drop(from, DropReason.USELESS);
            return;
        }
        for (int piece = theirs.nextSetBit(0); piece >= 0; piece = theirs.nextSetBit(piece + 1)) {
            torrent.has(this, piece, server.now());
        }
    }

    private void interested(ChannelHandlerContext from) {
        if (choking != Choking.CHOKED) {
            return;
        }
        if (server.slots().take(this)) {
            unchoke(from);
        } else {
            choking = Choking.WAITING;
        }
    }

    @Override
    public void slotGranted() {
        ChannelHandlerContext to = context;
        if (to == null) {
            return;
        }
        blocks.idleFrom(server.now()); // From now on, not only once its loop has come to it.
        to.executor().execute(() -> {
            if (choking == Choking.WAITING && to.channel().isActive()) {
                unchoke(to);
                flush(to);
            } else if (choking != Choking.UNCHOKED) {
                server.slots().give(this); // It went, or lost interest, in the meantime.
            }
        });
    }

    @Override
    public boolean idlesOnSlot() {
        return passed(server.now(), blocks.lastMoved(), UNUSED_SLOT);
    }

    @Override
    public void slotTaken() {
        ChannelHandlerContext of = context;
        if (of == null) {
            return;
        }
        of.executor().execute(() -> {
            if (choking == Choking.UNCHOKED && of.channel().isActive()) {
                choke(of);
                choking = Choking.WAITING;
                if (server.slots().queue(this)) {
                    unchoke(of);
                }
                flush(of);
            }
        });
    }

    private void unchoke(ChannelHandlerContext to) {
        choking = Choking.UNCHOKED;
        slotSince = server.now();
        blocks.begin(slotSince);
        send(to, new PeerMessage.Unchoke());
    }

    private void uninterested(ChannelHandlerContext from) {
        uninterestedSince = server.now();
        choke(from);
        server.slots().give(this);
    }

    private void choke(ChannelHandlerContext to) {
        if (choking == Choking.UNCHOKED) {
            send(to, new PeerMessage.Choke());
        }
        choking = Choking.CHOKED;
        blocks.clear().forEach(block -> reject(to, block)); // BEP 6: every request gets an answer.
    }

    private void requested(ChannelHandlerContext from, PeerMessage.Block block) {
        if (!torrent.isBlock(block)) {
            drop(from, DropReason.PROTOCOL);
        } else if (choking != Choking.UNCHOKED || !blocks.ask(block)) {
            reject(from, block);
        }
    }

    /** Says that a request will not be answered; clients without BEP 6 see that from silence. */
    private void reject(ChannelHandlerContext to, PeerMessage.Block block) {
        if (theirs.fast()) {
            send(to, new PeerMessage.Reject(block));
        }
    }

    private void extended(ChannelHandlerContext from, PeerMessage.Extended message) {
        try {
            if (message.id() == ExtendedHandshake.ID) {
                ExtendedHandshake handshake = ExtendedHandshake.decode(message.payload());
                theirMetadataId = handshake.idOf(MetadataMessage.EXTENSION);
                if (handshake.uploadOnly()) {
                    drop(from, DropReason.USELESS);
                } else {
                    news.introduced(handshake, address, dialled);
                }
            } else if (message.id() == UPLOAD_ONLY_ID) {
                if (message.payload().length > 0 && message.payload()[0] != 0) {
                    drop(from, DropReason.USELESS); // It has what it wants.
                }
            } else if (message.id() == METADATA_ID
                    && MetadataMessage.decode(message.payload()) instanceof MetadataMessage.Request request
                    && theirMetadataId.isPresent()) {
                byte[] page = torrent.metadata(request.page()).encode();
                server.budget().spend(page.length);
                send(from, new PeerMessage.Extended(theirMetadataId.getAsInt(), page));
            }
        } catch (FormatException e) {
            drop(from, DropReason.PROTOCOL);
        }
    }

    /** A chunk of the torrent is here now, or no longer; callable from any thread. */
    void tellChunk(int firstPiece, int pieces, boolean held) {
        ChannelHandlerContext to = context;
        if (to == null) {
            return;
        }
        to.executor().execute(() -> {
            news.chunk(firstPiece, pieces, held);
            flush(to);
        });
    }

    /** The client is to learn of a piece before others do; callable from any thread. */
    void show(int piece) {
        ChannelHandlerContext to = context;
        if (to != null) {
            to.executor().execute(() -> {
                news.show(piece);
                flush(to);
            });
        }
    }

    /** Where other clients reach this one; callable from any thread. */
    Optional<Endpoint> listening() {
        return news.listening();
    }

    private void tick(ChannelHandlerContext to) {
        long now = server.now();
        ServeLimits limits = server.limits();
        long pending = pending(to.channel());
        if (pending == 0 || pending != lastPending) {
            lastPending = pending;
            lastProgress = now;
        }
        if (passed(now, lastProgress, limits.stalled())) {
            drop(to, DropReason.STALLED);
            return;
        }
        if (passed(now, lastRead, limits.silence())) {
            drop(to, DropReason.SILENT);
            return;
        }
        if (choking == Choking.CHOKED && passed(now, uninterestedSince, limits.uninterested())) {
            drop(to, DropReason.USELESS);
            return;
        }
        boolean idle = blocks.isIdle() && passed(now, blocks.lastServed(), IDLE_SLOT);
        if (choking == Choking.UNCHOKED
                && server.slots().contended()
                && (idle || passed(now, slotSince, limits.turn()))) {
            choke(to);
            server.slots().give(this);
            interested(to); // To the end of the line.
        }
        news.tick();
        if (passed(now, lastWrite, KEEP_ALIVE)) {
            send(to, new PeerMessage.KeepAlive());
        }
        flush(to);
    }

    private void drop(ChannelHandlerContext of, DropReason reason) {
        if (of.channel().isOpen()) {
            server.drops().count(reason);
            of.close();
        }
    }

    private void send(PeerMessage message) {
        ChannelHandlerContext to = context;
        if (to != null) {
            send(to, message);
        }
    }

    private void send(ChannelHandlerContext to, Object message) {
        to.write(message, to.voidPromise());
        unflushed++;
    }

    private void flush(ChannelHandlerContext to) {
        if (unflushed > 0) {
            unflushed = 0;
            lastWrite = server.now();
            to.flush();
        }
    }

    private static boolean passed(long now, long since, Duration time) {
        return now - since > time.toNanos();
    }

    private static long pending(Channel channel) {
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        return buffer == null ? 0 : buffer.totalPendingWriteBytes();
    }
}
