package live.tributary.origin.ingest;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.protocol.hls.HlsSegment;
import live.tributary.protocol.hls.HlsSnapshot;
import live.tributary.protocol.stream.Sha256;

/**
 * One rendition's feed as its playlists and files tell it over time, without I/O: which segment is to be published next.
 *
 * <pre>
 *   OFFLINE ──new segment listed──► STARTING ──first complete──► LIVE ◄──next complete── STALLED
 *      ▲                                                          │ └────silence──────────►│
 *      └───────grace over─── ENDING ◄──ENDLIST or offline clip────┴────────────────────────┘
 *                               └──new segment listed──► STARTING
 * </pre>
 *
 * <p>A segment is complete when a playlist lists it, its size stood still ({@link Settling}), and its structure is sound. Segments
 * leave in the order of their listing, each once. A playlist that merely lies there proves nothing: until it has moved (or had
 * been missing, or names what was published last and more behind it), its segments may be yesterday's. A feed that starts over (numbers go back, names change, an end is taken
 * back) goes on behind a break. Owned by one thread; {@code now} is monotonic, in nanoseconds.
 */
final class FeedTracker {
    /** How long a list must stand still that does not name what was published last. */
    static final Duration LIST_SETTLE = Duration.ofMillis(300);
    /** How many of the segments that a running feed lists at first are taken: players begin three targets behind live. */
    static final int START_BEHIND = 3;
    /** How many are taken at most of those that were listed while nobody looked: the origin was down, or the list not there. */
    static final int CATCH_UP = 25;

    static final Duration MIN_SILENCE = Duration.ofSeconds(12);
    /** How long an encoder may be away before the stream has ended. */
    static final Duration END_GRACE = Duration.ofSeconds(60);
    /** For how many target durations a listed segment may be missing, or unsound without a change. */
    static final int UNSOUND_TARGETS = 2;
    /** For how many it may have no byte: its writer has only begun. */
    static final int EMPTY_TARGETS = 4;
    /** For how many target durations its server may fail to answer. */
    static final int UNREACHABLE_TARGETS = 10;

    /**
     * How often a list shorter than the last must grow until it is a new list, not one cut off while it was written; and how many of
     * its target durations must lie between: what grows faster is being written.
     */
    private static final int GROWTHS_OF_A_NEW_LIST = 2;

    private static final double TARGETS_OF_A_GROWTH = 0.5;

    /** Numbers that go on faster than segments of this length could have come are another run's. */
    private static final Duration SHORTEST_SEGMENT = Duration.ofMillis(200);

    /** How far the feed's clock may be behind ours in what was listed while the origin was down. */
    private static final Duration RESUME_SLACK = Duration.ofMinutes(1);

    private static final int REMEMBERED_CONTENTS = 1024;

    /** Owncast's names hold an id of the encoder's run: {@code stream-<id>-<n>.ts}, once {@code stream-<id><seconds>.ts}. */
    private static final Pattern NUMBERED = Pattern.compile("stream-(.+)-(\\d{1,18})\\.\\w+");

    private static final Pattern TIMED = Pattern.compile("stream-(.*?)(\\d{10})\\.\\w+");

    private final Optional<ResumePoint> resumeAfter;
    private final boolean dropsRepeats;
    private final Settling settling = new Settling();
    private final Deque<Candidate> queue = new ArrayDeque<>();
    private final Set<Content> contents = new LinkedHashSet<>();
    /** Names in which an encoder's run has its id; as many as one list has. */
    private final Set<String> publishedBefore = new HashSet<>();

    private FeedState state = FeedState.OFFLINE;
    private Duration target = Duration.ofSeconds(1);
    private boolean proven;
    private boolean ended;
    private boolean started;
    private boolean tookAny;
    private TreeMap<Long, Listed> seenWithoutResume = new TreeMap<>();
    private long withoutResumeSince;
    private boolean breakAhead;
    private int epoch;
    private long next;
    private TreeMap<Long, Listed> listed = new TreeMap<>();
    private String session = "";
    private OptionalLong shorterList = OptionalLong.empty();
    private long shorterSince;
    private int growths;
    private long missed;
    private long changedAt;
    private long listReadAt;
    private long listedFirst;
    private OptionalLong failingSince = OptionalLong.empty();
    private Optional<SegmentStructure.Kind> kind = Optional.empty();
    private Optional<Content> lastTaken = Optional.empty();

