package live.tributary.gateway;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowId;
import live.tributary.protocol.metainfo.WindowTorrent;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/** A stream as tests want it: chunks, and who holds them, as they are told. */
public final class FakeStream implements StreamView {
    public static final Instant EPOCH = Instant.parse("2026-11-22T12:00:00Z");
    public static final Duration CHUNK = Duration.ofSeconds(4);

    private static final long TERM = EPOCH.toEpochMilli();

    private final SigningKey key;
    private final Map<Integer, List<ChunkRecord>> records = new LinkedHashMap<>();
    private final Map<ChunkRecord, List<RelayKey>> holders = new HashMap<>();
    private final Map<RelayKey, RelayView> relays = new LinkedHashMap<>();
    private final Set<ChunkId> stored = new HashSet<>();
    private final List<Window> windows = new ArrayList<>();
    private Optional<About> about = Optional.empty();
    private Optional<SignedHead> head = Optional.empty();
    private boolean live;
    private long term = TERM;
    private long nextPiece;
    private boolean wholePieces;

    public FakeStream(int seed) {
        byte[] bytes = new byte[SigningKey.SEED_LENGTH];
        Arrays.fill(bytes, (byte) seed);
        bytes[1] += (byte) (seed >> 8);
        key = SigningKey.fromSeed(bytes);
    }

    /** A stream that is live, tells its name, and has {@code chunks} chunks of rendition 0. */
    public static FakeStream live(int seed, String name, int chunks) {
        FakeStream stream = new FakeStream(seed);
        stream.tell(name, List.of("music"), List.of(new Rendition(0, Rendition.Kind.VARIANT, "")));
        stream.head(Head.Status.LIVE, Optional.empty());
        stream.publish(0, chunks);
        return stream;
    }

    public SigningKey signingKey() {
        return key;
    }

    public void tell(String name, List<String> tags, List<Rendition> renditions) {
        about = Optional.of(About.sign(
                new About.Body(
                        key.streamKey(),
                        name,
                        "",
                        "",
                        tags,
                        Optional.empty(),
                        Optional.empty(),
                        renditions,
                        CHUNK,
                        Optional.empty()),
                key));
    }

    public void head(Head.Status status, Optional<String> fallback) {
        head(status, fallback, EPOCH.plusSeconds(600));
    }

    /** A head that counts until then. */
    public void headUntil(Instant expires) {
        head(Head.Status.LIVE, Optional.empty(), expires);
    }

    private void head(Head.Status status, Optional<String> fallback, Instant expires) {
        live = status == Head.Status.LIVE;
        head = Optional.of(SignedHead.sign(
                new Head(
                        1,
                        expires,
                        status,
                        term,
                        Optional.empty(),
                        fallback.map(URI::create),
                        List.of(),
                        Sha256.ofContent(new byte[0])),
                key));
    }

    /** Its origin begins a new term, which is returned. */
    public long restart() {
        return ++term;
    }

    /** From now on chunks are one whole piece of zeros, as long as a piece can be. */
    public void wholePieces() {
        wholePieces = true;
    }

