package live.tributary.origin.ingest;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsSegment;
import live.tributary.protocol.stream.Rendition;

/** A feed as data, and the one rendition that is read from it, in a time that the test moves. */
final class FeedScript implements FeedSource, IngestListener {
    static final URI PLAYLIST = URI.create("script:/feed/stream.m3u8");
    /** When the run before published its last segment. */
    static final Instant PUBLISHED = Instant.parse("2026-11-22T06:00:00Z");

    private static final Duration STEP = Duration.ofMillis(50);

    final List<IngestedChunk> chunks = new ArrayList<>();
    final List<FeedState> states = new ArrayList<>();
    final List<URI> read = new ArrayList<>();
    /** The segments that were read, each time. */
    final List<String> contents = new ArrayList<>();
    /** What was said of the playlist; an empty line where it was over. */
    final List<String> troubles = new ArrayList<>();

    long missed;

    /** By file, when its size was looked at. */
    private final Map<URI, List<Look>> looks = new HashMap<>();

    /** A look at a size: what it told was so at some time between. */
    private record Look(long asked, long answered) {}

    /** What cannot be looked at next, before it can again. */
    private int failingLooks;

    private int failingReads;

    private final Map<URI, byte[]> files = new HashMap<>();
    private final Map<URI, Integer> versions = new HashMap<>();
    final ListAddress address = new ListAddress(PLAYLIST);
    private final RenditionIngest ingest;
    private final FeedTracker tracker;
    private long now = 1_000_000_000_000L;
    private boolean unreachable;
    private long wrongBy;
    private Duration slowList = Duration.ZERO;
    private Duration slowLook = Duration.ZERO;

    FeedScript() {
        this(Optional.empty());
    }

    FeedScript(Optional<String> resumeAfter) {
        tracker = new FeedTracker(resumeAfter.map(name -> new ResumePoint(name, PUBLISHED)), false, true);
        ingest = new RenditionIngest(0, address, this, tracker, UnaryOperator.identity(), this, () -> now);
    }

    /** Writes a playlist of the named segments, and those that have no file yet. */
    FeedScript list(long sequence, String... names) {
        return listOnly(sequence, names).files(names);
    }

    FeedScript files(String... names) {
        for (String name : names) {
            files.computeIfAbsent(PLAYLIST.resolve(name), location -> ts(name));
        }
        return this;
    }

    FeedScript listOnly(long sequence, String... names) {
        return playlist(text(sequence, names));
    }

    static String text(long sequence, String... names) {
        StringBuilder text = new StringBuilder("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:")
                .append(sequence)
                .append('\n');
        for (String name : names) {
            text.append("#EXTINF:2.000,\n").append(name).append('\n');
        }
        return text.toString();
    }

    FeedScript playlist(String text) {
        return file("stream.m3u8", text.getBytes(StandardCharsets.UTF_8));
    }

    FeedScript file(String name, byte[] bytes) {
        files.put(PLAYLIST.resolve(name), bytes);
        versions.merge(PLAYLIST.resolve(name), 1, Integer::sum);
        return this;
    }

    FeedScript remove(String name) {
        files.remove(PLAYLIST.resolve(name));
        return this;
    }

    /** Every size is told by so many bytes wrong. */
    FeedScript toldSize(long bytesMore) {
        wrongBy = bytesMore;
        return this;
    }

    /** The next looks at sizes fail. */
    FeedScript failLooks(int count) {
        failingLooks = count;
        return this;
    }

    /** The next readings of segments fail. */
    FeedScript failReads(int count) {
        failingReads = count;
        return this;
    }

    FeedScript unreachable(boolean cut) {
        unreachable = cut;
        return this;
    }

    /** Each reading of the playlist, and each look at a size, takes so long. */
    FeedScript slow(Duration list, Duration look) {
        slowList = list;
        slowLook = look;
        return this;
    }

    /** A step as a program does it; returns how long the next can wait. */
    Duration step() {
        return ingest.step();
    }

