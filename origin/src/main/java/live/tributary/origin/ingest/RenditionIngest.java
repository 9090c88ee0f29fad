package live.tributary.origin.ingest;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.LongSupplier;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSegment;
import live.tributary.protocol.hls.HlsSnapshot;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one rendition's feed: playlist, sizes, segments, one step after the other, and never gives up.
 *
 * <p>Owned by one thread, which calls {@link #step} again after the time that it returns, or sooner.
 */
final class RenditionIngest {
    private static final Logger log = LoggerFactory.getLogger(RenditionIngest.class);

    private static final Duration FIRST_RETRY = Duration.ofMillis(500);
    /** How long a list may be unsound until it is said: Owncast writes lists in place, and a reader finds any part of them. */
    static final Duration BEING_WRITTEN = Duration.ofSeconds(1);

    private static final Duration WHILE_WRITTEN = Duration.ofMillis(200);
    /** How long to wait before a segment that could not be taken is tried again; twice as long each time. */
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    private final int rendition;
    private final ListAddress address;
    private final FeedSource source;
    private final FeedTracker tracker;
    private final Function<HlsSnapshot.Media, HlsSnapshot.Media> view;
    private final IngestListener listener;
    private final LongSupplier nanoTime;

    private URI playlist;
    private Duration interval = FIRST_RETRY;
    private Duration retry = FIRST_RETRY;
    private long nextLook;
    private boolean goesOn;
    private String trouble = "";
    private String leftOut = "";
    private OptionalLong unsoundSince = OptionalLong.empty();
    private FeedState told = FeedState.OFFLINE;
    private long missedTold;
    private boolean saidOver;
    private final LastLine lastLine = new LastLine();
    private Optional<KnownInit> knownInit = Optional.empty();
    private Optional<Unsettled> unsettled = Optional.empty();
    private Optional<Ahead> ahead = Optional.empty();
    private Optional<SizedRead> unlikeItsSize = Optional.empty();
    private Duration pause = FIRST_PAUSE;
    private long nextTake;
    /** When the size of the segment whose turn it is was told last. */
    private long lookedAt;

    /** A whole file that was read, and had another length than its server had told. */
    private record SizedRead(Candidate candidate, OptionalLong told, int length) {}

    /** A segment whose file is empty, or grows. */
    private record Unsettled(Candidate candidate, long since) {}

    /** What a file had when it was first seen, hashed while its size had yet to stand still. */
    private record Ahead(Candidate candidate, byte[] bytes, Sha256 sha256) {}

    private record KnownInit(int epoch, HlsSegment.Init init, byte[] bytes) {}

    /**
     * @param view what the tracker is shown of the playlist that was read: itself, or a loop of it
     * @param nanoTime monotonic, in nanoseconds; what a step does takes time
     */
    RenditionIngest(
            int rendition,
            ListAddress address,
            FeedSource source,
            FeedTracker tracker,
            Function<HlsSnapshot.Media, HlsSnapshot.Media> view,
            IngestListener listener,
            LongSupplier nanoTime) {
        this.rendition = rendition;
        this.address = address;
        this.source = source;
        this.tracker = tracker;
        this.view = view;
        this.listener = listener;
        this.nanoTime = nanoTime;
        long start = nanoTime.getAsLong();
        this.playlist = address.at(start);
        this.nextLook = start;
        this.nextTake = start;
        this.lookedAt = start;
    }

    /** The next look at the playlist is due at once: something in its folder changed. */
    void hint() {
        long now = nanoTime.getAsLong();
        nextLook = now;
        nextTake = now;
    }

    /** Does what is due; returns how long the next step can wait. */
    Duration step() {
        if (nanoTime.getAsLong() - nextLook >= 0) {
            look();
        }
        boolean waiting = nanoTime.getAsLong() - nextTake < 0 || take();
        tracker.tick(nanoTime.getAsLong());
        tell();
        if (goesOn) {
            goesOn = false;
            return Duration.ZERO;
        }
        long until = waiting
                ? Math.min(
                        nextLook,
                        Math.max(nextTake, lookedAt + tracker.patience().toNanos()))
                : nextLook;
        return Duration.ofNanos(Math.max(0, until - nanoTime.getAsLong()));
    }

    private void look() {
        long began = nanoTime.getAsLong();
        try {
            FeedSource.Playlist read = source.playlist(address.at(began));
            long now = nanoTime.getAsLong();
            playlist = read.location();
            if (HlsReader.read(lastLine.ended(read.bytes(), now)) instanceof HlsSnapshot.Media media) {
                requireCarriable(media);
                address.read(media, now);
                interval = source.interval(media.targetDuration());
                HlsSnapshot.Media shown = view.apply(media);
                tracker.playlist(shown, now);
                tellOver(shown);
            } else {
                throw new FormatException("a master playlist (expected: a media playlist)");
            }
            if (tracker.merelyLies(now)) {
                trouble(
                        "has not moved since it is read, so it counts as old: what it lists next is published, and --loop"
                                + " plays a finished one as live");
            } else {
                troubleOver();
            }
            unsoundSince = OptionalLong.empty();
            retry = FIRST_RETRY;
            nextLook = began + interval.toNanos();
        } catch (IOException e) {
            if (!lookedElsewhere()) {
                unreadable(e);
            }
        } catch (FormatException e) {
            if (!lookedElsewhere()) {
                unsound(e);
            }
        }
    }

    /** Whether the list is named otherwise by now, where the next look goes. */
    private boolean lookedElsewhere() {
        boolean elsewhere = address.renew();
        nextLook = elsewhere ? nanoTime.getAsLong() : nextLook;
        return elsewhere;
    }

    private void unreadable(IOException why) {
        boolean missing = why instanceof FeedSource.MissingException;
        if (missing) {
            tracker.missing();
        }
        trouble((missing ? "is not there: " : "cannot be read: ") + why.getMessage());
        retryLater();
    }

    /** Somebody who gives a recording must learn why nothing comes of it. */
    private void tellOver(HlsSnapshot.Media media) {
        boolean over = media.ended()
                && tracker.state() == FeedState.OFFLINE
                && tracker.next().isEmpty();
        if (over && !saidOver) {
            log.info(
                    "rendition {}: the feed is over (EXT-X-ENDLIST); what it lists next is published. --loop plays a finished one as live",
                    rendition);
        }
        saidOver = over;
    }

    private void unsound(FormatException why) {
        long now = nanoTime.getAsLong();
        if (unsoundSince.isEmpty()) {
            unsoundSince = OptionalLong.of(now);
        }
        if (now - unsoundSince.getAsLong() < BEING_WRITTEN.toNanos()) {
            nextLook = now + WHILE_WRITTEN.toNanos();
        } else {
            trouble("is not one that can be published: " + why.getMessage());
            retryLater();
        }
    }

    private static void requireCarriable(HlsSnapshot.Media media) throws FormatException {
        if (media.encrypted()) {
            throw new FormatException("the feed is encrypted (EXT-X-KEY); only feeds in the clear are carried");
        }
        if (media.partsOnly()) {
            throw new FormatException("the feed lists parts only (EXT-X-PART); whole segments are needed");
        }
        if (media.ours()) {
            throw new FormatException("the feed is a stream's own magnet playlist; give the encoder's");
        }
    }

    private void retryLater() {
        nextLook = nanoTime.getAsLong() + retry.toNanos();
        Duration doubled = retry.multipliedBy(2);
        retry = doubled.compareTo(source.longestRetry()) < 0 ? doubled : source.longestRetry();
    }

    /** Takes what is complete. Returns whether a segment waits to become so. */
    private boolean take() {
        while (true) {
            Optional<Candidate> candidate = tracker.next();
            if (candidate.isEmpty()) {
                return false;
            }
            try {
                if (!take(candidate.get())) {
                    return true;
                }
                pause = FIRST_PAUSE;
                takenAgain();
                goesOn = tracker.next()
                        .isPresent(); // In another step: what was just done took time, and the next file's begins now.
                return goesOn;
            } catch (FeedSource.MissingException e) {
                if (!gaveUp(candidate.get(), FeedTracker.Failure.MISSING, e)) {
                    return true;
                }
            } catch (FormatException e) {
                if (!gaveUp(candidate.get(), FeedTracker.Failure.UNSOUND, e)) {
                    return true;
                }
            } catch (IOException e) {
                if (!gaveUp(candidate.get(), FeedTracker.Failure.UNREACHABLE, e)) {
                    return true;
                }
            }
        }
    }

    private boolean take(Candidate candidate) throws IOException, FormatException {
        HlsSegment segment = candidate.segment();
        if (segment.duration().compareTo(ChunkRecord.MAX_DURATION) > 0) {
            throw new FormatException("duration: " + segment.duration().toSeconds() + " s (expected: <= 120 s)");
        }
        URI location = source.resolve(playlist, segment.uri());
        Optional<Unsettled> before = unsettled.filter(file -> file.candidate().equals(candidate));
        unsettled = Optional.empty();
        long asked = nanoTime.getAsLong();
        FeedSource.FileLook look = source.look(location);
        lookedAt = nanoTime.getAsLong();
        OptionalLong size = size(look, segment);
        if (!tracker.isStill(candidate, size, asked, lookedAt)) {
            Unsettled file = before.orElse(new Unsettled(candidate, lookedAt));
            unsettled = Optional.of(file);
            requirePatience(size.orElse(0), lookedAt - file.since());
            readAhead(candidate, location, size.orElse(0));
            return false;
        }
        byte[] bytes = source.read(location, segment.range(), ChunkRecord.MAX_CHUNK);
        if (segment.range().isEmpty() && isUnlike(candidate, size, bytes.length)) {
            return false;
        }
        Optional<Ahead> early = ahead.filter(read -> read.candidate().equals(candidate));
        ahead = Optional.empty();
        if (early.isPresent() && !Arrays.equals(early.get().bytes(), bytes)) {
            lookedAt = nanoTime.getAsLong();
            tracker.changed(candidate, lookedAt); // In its place, for its size is the same.
            ahead = Optional.of(new Ahead(candidate, bytes, Sha256.ofContent(bytes)));
            unsettled = Optional.of(before.orElse(new Unsettled(candidate, lookedAt)));
            requirePatience(bytes.length, lookedAt - unsettled.get().since());
            return false;
        }
        Optional<byte[]> init = init(candidate);
        SegmentStructure.Packed packed = SegmentStructure.pack(init, bytes);
        init.ifPresent(whole -> knownInit =
                Optional.of(new KnownInit(candidate.epoch(), segment.init().orElseThrow(), whole)));
        Sha256 sha256 = early.map(Ahead::sha256).orElseGet(() -> Sha256.ofContent(packed.bytes()));
        FeedTracker.Content content = new FeedTracker.Content(candidate.name(), look.version(), sha256);
        FeedTracker.Verdict verdict = tracker.taken(candidate, packed.kind(), content, nanoTime.getAsLong());
        if (verdict != FeedTracker.Verdict.DUPLICATE) {
            listener.chunk(
                    rendition,
                    new IngestedChunk(
                            packed.bytes(),
                            sha256,
                            packed.kind().container(),
                            packed.initLength(),
                            segment.duration().isZero() ? Duration.ofMillis(1) : segment.duration(),
                            verdict == FeedTracker.Verdict.PUBLISH_AFTER_BREAK,
                            new IngestedChunk.Position(candidate.epoch(), segment.sequence()),
                            segment.programDateTime(),
                            candidate.name()));
        }
        return true;
    }

    /**
     * Uses the time in which a size has yet to stand still: where files come whole, and one can be read twice for nothing, it is
     * hashed meanwhile. What counts is what is read in the end: other bytes of the same size are a file that is being written.
     */
    private void readAhead(Candidate candidate, URI location, long size) {
        if (ahead.filter(read -> read.candidate().equals(candidate) && read.bytes().length == size)
                .isPresent()) {
            return;
        }
        ahead = Optional.empty();
        HlsSegment segment = candidate.segment();
        boolean asItIs = segment.range().isEmpty() && segment.init().isEmpty();
        if (asItIs && size > 0 && source.isNear() && tracker.filesComeWhole()) {
            try {
                byte[] bytes = source.read(location, Optional.empty(), ChunkRecord.MAX_CHUNK);
                ahead = Optional.of(new Ahead(candidate, bytes, Sha256.ofContent(bytes)));
            } catch (IOException e) { // The reading that counts comes yet, and says so itself where it fails.
                log.debug("rendition {}: {} is not hashed ahead: {}", rendition, candidate.name(), e.toString());
            }
        }
    }

    /** What a file that grows on behind a range has of it. */
    private static OptionalLong size(FeedSource.FileLook look, HlsSegment segment) {
        if (look.size().isEmpty() || segment.range().isEmpty()) {
            return look.size();
        }
        HlsSegment.ByteRange range = segment.range().get();
        return OptionalLong.of(Math.min(look.size().getAsLong(), range.offset() + range.length()));
    }

    /** A segment that stays empty, or grows for ever, must not hold up all that follow. */
    private void requirePatience(long size, long unsettledNanos) throws IOException, FormatException {
        if (size == 0 && tracker.isBeyondPatience(unsettledNanos, FeedTracker.Failure.EMPTY)) {
            throw new FormatException("segment: 0 bytes (expected: 1.." + ChunkRecord.MAX_CHUNK + ")");
        }
        if (size > 0 && tracker.isBeyondPatience(unsettledNanos, FeedTracker.Failure.UNREACHABLE)) {
            throw new IOException(
                    "segment: still growing at " + size + " bytes (expected: a whole one once it is listed)");
        }
    }

    /**
     * Whether a file has another length than was told of it. It may have grown meanwhile, which the next look sees; where the next
     * says the same, it is the server that tells another size than it sends.
     */
    private boolean isUnlike(Candidate candidate, OptionalLong told, int length) {
        if (told.isEmpty() || told.getAsLong() == length) {
            return false;
        }
        Optional<SizedRead> read = Optional.of(new SizedRead(candidate, told, length));
        boolean another = !read.equals(unlikeItsSize);
        unlikeItsSize = read;
        return another;
    }

    private Optional<byte[]> init(Candidate candidate) throws IOException, FormatException {
        if (candidate.segment().init().isEmpty()) {
            return Optional.empty();
        }
        HlsSegment.Init init = candidate.segment().init().get();
        Optional<byte[]> known = knownInit
                .filter(kept ->
                        !candidate.afterBreak()) // Another run of the encoder may have written another under the same
                // name.
                .filter(kept -> kept.epoch() == candidate.epoch() && kept.init().equals(init))
                .map(KnownInit::bytes);
        if (known.isPresent()) {
            return known;
        }
        return Optional.of(source.read(source.resolve(playlist, init.uri()), init.range(), ChunkRecord.MAX_CHUNK));
    }

    private boolean gaveUp(Candidate candidate, FeedTracker.Failure failure, Exception why) {
        long now = nanoTime.getAsLong();
        boolean gaveUp = tracker.failed(candidate, failure, now);
        if (gaveUp) {
            ahead = Optional.empty();
            pause = FIRST_PAUSE;
            leftOut(candidate, why);
        } else {
            nextTake = now + pause.toNanos();
            Duration longest = interval.compareTo(LONGEST_PAUSE) < 0 ? interval : LONGEST_PAUSE;
            Duration doubled = pause.multipliedBy(2);
            pause = doubled.compareTo(longest) < 0 ? doubled : longest;
        }
        return gaveUp;
    }

    /** Says each reason once, until a segment is taken again; a feed of which none can be would fill the log. */
    private void leftOut(Candidate candidate, Exception reason) {
        String why = String.valueOf(reason.getMessage());
        boolean foreign = reason instanceof ForeignLocationException; // Each names another location.
        String kind = foreign ? "foreign" : why;
        boolean again = kind.equals(leftOut);
        leftOut = kind;
        if (again) {
            log.debug("rendition {}: segment {} left out: {}", rendition, candidate.name(), why);
        } else {
            log.warn("rendition {}: segment {} left out: {}", rendition, candidate.name(), why);
        }
        if (!again || !foreign) {
            listener.trouble(segmentsOf(rendition), candidate.name() + " was left out: " + why);
        }
    }

    private void takenAgain() {
        if (!leftOut.isEmpty()) {
            leftOut = "";
            listener.trouble(segmentsOf(rendition), "");
        }
    }

    /** What its troubles with the playlist are called. */
    static String playlistOf(int rendition) {
        return "rendition " + rendition;
    }

    /** What its troubles with segments are called. */
    static String segmentsOf(int rendition) {
        return "rendition " + rendition + "'s segments";
    }

    private void tell() {
        if (tracker.state() != told) {
            told = tracker.state();
            log.info("rendition {}: {}", rendition, told);
            if (told == FeedState.STALLED) {
                log.warn("rendition {}: no new segment for a while; is the encoder running?", rendition);
            }
            listener.state(rendition, told);
        }
        if (tracker.missed() > missedTold) {
            listener.missed(rendition, tracker.missed() - missedTold);
            missedTold = tracker.missed();
        }
    }

    /** Says a trouble once, until it is over or another. */
    private void trouble(String now) {
        if (!now.equals(trouble)) {
            log.warn("rendition {}: the feed's playlist {}; trying again", rendition, now);
            trouble = now;
            listener.trouble(playlistOf(rendition), "its playlist " + now);
        }
    }

    private void troubleOver() {
        if (!trouble.isEmpty()) {
            log.info("rendition {}: the feed's playlist is taken again", rendition);
            trouble = "";
            listener.trouble(playlistOf(rendition), "");
        }
    }
}
