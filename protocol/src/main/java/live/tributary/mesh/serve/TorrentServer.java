package live.tributary.mesh.serve;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.DropReason;
import live.tributary.mesh.admin.Drops;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.admin.Via;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.net.WireService;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.PeerMessageDecoder;
import live.tributary.protocol.wire.PeerMessageEncoder;

/**
 * Serves the chunk and window torrents of carried streams to any BitTorrent client (BEP 3, 6, 9, 10, 11, 16, 21, 54).
 *
 * <p>It uploads what {@link ChunkBytes} holds and never asks a client for anything. Callable from any thread.
 */
public final class TorrentServer implements WireService {
    /** After this a chunk is no longer what viewers at the live edge wait for. */
    private static final Duration LIVE = Duration.ofSeconds(60);

    private static final byte[] CLIENT = "-TB0100-".getBytes(StandardCharsets.US_ASCII);
    private static final int IPV6_CUSTOMER_BYTES = 8;
    /** Ports below belong to services that never asked for a client. */
    private static final int MIN_PORT = 1024;
    /** The share of the uplink in use above which it is scarce. */
    private static final int SCARCE_PER_MILLE = 900;

    private final ChunkBytes chunks;
    private final UploadBudget budget;
    private final ServeLimits limits;
    private final boolean privateAddresses;
    private final UploadSlots slots;
    private final Tally sent;
    private final Drops drops;
    private final LongSupplier nanoTime;
    private final InstantSource wallClock;
    private final byte[] peerId;
    private final ChannelHandler encoder = new PeerMessageEncoder();
    private final Map<StreamKey, Carried> streams = new ConcurrentHashMap<>();

    /** Torrents that somebody is connected for, and how many from where; guarded by this. */
    private final Map<InfoHash, ServedTorrent> served = new HashMap<>();

    private final Map<ByteBuffer, Integer> perCustomer = new HashMap<>();
    private final Map<ViewerConnection, InetAddress> addresses = new HashMap<>();

    private record Carried(StreamView stream, StreamListener listener) {}

    /**
     * @param privateAddresses whether clients are told of others at addresses that the internet does not route
     * @param random makes this run's peer id
     * @param nanoTime a monotonic clock
     * @param wallClock tells the live edge from what is older
     */
    public TorrentServer(
            ChunkBytes chunks,
            UploadBudget budget,
            ServeLimits limits,
            boolean privateAddresses,
            Meters meters,
            RandomGenerator random,
            LongSupplier nanoTime,
            InstantSource wallClock) {
        this.chunks = chunks;
        this.budget = budget;
        this.limits = limits;
        this.privateAddresses = privateAddresses;
        this.slots = new UploadSlots(limits.uploadSlots());
        this.sent = meters.tally(Meter.SENT, PeerKind.VIEWER, Via.WIRE);
        this.drops = new Drops(meters);
        this.nanoTime = nanoTime;
        this.wallClock = wallClock;
        this.peerId = new byte[Handshake.PEER_ID_LENGTH];
        random.nextBytes(peerId);
        System.arraycopy(CLIENT, 0, peerId, 0, CLIENT.length);
        meters.gauge(this::peers, Meter.PEERS);
    }

    /** Serves the torrents of a stream from now on. */
    public void carry(StreamView stream) {
        StreamListener listener = new StreamListener() {
            @Override
            public void chunkCompleted(ChunkRecord record) {
                tell(record, true);
            }

            @Override
            public void chunkEvicted(ChunkRecord record) {
                tell(record, false);
            }
        };
        if (streams.putIfAbsent(stream.key(), new Carried(stream, listener)) == null) {
            stream.addListener(listener);
        }
    }

    /** Serves no new clients of a stream; those that are connected may finish. */
    public void drop(StreamKey key) {
        Carried carried = streams.remove(key);
        if (carried != null) {
            carried.stream().removeListener(carried.listener());
        }
    }

    /** How many clients are connected. */
    public synchronized int peers() {
        return addresses.size();
    }

    @Override
    public boolean take(ChannelHandlerContext context, Handshake theirs) {
        Optional<Torrent> torrent = torrent(theirs.infoHash());
        if (torrent.isEmpty()) {
            return false;
        }
        if (context.channel().remoteAddress() instanceof InetSocketAddress remote) {
            join(context.pipeline(), torrent.get(), theirs, remote.getAddress(), Optional.empty());
        } else {
            context.close(); // Gone already.
        }
        return true;
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return streams.values().stream()
                .flatMap(carried -> carried.stream().infoHash(obfuscated).stream())
                .findFirst();
    }

