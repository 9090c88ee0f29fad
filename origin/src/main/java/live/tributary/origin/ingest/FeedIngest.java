package live.tributary.origin.ingest;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSnapshot;
import live.tributary.protocol.stream.Rendition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A feed with all its renditions, each read by a thread of its own; the list of renditions is looked at again and again. */
public final class FeedIngest implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(FeedIngest.class);

    private static final Duration FEED_INTERVAL = Duration.ofSeconds(5);
    private static final Duration FEED_RETRY = Duration.ofSeconds(1);
    private static final Duration WHILE_WRITTEN = Duration.ofMillis(250);
    /** How long a list without an end must stand still to be looped as it is: its encoder may have been killed. */
    private static final Duration FINISHED = Duration.ofSeconds(12);

    private static final Duration PAUSE_AFTER_BUG = Duration.ofSeconds(1);
    private static final List<String> USUAL_NAMES =
            List.of("stream.m3u8", "master.m3u8", "index.m3u8", "playlist.m3u8", "live.m3u8");

    private static final List<String> PLAYLIST_SUFFIXES = List.of(".m3u8", ".m3u");

    private final Config config;
    private final InstantSource wallClock;
    private final IngestListener listener;
    private final Optional<Path> path;
    private final FeedSource source;
    private final Map<Integer, Reader> readers = new HashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Condition hints = lock.newCondition();
    private final Thread thread = new Thread(this::run, "ingest-feed");
    private Optional<FolderWatch> watch = Optional.empty();
    private boolean stopped;
    private long hinted;
    private String trouble = "";
    private final LastLine lastLine = new LastLine();
    /** What the renditions' lists told last, by location. */
    private final Map<URI, HlsSnapshot.Media> lists = new HashMap<>();

    private Map<URI, HlsSnapshot.Media> standing = Map.of();
    private long standingSince;
    private OptionalLong unsoundSince = OptionalLong.empty();
    private Optional<Description> current = Optional.empty();

    /**
     * What to read.
     *
     * @param feed a folder, a playlist file, or an http(s) URL
     * @param loop whether a finished feed is played as live
     * @param allowedHosts further hosts that a feed on the web may name
     * @param resumeAfter per rendition, the last segment that an earlier run published
     */
    public record Config(String feed, boolean loop, Set<String> allowedHosts, Map<Integer, ResumePoint> resumeAfter) {
        public Config {
            allowedHosts = Set.copyOf(allowedHosts);
            resumeAfter = Map.copyOf(resumeAfter);
        }

        boolean isUrl() {
            return new FeedName(feed).isUrl();
        }
    }

    /** @param finished what is looped, by location; none where the feed is read as it is */
    private record Description(
            List<Rendition> renditions, List<URI> locations, Duration target, Map<URI, HlsSnapshot.Media> finished) {
        /** One round of the loop. */
        Duration period() {
            return finished.values().stream()
                    .map(LoopPlaylist::length)
                    .max(Duration::compareTo)
                    .orElse(Duration.ZERO);
        }
    }

    /** The clock of a looped feed: all renditions begin their rounds together. */
    private record Loop(Duration period, Instant start, long startNanos) {
        HlsSnapshot.Media view(HlsSnapshot.Media finished) {
            return LoopPlaylist.length(finished).isZero()
                    ? finished
                    : new LoopPlaylist(finished, period, start).at(Duration.ofNanos(System.nanoTime() - startNanos));
        }
    }

    /**
     * @throws IllegalArgumentException if the feed's name is neither a path nor an http(s) URL
     */
    public FeedIngest(Config config, InstantSource wallClock, IngestListener listener) {
        this.config = config;
        this.wallClock = wallClock;
        this.listener = listener;
        if (config.isUrl()) {
            path = Optional.empty();
            source = new HttpSource(URI.create(config.feed()), config.allowedHosts());
        } else {
            Path file = Path.of(config.feed()).toAbsolutePath().normalize();
            path = Optional.of(file);
            Path parent = Optional.ofNullable(file.getParent()).orElse(file);
            String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
            boolean isList =
                    Files.isRegularFile(file) || PLAYLIST_SUFFIXES.stream().anyMatch(name::endsWith);
            source = new FolderSource(isList && !Files.isDirectory(file) ? parent : file);
        }
    }

    public void start() {
        if (path.isPresent()) {
            try {
                watch = Optional.of(new FolderWatch(this::hint));
            } catch (IOException e) {
                log.debug("folders are not watched, only looked at: {}", e.toString());
            }
        }
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        while (true) {
            Duration wait;
            try {
                Description seen = describe();
                unsoundSince = OptionalLong.empty();
                if (!trouble.isEmpty()) {
                    trouble = "";
                    listener.trouble("feed", "");
                }
                if (!current.equals(Optional.of(seen))) {
                    apply(seen);
                }
                wait = FEED_INTERVAL;
            } catch (FormatException e) {
                wait = unsound(e);
            } catch (IOException e) {
                trouble(String.valueOf(e.getMessage()));
                wait = FEED_RETRY;
            } catch (RuntimeException e) {
                log.error("the feed's list of renditions could not be taken", e);
                wait = FEED_INTERVAL;
            }
            if (!await(changed, wait)) {
                return;
            }
        }
    }

    /** A list that is being written is unsound for a moment; one that stays so is said. Returns how long to wait. */
    private Duration unsound(FormatException why) {
        long now = System.nanoTime();
        if (unsoundSince.isEmpty()) {
            unsoundSince = OptionalLong.of(now);
        }
        if (now - unsoundSince.getAsLong() < RenditionIngest.BEING_WRITTEN.toNanos()) {
            return WHILE_WRITTEN;
        }
        trouble(String.valueOf(why.getMessage()));
        return FEED_RETRY;
    }

    private void trouble(String why) {
        if (!why.equals(trouble)) {
            log.warn("the feed {} cannot be read: {}; trying again", config.feed(), why);
            trouble = why;
            listener.trouble("feed", "cannot be read: " + why);
        }
    }

    private Description describe() throws IOException, FormatException {
        FeedSource.Playlist top = source.playlist(location());
        List<Rendition> renditions = new ArrayList<>();
        List<URI> locations = new ArrayList<>();
        byte[] bytes = lastLine.ended(top.bytes(), System.nanoTime());
        HlsSnapshot snapshot = HlsReader.read(bytes);
        if (snapshot instanceof HlsSnapshot.Media) {
            renditions.add(new Rendition(0, Rendition.Kind.VARIANT, ""));
            locations.add(location());
        } else {
            if (!LastLine.isEnded(bytes)) {
                throw new FormatException("master playlist: its last line is being written");
            }
            for (HlsSnapshot.Entry entry : ((HlsSnapshot.Master) snapshot).renditions()) {
                renditions.add(entry.rendition());
                locations.add(source.resolve(top.location(), ServingEndpoint.own(top.location(), entry.uri())));
            }
        }
        readLists(locations);
        Duration target = lists.values().stream()
                .map(HlsSnapshot.Media::targetDuration)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
        if (config.loop()) {
            requireFinished();
        }
        return new Description(renditions, locations, target, config.loop() ? Map.copyOf(lists) : Map.of());
    }

    /** Reads the lists that can be read; of others counts what they told before. One keeps the rest off the air only where none can. */
    private void readLists(List<URI> locations) throws IOException, FormatException {
        lists.keySet().retainAll(locations);
        Optional<IOException> unreadable = Optional.empty();
        Optional<FormatException> unsound = Optional.empty();
        for (URI location : locations) {
            try {
                lists.put(location, media(location));
            } catch (IOException e) {
                unreadable = Optional.of(e);
            } catch (FormatException e) {
                unsound = Optional.of(e);
            }
        }
        if (lists.isEmpty() && unreadable.isPresent()) {
            throw unreadable.get();
        }
        if (lists.isEmpty() && unsound.isPresent()) {
            throw unsound.get();
        }
    }

    /** A round that grows while it is played would show viewers its segments under ever other numbers. */
    private void requireFinished() throws FormatException {
        if (!lists.equals(standing)) {
            standing = Map.copyOf(lists);
            standingSince = System.nanoTime();
        }
        boolean stands = System.nanoTime() - standingSince >= FINISHED.toNanos();
        for (Map.Entry<URI, HlsSnapshot.Media> list : lists.entrySet()) {
            if (!list.getValue().ended() && !stands) {
                throw new FormatException(
                        list.getKey() + ": no EXT-X-ENDLIST (expected with --loop: a finished list, or one that has"
                                + " stood still for " + FINISHED.toSeconds() + " s)");
            }
        }
    }

    private HlsSnapshot.Media media(URI location) throws IOException, FormatException {
        if (HlsReader.read(source.playlist(location).bytes()) instanceof HlsSnapshot.Media media) {
            return media;
        }
        throw new FormatException(location + ": a master playlist in a master playlist (expected: a media playlist)");
    }

    private URI location() throws IOException {
        if (path.isEmpty()) {
            return URI.create(config.feed());
        }
        Path file = path.get();
        if (!Files.isDirectory(file)) {
            return file.toUri();
        }
        for (String name : USUAL_NAMES) {
            if (Files.isRegularFile(file.resolve(name))) {
                return file.resolve(name).toUri();
            }
        }
        try (Stream<Path> files = Files.list(file)) {
            List<Path> playlists = files.filter(one -> one.toString().endsWith(".m3u8"))
                    .limit(2)
                    .toList();
            if (playlists.size() == 1) {
                return playlists.get(0).toUri();
            }
            throw new FeedSource.MissingException(file + ": " + (playlists.isEmpty() ? "no" : "more than one")
                    + " playlist (expected: one, or one named as in " + USUAL_NAMES + ")");
        }
    }

    private void apply(Description seen) {
        Loop loop = new Loop(seen.period(), wallClock.instant(), System.nanoTime());
        if (current.isPresent()) {
            log.info("the feed has other renditions now: {}", seen.renditions().size());
        }
        listener.described(seen.renditions(), seen.target());
        readers.entrySet().removeIf(entry -> {
            int number = entry.getKey();
            boolean gone = number >= seen.locations().size()
                    || config.loop()
                    || !seen.locations().get(number).equals(entry.getValue().location);
            entry.getValue().gone |= gone;
            return gone;
        });
        for (int number = 0; number < seen.locations().size(); number++) {
            URI location = seen.locations().get(number);
            if (path.isPresent()) {
                Path folder = Path.of(location).resolveSibling("");
                watch.ifPresent(folders -> folders.add(folder));
            }
            if (!readers.containsKey(number)) {
                Optional<HlsSnapshot.Media> finished =
                        Optional.ofNullable(seen.finished().get(location));
                Reader reader = new Reader(
                        number, location, live -> finished.map(loop::view).orElse(live), current.isEmpty());
                readers.put(number, reader);
                reader.start();
            }
        }
        current = Optional.of(seen);
    }

    /** Waits, unless stopped. Returns whether to go on. */
    private boolean await(Condition condition, Duration wait) {
        lock.lock();
        try {
            if (!stopped && !wait.isZero()) {
                condition.awaitNanos(wait.toNanos());
            }
            return !stopped;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Something may have changed: the playlists are looked at now. */
    public void hint() {
        lock.lock();
        try {
            hinted++;
            hints.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The thread of one rendition. */
    private final class Reader extends Thread {
        private final URI location;
        private final RenditionIngest ingest;
        private long seenHints;
        private volatile boolean gone;

        Reader(int rendition, URI location, UnaryOperator<HlsSnapshot.Media> view, boolean resumes) {
            super("ingest-" + rendition);
            setDaemon(true);
            this.location = location;
            Optional<ResumePoint> last =
                    Optional.ofNullable(config.resumeAfter().get(rendition)).filter(point -> resumes);
            FeedTracker tracker = new FeedTracker(last, config.loop(), !config.loop());
            this.ingest = new RenditionIngest(rendition, location, source, tracker, view, listener, System.nanoTime());
        }

        @Override
        public void run() {
            Duration wait = Duration.ZERO;
            while (!gone && pause(wait)) {
                try {
                    wait = ingest.step(System.nanoTime());
                } catch (RuntimeException e) {
                    log.error("{}: going on after a fault", getName(), e);
                    wait = PAUSE_AFTER_BUG;
                }
            }
        }

        private boolean pause(Duration wait) {
            lock.lock();
            try {
                if (hinted == seenHints && !wait.isZero() && !stopped) {
                    hints.awaitNanos(wait.toNanos());
                }
                if (hinted != seenHints) {
                    seenHints = hinted;
                    ingest.hint(System.nanoTime());
                }
                return !stopped;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } finally {
                lock.unlock();
            }
        }
    }

    /** Ends all threads; one that waits for a server is left behind, and brings nothing any more. */
    @Override
    public void close() {
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
            hints.signalAll();
        } finally {
            lock.unlock();
        }
        watch.ifPresent(FolderWatch::close);
    }
}