    /**
     * @param resumeAfter the last segment that an earlier run published lately; it is taken again, since that run may have ended
     *     before the mesh had all of it
     * @param proven whether the very first playlist is known to be live
     * @param dropsRepeats whether a file that was published lately is dropped when it is listed again
     */
    FeedTracker(Optional<ResumePoint> resumeAfter, boolean proven, boolean dropsRepeats) {
        this.resumeAfter = resumeAfter;
        this.proven = proven;
        this.dropsRepeats = dropsRepeats;
    }

    /** What makes a file the same as one that was published: an encoder can write the same bytes anew. */
    record Content(String name, String version, Sha256 sha256) {}

    /** What to do with a segment that was read. */
    enum Verdict {
        PUBLISH,
        /** Publish it as a discontinuity. */
        PUBLISH_AFTER_BREAK,
        DUPLICATE
    }

    /** Why a segment could not be taken. */
    enum Failure {
        MISSING,
        /** Its structure is not whole. */
        UNSOUND,
        EMPTY,
        UNREACHABLE
    }

    /**
     * What a list says of one segment, as far as it tells it from another at the same number.
     *
     * @param called what tells it from all others of its list
     */
    private record Listed(String name, Optional<Instant> time, String called) {
        boolean differs(Listed other) {
            boolean sameTime = time.isEmpty()
                    || other.time.isEmpty()
                    || Duration.between(time.get(), other.time.get()).abs().compareTo(Duration.ofSeconds(1)) < 0;
            return !name.equals(other.name) || !sameTime;
        }
    }

    FeedState state() {
        return state;
    }

    /** Segments that the feed had and that could not be published: passed while nobody looked, gone, broken. */
    long missed() {
        return missed;
    }

    /** What was published last was another list's, from which this one does not go on. */
    void beginsBehindABreak() {
        breakAhead = true;
    }

    /** The playlist is not there: whatever comes next is new. */
    void missing() {
        proven = true;
    }

    /** A look at the playlist. */
    void playlist(HlsSnapshot.Media media, long now) {
        Duration unseen = Duration.ofNanos(listed.isEmpty() ? 0 : now - listReadAt);
        listReadAt = now;
        target = media.targetDuration().compareTo(Duration.ofSeconds(1)) < 0
                ? Duration.ofSeconds(1)
                : media.targetDuration();
        if (media.segments().isEmpty()) {
            if (media.ended()) {
                end(now);
            }
            return; // Else it may be a list of which only the beginning is written.
        }
        if (isBehind(media, now)) {
            return;
        }
        if (!proven && !prove(media, now)) {
            return;
        }
        if (listed.isEmpty()) { // A feed that had not been there when the origin came back.
            if (mayBeCutOff(names(media), now)) {
                return;
            }
            OptionalLong resume = resumeAt(names(media));
            next = resume.orElse(Math.max(next, names(media).lastKey() + 1 - CATCH_UP));
            knowBefore(media);
        }
        if (startsOver(media) || leapsAhead(media, unseen)) {
            epoch++;
            next = media.mediaSequence();
            breakAhead = true;
        }
        shorterList = OptionalLong.empty();
        growths = 0;
        listed = names(media);
        take(media, now);
        HlsSegment last = media.segments().get(media.segments().size() - 1);
        if (media.ended() || isOfflineClip(last)) {
            end(now);
        }
    }

    private void take(HlsSnapshot.Media media, long now) {
        SegmentNames names = SegmentNames.of(media);
        for (HlsSegment segment : media.segments()) {
            if (segment.sequence() < next) {
                continue;
            }
            if (started && segment.sequence() > next) {
                missed += segment.sequence() - next;
                breakAhead = true;
            }
            next = segment.sequence() + 1;
            if (isOfflineClip(segment) || segment.gap()) {
                missed += segment.gap() ? 1 : 0;
                breakAhead = true;
                continue;
            }
            if (publishedBefore.contains(name(segment))) {
                continue;
            }
            String itsSession = session(segment);
            breakAhead |= segment.discontinuity() || ended || (!session.isEmpty() && !session.equals(itsSession));
            session = itsSession;
            ended = false;
            started = true;
            queue.add(new Candidate(epoch, segment, names.of(segment), breakAhead, now));
            breakAhead = false;
            if (state == FeedState.OFFLINE || state == FeedState.ENDING) {
                change(FeedState.STARTING, now);
            }
        }
    }

