package live.tributary.gateway.probe;

import bt.Bt;
import bt.data.Storage;
import bt.data.StorageUnit;
import bt.metainfo.MetadataService;
import bt.metainfo.Torrent;
import bt.metainfo.TorrentFile;
import bt.metainfo.TorrentId;
import bt.net.InetPeer;
import bt.net.buffer.ByteBufferView;
import bt.peer.IPeerRegistry;
import bt.runtime.BtClient;
import bt.runtime.BtRuntime;
import bt.runtime.Config;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * A whole chunk fetched over the peer wire from one relay and nobody else, by bt-core's client: as any BitTorrent client would.
 *
 * <p>bt-core asks again for what does not match its hash and blames nobody, so wrong bytes show as time that runs out. A runtime
 * costs file descriptors for good and keeps what it fetched for good, so that one serves many fetches, of different chunks, and then makes
 * room for another. It finds nobody by itself and tells nobody its port, on which it listens because its outgoing connections come
 * from the address that it listens on. One fetch at a time.
 */
public final class TorrentFetch implements AutoCloseable {
    /** The longest chunk that is fetched: it is held in memory, and takes of the probes' budget. */
    public static final int MAX_LENGTH = 4 * 1024 * 1024;

    private static final Duration DISCOVERY = Duration.ofMillis(200);
    private static final Duration PROCESSING = Duration.ofMillis(10);
    private static final int NETWORK_BUFFER = 128 * 1024;

    private static final int CONNECTIONS = 4;
    private static final int MAX_FETCHES = 100;

    private final InetAddress from;
    private final Duration patience;
    private final Map<TorrentId, Endpoint> wanted = new ConcurrentHashMap<>();
    /** What the present runtime knows already, and refuses to fetch once more. */
    private final Set<Sha256> fetched = new HashSet<>();

    private @Nullable BtRuntime runtime;

    /**
     * @param from the address to dial from; the wildcard for any
     * @param patience how long a chunk may take
     */
    public TorrentFetch(InetAddress from, Duration patience) {
        this.from = from;
        this.patience = patience;
    }

    /** Whether {@link #fetch} takes this chunk: it is short enough, and was not fetched of late. */
    public synchronized boolean takes(ChunkRecord record) {
        return record.length() <= MAX_LENGTH && !fetched.contains(record.hash());
    }

    private synchronized BtRuntime runtime(ChunkRecord next) {
        BtRuntime known = runtime;
        if (known != null && fetched.size() < MAX_FETCHES) {
            fetched.add(next.hash());
            return known;
        }
        close();
        fetched.clear();
        fetched.add(next.hash());
        Config config = new Config();
        config.setAcceptorAddress(from);
        config.setAcceptorPort(0);
        config.setMseDisabled(true);
        config.setPeerDiscoveryInterval(DISCOVERY);
        config.setMaxMessageProcessingInterval(PROCESSING);
        config.setNetworkBufferSize(NETWORK_BUFFER);
        config.setMaxPeerConnections(CONNECTIONS);
        BtRuntime made = BtRuntime.builder(config)
                .disableStandardExtensions()
                .disableAutomaticShutdown()
                .build();
        made.getEventSource().onTorrentStarted(null, event -> {
            Endpoint relay = wanted.get(event.getTorrentId());
            if (relay != null) {
                made.service(IPeerRegistry.class)
                        .addPeer(event.getTorrentId(), InetPeer.build(relay.address(), relay.port()));
            }
        });
        runtime = made;
        return made;
    }

    /** Whether the relay serves the whole chunk in time; exceptional where that cannot be told. */
    public CompletionStage<Outcome> fetch(Endpoint relay, ChunkRecord record) {
        if (!takes(record)) {
            throw new IllegalArgumentException(record + " (expected: a new one, <= " + MAX_LENGTH + " bytes)");
        }
        Memory memory = new Memory();
        Torrent torrent =
                new MetadataService().fromByteArray(ChunkTorrent.of(record).metainfo(List.of()));
        wanted.put(torrent.getTorrentId(), relay);
        BtClient client = Bt.client(runtime(record))
                .torrent(() -> torrent)
                .storage(memory)
                .stopWhenDownloaded()
                .build();
        CompletableFuture<Outcome> verdict = client.startAsync()
                .<Outcome>thenApply(done -> memory.is(record) ? Outcome.SERVED : Outcome.FAILED)
                .completeOnTimeout(Outcome.FAILED, patience.toMillis(), TimeUnit.MILLISECONDS);
        verdict.whenComplete((outcome, failure) -> {
            wanted.remove(torrent.getTorrentId());
            client.stop();
            memory.release();
        });
        return verdict;
    }

    @Override
    public synchronized void close() {
        if (runtime != null) {
            runtime.shutdown();
            runtime = null;
        }
    }

    /** One file's bytes. */
    private static final class Memory implements Storage {
        private Unit unit = new Unit(0);

        @Override
        public synchronized StorageUnit getUnit(Torrent torrent, TorrentFile file) {
            unit = new Unit(Math.toIntExact(file.getSize()));
            return unit;
        }

        @Override
        public void flush() {}

        synchronized boolean is(ChunkRecord record) {
            return unit.is(record);
        }

        /** The runtime keeps the storage; the bytes are in nobody's interest any more. */
        synchronized void release() {
            unit.forget();
        }
    }

    /** A file in memory, until it is forgotten; the runtime closes it before anybody can look at it. */
    private static final class Unit implements StorageUnit {
        private final int capacity;
        private byte[] bytes;
        private int size;

        Unit(int capacity) {
            this.capacity = capacity;
            this.bytes = new byte[capacity];
        }

        synchronized boolean is(ChunkRecord record) {
            return bytes.length == record.length()
                    && Sha256.ofContent(bytes).equals(record.body().sha256());
        }

        @Override
        public synchronized int readBlock(ByteBuffer buffer, long offset) {
            int length = (int) Math.min(buffer.remaining(), Math.max(0, Math.min(size, bytes.length) - offset));
            buffer.put(bytes, (int) offset, length);
            return length;
        }

        @Override
        public synchronized int writeBlock(ByteBuffer buffer, long offset) {
            int length = (int) Math.min(buffer.remaining(), Math.max(0, bytes.length - offset));
            buffer.get(bytes, (int) offset, length);
            size = Math.max(size, (int) offset + length);
            return length;
        }

        @Override
        public synchronized int writeBlock(ByteBufferView buffer, long offset) {
            int length = buffer.remaining();
            byte[] copy = new byte[length];
            buffer.get(copy);
            return writeBlock(ByteBuffer.wrap(copy), offset);
        }

        @Override
        public long capacity() {
            return capacity;
        }

        @Override
        public synchronized long size() {
            return size;
        }

        synchronized void forget() {
            bytes = new byte[0];
        }

        @Override
        public void close() {}
    }
}