    public List<ChunkRecord> publish(int rendition, int count) {
        List<ChunkRecord> published = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<ChunkRecord> chain = records.computeIfAbsent(rendition, r -> new ArrayList<>());
            Optional<ChunkRecord> last = chain.isEmpty() ? Optional.empty() : Optional.of(chain.get(chain.size() - 1));
            long seq = last.map(record -> record.seq() + 1).orElse(100L);
            byte[] content = wholePieces ? new byte[ChunkRecord.PIECE_LENGTH] : content(rendition, seq);
            ChunkRecord record = ChunkRecord.sign(
                    new ChunkRecord.Body(
                            key.streamKey(),
                            term,
                            new ChunkId(rendition, seq),
                            last.map(ChunkRecord::hash),
                            EPOCH.plus(CHUNK.multipliedBy(seq - 100)),
                            Duration.ofMillis(TERM).plus(CHUNK.multipliedBy(seq - 100)),
                            CHUNK,
                            0,
                            Container.TS,
                            0,
                            content.length,
                            Sha256.ofContent(content),
                            nextPiece++,
                            new PieceHashes(Digests.sha1().digest(content)),
                            InfoHash.of(Digests.sha1().digest(Arrays.copyOf(content, ChunkRecord.PIECE_LENGTH)))),
                    key);
            chain.add(record);
            published.add(record);
        }
        return published;
    }

    /** The bytes of a chunk: one piece, not a whole one. */
    public static byte[] content(int rendition, long seq) {
        byte[] content = new byte[1880];
        Arrays.fill(content, (byte) (seq + rendition));
        return content;
    }

    /** Closes the window that ends with the newest record of a rendition. */
    public Torrent closeWindow(int rendition) {
        List<ChunkRecord> run = records.get(rendition);
        return closeWindow(WindowId.firstOf(run.get(run.size() - 1)));
    }

    /** Closes a window of those records that belong into it. */
    public Torrent closeWindow(WindowId window) {
        Torrent torrent = WindowTorrent.of(records.get(window.rendition()).stream()
                .filter(window::contains)
                .toList());
        windows.add(0, new Window(window, torrent));
        return torrent;
    }

    /** Adds a linked relay, reachable at {@code address:7001}. */
    public RelayView relay(int seed, String address) {
        return add(view(seed, NodeRole.RELAY, List.of(endpoint(address, 7001)), Optional.empty()));
    }

    public RelayView add(RelayView relay) {
        relays.put(relay.key(), relay);
        return relay;
    }

    public static RelayView view(int seed, NodeRole role, List<Endpoint> endpoints, Optional<String> tlsName) {
        return view(seed, role, endpoints, tlsName, 0);
    }

    public static RelayView view(
            int seed, NodeRole role, List<Endpoint> endpoints, Optional<String> tlsName, int loadPerMille) {
        byte[] bytes = new byte[SigningKey.SEED_LENGTH];
        Arrays.fill(bytes, (byte) (seed + 100));
        bytes[0] = (byte) (seed >> 8);
        SigningKey key = SigningKey.fromSeed(bytes);
        RelayDescriptor descriptor = RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        key.relayKey(),
                        role,
                        endpoints,
                        tlsName,
                        List.of(),
                        Optional.empty(),
                        10_000_000,
                        loadPerMille,
                        "test",
                        Optional.empty(),
                        EPOCH.plusSeconds(600)),
                key);
        return new RelayView(key.relayKey(), role, endpoints, Optional.of(descriptor), true);
    }

    public static Endpoint endpoint(String address, int port) {
        try {
            return new Endpoint(InetAddress.getByName(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** The relays hold these chunks from now on. */
    public void hold(List<ChunkRecord> chunks, RelayView... who) {
        for (ChunkRecord chunk : chunks) {
            for (RelayView relay : who) {
                holders.merge(chunk, List.of(relay.key()), FakeStream::both);
            }
        }
    }

    public void holdAll(RelayView... who) {
        records.values().forEach(chain -> hold(chain, who));
    }

    /** The link to a relay breaks. */
    public void lose(RelayView relay) {
        relays.remove(relay.key());
        holders.replaceAll((chunk, keys) ->
                keys.stream().filter(key -> !key.equals(relay.key())).toList());
    }

    private static List<RelayKey> both(List<RelayKey> some, List<RelayKey> more) {
        return Stream.concat(some.stream(), more.stream()).distinct().toList();
    }

    public void store(ChunkRecord record) {
        stored.add(record.chunk());
    }

    @Override
    public StreamKey key() {
        return key.streamKey();
    }

    @Override
    public Optional<SignedHead> head() {
        return head;
    }

    @Override
    public Optional<About> about() {
        return about;
    }

    @Override
    public boolean live() {
        return live;
    }

    @Override
    public Set<Integer> renditions() {
        return records.keySet();
    }

    @Override
    public List<ChunkRecord> newest(int rendition, int max) {
        List<ChunkRecord> chain = records.getOrDefault(rendition, List.of());
        return List.copyOf(chain.subList(Math.max(0, chain.size() - max), chain.size()));
    }

    @Override
    public Optional<ChunkRecord> record(ChunkId chunk) {
        return records.getOrDefault(chunk.rendition(), List.of()).stream()
                .filter(record -> record.chunk().equals(chunk))
                .findFirst();
    }

    @Override
    public boolean holds(ChunkRecord record) {
        return false;
    }

    @Override
    public List<RelayView> holders(ChunkRecord record) {
        return holderKeys(record).stream().map(relays::get).toList();
    }

    @Override
    public List<RelayKey> holderKeys(ChunkRecord record) {
        return holders.getOrDefault(record, List.of());
    }

    @Override
    public List<RelayView> relays() {
        return List.copyOf(relays.values());
    }

    @Override
    public boolean storedInBucket(ChunkId chunk) {
        return stored.contains(chunk);
    }

    @Override
    public Optional<Torrent> torrent(InfoHash infoHash) {
        return records.values().stream()
                .flatMap(List::stream)
                .map(ChunkTorrent::of)
                .filter(torrent -> torrent.infoHash().equals(infoHash))
                .findFirst();
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return records.values().stream()
                .flatMap(List::stream)
                .map(record -> ChunkTorrent.of(record).infoHash())
                .filter(infoHash -> ObfuscatedHash.of(infoHash).equals(obfuscated))
                .findFirst();
    }

    @Override
    public List<Window> windows(int rendition) {
        return windows.stream()
                .filter(window -> window.id().rendition() == rendition)
                .toList();
    }

    @Override
    public void addListener(StreamListener listener) {}

    @Override
    public void removeListener(StreamListener listener) {}
}
