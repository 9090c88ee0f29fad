package live.tributary.origin.publish;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.program.Disk;
import live.tributary.origin.ingest.FeedState;
import live.tributary.origin.ingest.IngestListener;
import live.tributary.origin.ingest.IngestedChunk;
import live.tributary.origin.ingest.ResumePoint;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One stream at its source: hears the feed, publishes chunks, head and about. */
public final class StreamOrigin implements IngestListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StreamOrigin.class);

    private static final Duration TICK = Duration.ofSeconds(1);
    private static final String STATE = "state on disk";
    private static final String OUTBOX = "outbox on disk";
    private static final String FEED_CONTENT = "feed's content";
    private static final Pattern CHUNK_NAME = Pattern.compile("(\\d{1,15})\\.(?:ts|mp4)(?:@\\d+)?");
    private static final int ENTRY_POINTS_OF_A_FAMILY = Head.MAX_ENTRY_POINTS;

    private final Config config;
    private final StreamPublisher mesh;
    private final Surroundings around;
    private final ChunkPublisher publisher;
    private final HeadKeeper heads = new HeadKeeper();
    private final FeedBoard board;
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "publish");
        thread.setDaemon(true);
        return thread;
    });
    private AboutText text;
    private List<Rendition> renditions = List.of();
    private Duration target = Duration.ofSeconds(1);
    private Optional<About> about = Optional.empty();
    private boolean begun;
    private boolean closed;
    private boolean stoodDown;
    private volatile boolean saidOwnOutput;

    /**
     * What is published, and by whom.
     *
     * @param fallback from a term to the base URL of its copy in the bucket
     */
    public record Config(SigningKey key, Path stateFile, AboutText text, LongFunction<Optional<URI>> fallback) {}

    /**
     * What an origin needs from around it.
     *
     * @param endpoints the node's own, to be entry points
     * @param missed counts segments that were lost
     * @param safe whether the end of the process would leave a chunk to the node
     * @param published hears of each chunk; it must not block
     */
    public record Surroundings(
            InstantSource wallClock,
            LongSupplier nanoTime,
            Supplier<List<Endpoint>> endpoints,
            LongConsumer missed,
            Predicate<ChunkRecord> safe,
            ChunkListener published) {}

    /** Hears of each published chunk. */
    public interface ChunkListener {
        /** @param bytes the chunk's, not to be changed */
        void published(ChunkRecord record, byte[] bytes);
    }

    /** Begins a new term. */
    public StreamOrigin(Config config, StreamPublisher mesh, Surroundings around) throws IOException {
        this(config, mesh, around, Disk.REAL);
    }

    StreamOrigin(Config config, StreamPublisher mesh, Surroundings around, Disk disk) throws IOException {
        this.config = config;
        this.mesh = mesh;
        this.around = around;
        this.text = config.text();
        this.board = new FeedBoard(around.nanoTime());
        this.publisher = new ChunkPublisher(
                config.key(),
                new StateFile(config.stateFile(), disk),
                new Outbox(config.stateFile().resolveSibling("outbox"), disk, around.safe()),
                mesh,
                around.wallClock(),
                (record, bytes) -> around.published().published(record, bytes));
    }

    /** Whether an earlier run left its state. */
    public boolean remembers() {
        return publisher.remembers();
    }

    /** Per rendition, the segment that was published last, where that was lately. */
    public Map<Integer, ResumePoint> lastSegments() {
        return publisher.lastSegments();
    }

    public long term() {
        return publisher.term();
    }

    /** Goes on behind what the mesh remembers of this stream, where that is more than this disk does. */
    public void adoptFromMesh() throws IOException {
        List<ChunkRecord> newest = new ArrayList<>();
        for (int rendition : mesh.view().renditions()) {
            newest.addAll(mesh.view().newest(rendition, 1));
        }
        adopt(newest, mesh.view().head());
    }

    /** Goes on behind these, where they are more than this disk remembers; only before the first chunk. */
    public void adopt(List<ChunkRecord> records, Optional<SignedHead> head) throws IOException {
        publisher.adopt(records, head.map(SignedHead::head));
    }

    /** Says nothing any more, not even that it has ended: another origin speaks for the stream. */
    public void standDown() {
        ticker.shutdownNow();
        synchronized (this) {
            closed = true;
            stoodDown = true;
        }
    }

    /** Offers again what an earlier run may not have got out, and keeps the head fresh from now on. */
    public void start() {
        try {
            publisher.offerAgain();
        } catch (IOException e) {
            log.error("what an earlier run left in the outbox cannot be read: {}", e.toString());
            board.trouble(OUTBOX, "cannot be read, so what a crash cut off may be lost: " + e.getMessage());
        }
        ticker.scheduleWithFixedDelay(this::tick, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The stream has other words for itself. */
    public synchronized void describe(AboutText words) {
        if (!words.equals(text)) {
            text = words;
            if (!renditions.isEmpty()) {
                publishAbout();
            }
        }
    }

    @Override
    public synchronized void described(List<Rendition> feedRenditions, Duration targetDuration) {
        renditions = feedRenditions;
        board.has(feedRenditions.size());
        target = targetDuration.isZero() ? Duration.ofSeconds(1) : targetDuration;
        publishAbout();
    }

    /** An about has its limits; a feed with more renditions than fit is carried as far as they do. */
    private void publishAbout() {
        for (int count = renditions.size(); count > 0; count--) {
            try {
                About signed = About.sign(
                        new About.Body(
                                config.key().streamKey(),
                                text.name(),
                                text.title(),
                                text.description(),
                                text.tags(),
                                text.language(),
                                text.poster(),
                                renditions.subList(0, count),
                                target,
                                Optional.empty()),
                        config.key());
                if (count < renditions.size()) {
                    log.warn("only the first {} of {} renditions are carried", count, renditions.size());
                    renditions = List.copyOf(renditions.subList(0, count));
                }
                about = Optional.of(signed);
                mesh.publish(signed);
                return;
            } catch (IllegalArgumentException e) {
                if (count == 1) {
                    log.error("the stream cannot be described: {}", e.getMessage());
                }
            }
        }
    }

    @Override
    public void chunk(int rendition, IngestedChunk chunk) {
        boolean ownOutput = isOwnOutput(chunk);
        board.trouble(
                FEED_CONTENT,
                ownOutput
                        ? chunk.name()
                                + " is a chunk that was published already (expected: the encoder's feed, not this stream itself)"
                        : "");
        if (ownOutput) {
            if (!saidOwnOutput) {
                log.error("{} is this stream's own output: nothing of that feed is published", chunk.name());
            }
            saidOwnOutput = true;
            return;
        }
        boolean begins;
        synchronized (this) {
            if (closed || rendition >= renditions.size() || publisher.repeats(rendition, chunk)) {
                return;
            }
            begins = !isLive();
            begun = true;
            board.heard(rendition);
        }
        if (begins) {
            tick(); // A record counts as live only under a head that says so.
        }
        try {
            publisher.publish(rendition, chunk);
            board.trouble(STATE, "");
            board.trouble(OUTBOX, publisher.outboxTrouble());
        } catch (IOException e) {
            log.error("rendition {}: {} is lost: {}", rendition, chunk.name(), e.getMessage());
            board.trouble(STATE, "cannot be written, so nothing is published: " + e.getMessage());
            around.missed().accept(1);
        }
    }

    /** A relay, a gateway, the bucket, or a copy of them: what names a chunk and has its bytes is that chunk. */
    private boolean isOwnOutput(IngestedChunk chunk) {
        Matcher name = CHUNK_NAME.matcher(chunk.name());
        return name.matches()
                && mesh.view().renditions().stream()
                        .flatMap(rendition ->
                                mesh.view().record(new ChunkId(rendition, Long.parseLong(name.group(1)))).stream())
                        .anyMatch(record -> record.body().sha256().equals(chunk.sha256()));
    }

    @Override
    public void state(int rendition, FeedState state) {
        board.state(rendition, state);
    }

    @Override
    public void missed(int rendition, long segments) {
        around.missed().accept(segments);
    }

    @Override
    public void trouble(String of, String why) {
        board.trouble(of, why);
    }

    /** What an operator should look at now; it waits for nothing. */
    public Optional<String> alarm() {
        return board.alarm();
    }

    /** Seconds since the last segment of the rendition that is silent for longest, of those on air; it waits for nothing. */
    public double silenceSeconds() {
        return board.silenceSeconds();
    }

    /** How the renditions stand, in a line; it waits for nothing. */
    public String feedText() {
        return board.text();
    }

    private synchronized boolean isLive() {
        return begun && !closed && board.isOn();
    }

    /** Puts out a head where one is due. */
    void tick() {
        guarded(() -> publishHead(false));
    }

    private interface Publishing {
        void run() throws IOException;
    }

    private void guarded(Publishing head) {
        try {
            head.run();
        } catch (IOException e) {
            log.error("no new head: {}", e.getMessage());
            board.trouble(STATE, "cannot be written, so no head is put out: " + e.getMessage());
        } catch (RuntimeException e) {
            log.error("no new head", e);
        }
    }

    /** @param last whether this is said in closing, behind which nothing is said any more */
    private synchronized void publishHead(boolean last) throws IOException {
        if (about.isEmpty() || stoodDown || (closed && !last)) {
            return;
        }
        HeadKeeper.Content content = content(isLive() ? Head.Status.LIVE : Head.Status.ENDED, about.get());
        if (heads.due(content, around.nanoTime().getAsLong())) {
            publish(content, HeadKeeper.LIFETIME);
        }
    }

    private HeadKeeper.Content content(Head.Status status, About current) {
        return new HeadKeeper.Content(
                status,
                current.hash(),
                mesh.view().windows(0).stream()
                        .findFirst()
                        .map(window -> window.torrent().infoHash()),
                config.fallback().apply(publisher.term()),
                entryPoints());
    }

    private void publish(HeadKeeper.Content content, Duration lifetime) throws IOException {
        long seq = publisher.nextHeadSeq();
        Head head = new Head(
                seq,
                around.wallClock().instant().plus(lifetime),
                content.status(),
                publisher.term(),
                content.window(),
                content.fallback(),
                content.entryPoints(),
                content.about());
        board.trouble(STATE, "");
        mesh.publish(SignedHead.sign(head, config.key()));
        heads.told(content, around.nanoTime().getAsLong());
    }

    private List<Endpoint> entryPoints() {
        List<Endpoint> chosen = new ArrayList<>();
        for (Endpoint endpoint : around.endpoints().get()) {
            long same = chosen.stream()
                    .filter(one -> one.isIpv4() == endpoint.isIpv4())
                    .count();
            if (same < ENTRY_POINTS_OF_A_FAMILY) {
                chosen.add(endpoint);
            }
        }
        return chosen;
    }

    /**
     * Tells the mesh that the stream has ended; or, where its feed goes on and so another run will follow, that it counts as live
     * for {@link HeadKeeper#RESTART} more: players that were told of an end would not come back.
     */
    @Override
    public void close() {
        ticker.shutdownNow();
        boolean goesOn;
        synchronized (this) {
            goesOn = isLive();
            closed = true;
        }
        guarded(goesOn ? this::publishLastHead : () -> publishHead(true));
    }

    private synchronized void publishLastHead() throws IOException {
        if (about.isPresent() && !stoodDown) {
            publish(content(Head.Status.LIVE, about.get()), HeadKeeper.RESTART);
        }
    }
}