    /**
     * Whether this list ends before the last one did, with the same names: an older copy from a cache, or one cut off in the
     * middle of being written. One that keeps growing is a new list.
     */
    private boolean isBehind(HlsSnapshot.Media media, long now) {
        if (listed.isEmpty()) {
            return false;
        }
        TreeMap<Long, Listed> names = names(media);
        if (names.lastKey() >= listed.lastKey() || names.lastKey() < listed.firstKey() || differs(names)) {
            return false;
        }
        long last = names.lastKey();
        if (shorterList.isPresent() && last > shorterList.getAsLong()) {
            growths += now - shorterSince >= target.toNanos() * TARGETS_OF_A_GROWTH ? 1 : 0;
        }
        if (shorterList.isEmpty() || last != shorterList.getAsLong()) {
            shorterList = OptionalLong.of(last);
            shorterSince = now;
        }
        return growths < GROWTHS_OF_A_NEW_LIST;
    }

    private boolean startsOver(HlsSnapshot.Media media) {
        if (listed.isEmpty()) {
            return false;
        }
        TreeMap<Long, Listed> names = names(media);
        boolean anotherSession = !session.isEmpty()
                && media.segments().stream()
                        .noneMatch(segment -> session(segment).equals(session));
        return names.lastKey() < listed.lastKey() // Older copies were sorted out before.
                || differs(names)
                || (anotherSession && names.firstKey() > listed.lastKey());
    }

    /** Whether the numbers went on further than the feed can have in this time: they were counted from elsewhere. */
    private boolean leapsAhead(HlsSnapshot.Media media, Duration unseen) {
        if (listed.isEmpty()) {
            return false;
        }
        long possible = listed.size() + media.segments().size() + unseen.dividedBy(SHORTEST_SEGMENT);
        return media.mediaSequence() - listed.lastKey() - 1 > possible;
    }

    private boolean differs(TreeMap<Long, Listed> names) {
        return names.entrySet().stream()
                .anyMatch(entry -> Optional.ofNullable(listed.get(entry.getKey()))
                        .filter(before -> before.differs(entry.getValue()))
                        .isPresent());
    }

    /** Whether the list lies there and has not shown that it is live. */
    boolean merelyLies(long now) {
        return !proven
                && !listed.isEmpty()
                && now - listedFirst >= silenceLimit().toNanos();
    }

    /** Whether the feed has shown that it moves; where it has, {@link #next} is where to begin. */
    private boolean prove(HlsSnapshot.Media media, long now) {
        TreeMap<Long, Listed> names = names(media);
        boolean first = listed.isEmpty();
        listedFirst = first ? now : listedFirst;
        HlsSegment last = media.segments().get(media.segments().size() - 1);
        OptionalLong resume = resumeAt(names);
        if (first && (media.ended() || isOfflineClip(last))) {
            if (mayBeCutOff(names, now)) {
                return false;
            }
            OptionalLong begin = resume.isPresent() ? resume : listedWhileDown(media);
            knowBefore(media);
            proven = true; // What is listed is over; anything else will be new.
            next = begin.orElse(last.sequence() + 1);
            ended = begin.isEmpty();
            listed = names;
            return begin.isPresent();
        }
        boolean wentOn = resume.isPresent() && names.lastKey() > resume.getAsLong(); // While nobody looked.
        if (!wentOn && (first || (names.lastKey().equals(listed.lastKey()) && !differs(names)))) {
            listed = names;
            return false;
        }
        if (mayBeCutOff(names, now)) {
            return false;
        }
        proven = true;
        next = resume.orElse(Math.max(
                names.firstKey(),
                resumeAfter.isPresent() ? names.lastKey() + 1 - CATCH_UP : listed.lastKey() + 1 - START_BEHIND));
        knowBefore(media);
        return true;
    }