    Optional<Torrent> torrent(InfoHash infoHash) {
        return streams.values().stream()
                .flatMap(carried -> carried.stream().torrent(infoHash).stream())
                .findFirst();
    }

    /**
     * Puts a client's handlers at the end of its pipeline, or closes the channel where there is no room for it.
     *
     * @param dialled where this node dialled it; empty where it came by itself
     */
    void join(
            ChannelPipeline pipeline,
            Torrent torrent,
            Handshake theirs,
            InetAddress address,
            Optional<Endpoint> dialled) {
        Optional<ViewerConnection> connection = enter(torrent, theirs, address, dialled);
        if (connection.isEmpty()) {
            drops.count(peers() >= limits.peers() ? DropReason.FULL : DropReason.CROWDED);
            pipeline.channel().close();
            return;
        }
        pipeline.addLast(PeerMessageDecoder.ofTorrent(torrent.pieceCount()));
        if (pipeline.get(PeerMessageEncoder.class) == null) {
            pipeline.addLast(encoder);
        }
        pipeline.addLast(connection.get());
    }

    private synchronized Optional<ViewerConnection> enter(
            Torrent torrent, Handshake theirs, InetAddress address, Optional<Endpoint> dialled) {
        if (addresses.size() >= limits.peers()) {
            return Optional.empty();
        }
        if (!address.isLoopbackAddress()) {
            if (perCustomer.getOrDefault(customer(address), 0) >= limits.peersPerAddress()) {
                return Optional.empty();
            }
            perCustomer.merge(customer(address), 1, Integer::sum);
        }
        ServedTorrent joined =
                served.computeIfAbsent(torrent.infoHash(), infoHash -> new ServedTorrent(torrent, chunks));
        ViewerConnection connection = new ViewerConnection(this, joined, theirs, address, dialled);
        joined.connections().add(connection); // At once, so that nobody takes the torrent for deserted.
        addresses.put(connection, address);
        return Optional.of(connection);
    }

    synchronized void left(ServedTorrent torrent, ViewerConnection connection) {
        InetAddress address = addresses.remove(connection);
        if (address != null && !address.isLoopbackAddress()) {
            perCustomer.computeIfPresent(customer(address), (customer, count) -> count == 1 ? null : count - 1);
        }
        torrent.connections().remove(connection);
        if (torrent.connections().isEmpty()) {
            served.remove(torrent.torrent().infoHash(), torrent);
        }
    }

    /** Whether a client at this address is connected for a torrent already. */
    synchronized boolean isConnected(InfoHash infoHash, InetAddress address) {
        ServedTorrent torrent = served.get(infoHash);
        return torrent != null
                && torrent.connections().stream().anyMatch(connection -> address.equals(addresses.get(connection)));
    }

    private void tell(ChunkRecord record, boolean held) {
        for (ServedTorrent torrent : servedNow()) {
            torrent.firstPieceOf(record).ifPresent(first -> torrent.changed(first, record.pieceCount(), held));
        }
    }

    private synchronized Iterable<ServedTorrent> servedNow() {
        return List.copyOf(served.values());
    }

    Handshake handshake(InfoHash infoHash) {
        return new Handshake(infoHash, peerId, true, true);
    }

    boolean isOld(ChunkRecord record) {
        return record.body().published().plus(LIVE).isBefore(wallClock.instant());
    }

    /** Whether clients had better get from one another what they can. */
    boolean uplinkIsScarce() {
        return budget.loadPerMille() >= SCARCE_PER_MILLE;
    }

    /** Whether other clients may be told of one at this place. */
    boolean mayBeTold(Endpoint endpoint) {
        return endpoint.port() >= MIN_PORT && (privateAddresses || Endpoint.isGlobalUnicast(endpoint.address()));
    }

    Drops drops() {
        return drops;
    }

    void sent(long bytes) {
        sent.add(bytes);
    }

    long now() {
        return nanoTime.getAsLong();
    }

    ServeLimits limits() {
        return limits;
    }

    UploadSlots slots() {
        return slots;
    }

    UploadBudget budget() {
        return budget;
    }

    ChannelHandler encoder() {
        return encoder;
    }

    private static ByteBuffer customer(InetAddress address) {
        byte[] raw = address.getAddress();
        return ByteBuffer.wrap(raw, 0, Math.min(raw.length, IPV6_CUSTOMER_BYTES))
                .slice();
    }
}