    /** Steps as a program does them: each when the one before says so. */
    FeedScript paced(Duration time) {
        for (long end = now + time.toNanos(); now < end; ) {
            long wait = ingest.step().toNanos(); // First: a step moves the time.
            now += Math.max(1, wait);
        }
        return this;
    }

    FeedScript run(Duration time) {
        for (long end = now + time.toNanos(); now < end; now += STEP.toNanos()) {
            ingest.step();
        }
        return this;
    }

    FeedScript run() {
        return run(Duration.ofSeconds(2));
    }

    /** The folder has changed: the list is looked at in the next step. */
    FeedScript hinted() {
        ingest.hint();
        return this;
    }

    /** For how long the size of a file that was published is known to have stood still. */
    Duration stoodStill(String name) {
        List<Look> its = looks.get(PLAYLIST.resolve(name));
        return Duration.ofNanos(its.get(its.size() - 1).asked() - its.get(0).answered());
    }

    FeedState state() {
        return tracker.state();
    }

    List<String> names() {
        return chunks.stream().map(IngestedChunk::name).toList();
    }

    List<String> breaks() {
        return chunks.stream()
                .filter(IngestedChunk::afterBreak)
                .map(IngestedChunk::name)
                .toList();
    }

    static byte[] ts(String content) {
        byte[] bytes = new byte[188 * 3];
        byte[] text = content.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(text, 0, bytes, 1, text.length);
        for (int at = 0; at < bytes.length; at += 188) {
            bytes[at] = 0x47;
        }
        return bytes;
    }

    private byte[] get(URI location) throws IOException {
        read.add(location);
        if (unreachable) {
            throw new IOException("no route to the feed");
        }
        byte[] bytes = files.get(location);
        if (bytes == null) {
            throw new MissingException(location + ": missing");
        }
        return bytes;
    }

    @Override
    public Playlist playlist(URI location) throws IOException {
        now += slowList.toNanos();
        return new Playlist(location, get(location));
    }

    @Override
    public URI resolve(URI playlist, String uri) throws FormatException {
        if (uri.startsWith("file:")) {
            throw new ForeignLocationException("location: " + uri + " (expected: a file in the feed)");
        }
        return playlist.resolve(uri);
    }

    @Override
    public FileLook look(URI location) throws IOException {
        if (failingLooks > 0) {
            failingLooks--;
            throw new IOException("no answer to HEAD");
        }
        long asked = now;
        now += slowLook.toNanos();
        looks.computeIfAbsent(location, its -> new ArrayList<>()).add(new Look(asked, now));
        return new FileLook(OptionalLong.of(get(location).length + wrongBy), String.valueOf(versions.get(location)));
    }

    @Override
    public byte[] read(URI location, Optional<HlsSegment.ByteRange> range, int max) throws IOException {
        if (failingReads > 0) {
            failingReads--;
            throw new IOException("the file shrank while it was read");
        }
        byte[] bytes = get(location);
        contents.add(location.getPath().replaceFirst(".*/", ""));
        return range.map(part -> Arrays.copyOfRange(bytes, (int) part.offset(), (int) (part.offset() + part.length())))
                .orElse(bytes);
    }

    @Override
    public boolean isNear() {
        return true;
    }

    @Override
    public Duration interval(Duration target) {
        return Duration.ofMillis(200);
    }

    @Override
    public Duration longestRetry() {
        return Duration.ofSeconds(1);
    }

    @Override
    public void described(List<Rendition> renditions, Duration targetDuration) {
        throw new AssertionError("one rendition does not describe the feed");
    }

    @Override
    public void chunk(int rendition, IngestedChunk chunk) {
        chunks.add(chunk);
    }

    @Override
    public void state(int rendition, FeedState state) {
        states.add(state);
    }

    @Override
    public void trouble(String of, String why) {
        troubles.add(why);
    }

    @Override
    public void missed(int rendition, long segments) {
        missed += segments;
    }
}
