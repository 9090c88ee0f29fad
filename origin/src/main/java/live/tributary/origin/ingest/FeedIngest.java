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

    private final Duration interval;
    private final Config config;
    private final InstantSource wallClock;
    private final IngestListener listener;
    private final Optional<Path> path;
    private final Optional<Path> root;
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
    private boolean wasMissing;
    private final LastLine lastLine = new LastLine();
    /** What the renditions' lists told last. */
    private final Map<Integer, HlsSnapshot.Media> lists = new HashMap<>();

    private Map<Integer, List<String>> standing = Map.of();
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

    /** @param finished what is looped, by rendition; none where the feed is read as it is */
    private record Description(
            List<Rendition> renditions,
            List<URI> locations,
            Duration target,
            Map<Integer, HlsSnapshot.Media> finished) {
        boolean tellsTheSameAs(Description other) {
            return renditions.equals(other.renditions) && target.equals(other.target);
        }

        boolean loopsTheSameAs(Description other) {
            return LoopPlaylist.outlines(finished).equals(LoopPlaylist.outlines(other.finished));
        }

        /** Whether a rendition is the other's, wherever its list is named by now. */
        boolean hasStill(int number, Description other) {
            if (number >= renditions.size() || number >= other.renditions.size()) {
                return false;
            }
            return renditions.get(number).equals(other.renditions.get(number))
                    || (ListAddress.isSamePath(locations.get(number), other.locations.get(number))
                            && isAloneAtItsPath(number)
                            && other.isAloneAtItsPath(number));
        }

        /** Some servers tell their renditions apart by the query alone; there a path says nothing. */
        private boolean isAloneAtItsPath(int number) {
            URI its = locations.get(number);
            return locations.stream()
                            .filter(location -> ListAddress.isSamePath(location, its))
                            .count()
                    == 1;
        }

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
        this(config, wallClock, listener, FEED_INTERVAL);
    }

    /** @param interval between two looks at the list of renditions */
    FeedIngest(Config config, InstantSource wallClock, IngestListener listener, Duration interval) {
        this.interval = interval;
        this.config = config;
        this.wallClock = wallClock;
        this.listener = listener;
        if (config.isUrl()) {
            path = Optional.empty();
            root = Optional.empty();
            source = new HttpSource(URI.create(config.feed()), config.allowedHosts());
        } else {
            Path file = Path.of(config.feed()).toAbsolutePath().normalize();
            path = Optional.of(file);
            Path parent = Optional.ofNullable(file.getParent()).orElse(file);
            String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
            boolean isList =
                    Files.isRegularFile(file) || PLAYLIST_SUFFIXES.stream().anyMatch(name::endsWith);
            Path folder = isList && !Files.isDirectory(file) ? parent : file;
            root = Optional.of(folder);
            source = new FolderSource(folder);
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
                apply(seen);
                wait = interval;
            } catch (FormatException e) {
                wait = unsound(e);
            } catch (IOException e) {
                wasMissing |= e instanceof FeedSource.MissingException && isThere();
                trouble(e);
                wait = FEED_RETRY;
            } catch (RuntimeException e) {
                log.error("the feed's list of renditions could not be taken", e);
                wait = interval;
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
        trouble(why);
        return FEED_RETRY;
    }

    private void trouble(Exception reason) {
        String why = String.valueOf(reason.getMessage());
        String kind = reason instanceof ForeignLocationException ? "foreign" : why; // A token may be another each time.
        if (!kind.equals(trouble)) {
            log.warn("the feed {} cannot be read: {}; trying again", config.feed(), why);
            trouble = kind;
            listener.trouble("feed", "cannot be read: " + why);
        }
    }

    /** Whether the place is there where a list is missing: one that comes with it, as on a disk that is mounted late, may be old. */
    private boolean isThere() {
        return root.map(Files::isDirectory).orElse(true);
    }

    private Description describe() throws IOException, FormatException {
        FeedSource.Playlist top = source.playlist(location());
        List<Rendition> renditions = new ArrayList<>();
        List<URI> locations = new ArrayList<>();
        byte[] bytes = lastLine.ended(top.bytes(), System.nanoTime());
        HlsSnapshot snapshot = HlsReader.read(bytes);
        if (snapshot instanceof HlsSnapshot.Media media) {
            renditions.add(new Rendition(0, Rendition.Kind.VARIANT, ""));
            locations.add(location());
            lists.keySet().retainAll(Set.of(0));
            lists.put(0, media);
        } else {
            if (!LastLine.isEnded(bytes)) {
                throw new FormatException("master playlist: its last line is being written");
            }
            for (HlsSnapshot.Entry entry : ((HlsSnapshot.Master) snapshot).renditions()) {
                renditions.add(entry.rendition());
                locations.add(source.resolve(top.location(), ServingEndpoint.own(top.location(), entry.uri())));
            }
            readLists(locations);
        }
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
        lists.keySet().removeIf(number -> number >= locations.size());
        Optional<IOException> unreadable = Optional.empty();
        Optional<FormatException> unsound = Optional.empty();
        for (int number = 0; number < locations.size(); number++) {
            try {
                lists.put(number, media(locations.get(number)));
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
        Map<Integer, List<String>> outlines = LoopPlaylist.outlines(lists);
        if (!outlines.equals(standing)) {
            standing = outlines;
            standingSince = System.nanoTime();
        }
        boolean stands = System.nanoTime() - standingSince >= FINISHED.toNanos();
        for (Map.Entry<Integer, HlsSnapshot.Media> list : lists.entrySet()) {
            if (!list.getValue().ended() && !stands) {
                throw new FormatException("rendition " + list.getKey()
                        + ": no EXT-X-ENDLIST (expected with --loop: a finished list, or one"
                        + " that has stood still for " + FINISHED.toSeconds() + " s)");
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
        Optional<Description> before = current;
        boolean goesOn = before.filter(seen::loopsTheSameAs).isPresent();
        readers.values().removeIf(reader -> {
            boolean kept = goesOn
                    && before.filter(its -> seen.hasStill(reader.rendition, its))
                            .isPresent();
            if (!kept) {
                reader.leave();
            }
            return !kept;
        });
        if (before.filter(seen::tellsTheSameAs).isEmpty()) {
            if (before.isPresent()) {
                log.info(
                        "the feed has other renditions now: {}",
                        seen.renditions().size());
            }
            // Behind what those who left told of renditions that are no more.
            listener.described(seen.renditions(), seen.target());
        }
        Loop loop = new Loop(seen.period(), wallClock.instant(), System.nanoTime());
        for (int number = 0; number < seen.locations().size(); number++) {
            URI location = seen.locations().get(number);
            if (path.isPresent()) {
                Path folder = Path.of(location).resolveSibling("");
                watch.ifPresent(folders -> folders.add(folder));
            }
            Optional<Reader> reader = Optional.ofNullable(readers.get(number));
            reader.ifPresent(its -> its.address.name(location));
            if (reader.isEmpty()) {
                Optional<HlsSnapshot.Media> finished =
                        Optional.ofNullable(seen.finished().get(number));
                Reader fresh = new Reader(
                        number,
                        location,
                        live -> finished.map(list -> loop.view(LoopPlaylist.isSame(list, live) ? live : list))
                                .orElse(live),
                        before.isPresent());
                readers.put(number, fresh);
                fresh.start();
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

    /** The thread of one rendition; whatever it brings after it was replaced is dropped. */
    private final class Reader extends Thread implements IngestListener {
        private final int rendition;
        private final ListAddress address;
        private final RenditionIngest ingest;
        private long seenHints;
        private volatile boolean gone;

        /** @param replaces whether the feed was read before: what comes now does not go on from it, nor from an earlier run */
        Reader(int rendition, URI location, UnaryOperator<HlsSnapshot.Media> view, boolean replaces) {
            super("ingest-" + rendition);
            setDaemon(true);
            this.rendition = rendition;
            this.address = new ListAddress(location);
            Optional<ResumePoint> last =
                    Optional.ofNullable(config.resumeAfter().get(rendition)).filter(point -> !replaces);
            boolean proven = config.loop() || (wasMissing && !replaces);
            FeedTracker tracker = new FeedTracker(last, proven, !config.loop());
            if (replaces) {
                tracker.beginsBehindABreak();
            }
            this.ingest = new RenditionIngest(rendition, address, source, tracker, view, this, System::nanoTime);
        }

        /** Another takes its place. What it is bringing at this moment comes before; its state and its troubles are over. */
        synchronized void leave() {
            gone = true;
            listener.state(rendition, FeedState.OFFLINE);
            listener.trouble(RenditionIngest.playlistOf(rendition), "");
            listener.trouble(RenditionIngest.segmentsOf(rendition), "");
        }

        @Override
        public void described(List<Rendition> renditions, Duration targetDuration) {
            throw new IllegalStateException("one rendition does not describe the feed");
        }

        @Override
        public synchronized void chunk(int number, IngestedChunk chunk) {
            if (!gone) {
                listener.chunk(number, chunk);
            }
        }

        @Override
        public synchronized void state(int number, FeedState state) {
            if (!gone) {
                listener.state(number, state);
            }
        }

        @Override
        public synchronized void trouble(String of, String why) {
            if (!gone) {
                listener.trouble(of, why);
            }
        }

        @Override
        public synchronized void missed(int number, long segments) {
            if (!gone) {
                listener.missed(number, segments);
            }
        }

        @Override
        public void run() {
            Duration wait = Duration.ZERO;
            while (!gone && pause(wait)) {
                try {
                    wait = ingest.step();
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
                    ingest.hint();
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