    /**
     * Where to begin in a list that is over and does not name what was published last: a whole run of the encoder came and went while
     * the origin was down for a moment. Only the feed's clock tells it from an old recording.
     */
    private OptionalLong listedWhileDown(HlsSnapshot.Media media) {
        long last = media.segments().get(media.segments().size() - 1).sequence();
        return media.segments().stream()
                .filter(segment -> segment.programDateTime().isPresent()
                        && resumeAfter.isPresent()
                        && segment.programDateTime()
                                .get()
                                .isAfter(resumeAfter.get().published().minus(RESUME_SLACK)))
                .mapToLong(segment -> Math.max(segment.sequence(), last + 1 - CATCH_UP))
                .findFirst();
    }

    /**
     * Whether the segment that was published last could stand in a part of this list that is not written yet: one that does not
     * name it counts once it stood still.
     */
    private boolean mayBeCutOff(TreeMap<Long, Listed> names, long now) {
        if (resumeAfter.isEmpty() || resumeAt(names).isPresent()) {
            return false;
        }
        if (!names.equals(seenWithoutResume)) {
            seenWithoutResume = names;
            withoutResumeSince = now;
        }
        return now - withoutResumeSince < LIST_SETTLE.toNanos();
    }

    private OptionalLong resumeAt(TreeMap<Long, Listed> names) {
        return names.entrySet().stream()
                .filter(entry -> isResumePoint(entry.getValue().called()))
                .mapToLong(Map.Entry::getKey)
                .max();
    }

    /**
     * What stands before the segment that was published last was published too, and so was what that run of the encoder wrote before it
     * where the list no longer names it: where names tell a segment from all others, it is not taken again.
     */
    private void knowBefore(HlsSnapshot.Media media) {
        long resume = resumeAt(names(media)).orElse(Long.MIN_VALUE);
        Optional<InRun> last = resumeAfter.flatMap(point -> InRun.of(point.name()));
        for (HlsSegment segment : media.segments()) {
            Optional<InRun> its = InRun.of(fileName(segment));
            boolean stoodBefore = its.isPresent() && segment.sequence() < resume;
            if (stoodBefore || its.flatMap(it -> last.filter(it::isBefore)).isPresent()) {
                publishedBefore.add(name(segment));
            }
        }
    }

    private boolean isResumePoint(String name) {
        return resumeAfter.map(ResumePoint::name).equals(Optional.of(name));
    }

    private void end(long now) {
        ended = true;
        if (state == FeedState.STARTING || state == FeedState.LIVE || state == FeedState.STALLED) {
            change(FeedState.ENDING, now);
        }
    }

    /** The segment whose turn it is. */
    Optional<Candidate> next() {
        return Optional.ofNullable(queue.peek());
    }

    /** How long the size of the segment whose turn it is must stand still. */
    Duration patience() {
        return settling.patience();
    }

    /** A look at the size of the segment whose turn it is; whether it stands still. A server that does not tell sizes serves whole files. */
    boolean isStill(Candidate candidate, OptionalLong size, long asked, long answered) {
        return size.isEmpty() || settling.isStill(candidate, size.getAsLong(), asked, answered);
    }

    /** Whether the feed's files have all been whole when they were listed, for a while. */
    boolean filesComeWhole() {
        return settling.isSteady();
    }

    /** The segment whose turn it is was found with other bytes of the same size. */
    void changed(Candidate candidate, long now) {
        settling.changed(candidate, now);
    }

    /** The segment was read, and its structure is sound: it leaves the queue. */
    Verdict taken(Candidate candidate, SegmentStructure.Kind itsKind, Content content, long now) {
        queue.remove(candidate);
        settling.whole();
        tookAny = true;
        failingSince = OptionalLong.empty();
        if (dropsRepeats && !contents.add(content)) {
            if (!lastTaken.equals(
                    Optional.of(content))) { // What stands behind the last one goes on from it, whatever their numbers.
                breakAhead(candidate);
            }
            return Verdict.DUPLICATE;
        }
        lastTaken = Optional.of(content);
        if (contents.size() > REMEMBERED_CONTENTS) {
            contents.remove(contents.iterator().next());
        }
        boolean anotherKind = kind.filter(before -> !before.equals(itsKind)).isPresent();
        kind = Optional.of(itsKind);
        if (state != FeedState.ENDING) {
            change(FeedState.LIVE, now);
        }
        return candidate.afterBreak() || anotherKind ? Verdict.PUBLISH_AFTER_BREAK : Verdict.PUBLISH;
    }

    /**
     * The segment could not be taken now. Returns whether it was given up: not before its list was read once more, since a folder that
     * is away for a while takes both along.
     */
    boolean failed(Candidate candidate, Failure why, long now) {
        if (failingSince.isEmpty()) {
            failingSince = OptionalLong.of(now);
        }
        if (!tookAny && isResumePoint(candidate.name())) {
            queue.remove(candidate); // It was published before; that it is gone now is no loss.
            failingSince = OptionalLong.empty();
            breakAhead(candidate.withBreak());
            return true;
        }
        long waited = now - candidate.listedAt();
        if (why == Failure.UNSOUND) {
            settling.notWhole();
            waited = Math.min(waited, settling.stillFor(candidate, now)); // What still grows is not given up.
        } else {
            settling.forget();
        }
        if (!isBeyondPatience(waited, why) || listReadAt <= failingSince.getAsLong()) {
            return false;
        }
        queue.remove(candidate);
        failingSince = OptionalLong.empty();
        missed++;
        breakAhead(candidate.withBreak());
        return true;
    }

    /** Whether a segment has kept the next ones waiting for longer than it may. */
    boolean isBeyondPatience(long waitedNanos, Failure why) {
        int targets = switch (why) {
            case MISSING, UNSOUND -> UNSOUND_TARGETS;
            case EMPTY -> EMPTY_TARGETS;
            case UNREACHABLE -> UNREACHABLE_TARGETS;
        };
        return waitedNanos >= target.multipliedBy(targets).toNanos();
    }

    /** What the dropped segment knew of a break counts for the one behind it. */
    private void breakAhead(Candidate dropped) {
        if (!dropped.afterBreak()) {
            return;
        }
        Candidate following = queue.poll();
        if (following == null) {
            breakAhead = true;
        } else {
            queue.addFirst(following.withBreak());
        }
    }

    void tick(long now) {
        Duration silence = Duration.ofNanos(now - changedAt);
        if (state == FeedState.LIVE && silence.compareTo(silenceLimit()) >= 0) {
            state = FeedState.STALLED;
        } else if (state == FeedState.ENDING && silence.compareTo(END_GRACE) >= 0) {
            state = FeedState.OFFLINE;
        }
    }

    private Duration silenceLimit() {
        Duration limit = target.multipliedBy(3);
        return limit.compareTo(MIN_SILENCE) > 0 ? limit : MIN_SILENCE;
    }

    private void change(FeedState to, long now) {
        state = to;
        changedAt = now;
    }

    private static TreeMap<Long, Listed> names(HlsSnapshot.Media media) {
        TreeMap<Long, Listed> names = new TreeMap<>();
        SegmentNames called = SegmentNames.of(media);
        for (HlsSegment segment : media.segments()) {
            names.put(segment.sequence(), new Listed(name(segment), segment.programDateTime(), called.of(segment)));
        }
        return names;
    }

    private static String name(HlsSegment segment) {
        return SegmentNames.inFile(segment, SegmentNames.fileName(segment));
    }

    private static String fileName(HlsSegment segment) {
        return SegmentNames.fileName(segment);
    }

    private static boolean isOfflineClip(HlsSegment segment) {
        return fileName(segment).toLowerCase(Locale.ROOT).contains("offline");
    }

    private static String session(HlsSegment segment) {
        return InRun.of(fileName(segment)).map(InRun::session).orElse("");
    }

    /** A segment's place in a run of the encoder, as its file name tells it. */
    private record InRun(String session, long number) {
        static Optional<InRun> of(String fileName) {
            for (Pattern pattern : List.of(NUMBERED, TIMED)) {
                Matcher matcher = pattern.matcher(fileName);
                if (matcher.matches() && !matcher.group(1).isEmpty()) {
                    return Optional.of(new InRun(matcher.group(1), Long.parseLong(matcher.group(2))));
                }
            }
            return Optional.empty();
        }

        boolean isBefore(InRun other) {
            return session.equals(other.session) && number < other.number;
        }
    }
}
