package live.tributary.origin.ingest;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
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
import java.util.Random;
import live.tributary.protocol.hls.HlsSegment;

/**
 * An Owncast in a time that the test moves: it writes segments and playlists in place, so that a reader finds any part of them;
 * it lists a segment when its bytes are on their way to a disk that may be slow; its encoder is killed and comes back under
 * another name, in another container, from zero; it appends its offline clip, and wipes the folder when nobody comes back.
 *
 * <p>Reading takes time too: the clock runs on with every look, so that a file can grow between its look and its reading.
 */
final class OwncastDouble implements FeedSource {
    private static final URI ROOT = URI.create("script:/hls/");
    private static final int LISTED = 10;
    private static final int KEPT = 20;
    private static final long MILLI = 1_000_000;
    private static final byte[] OFFLINE = FeedScript.ts("offline clip");

    private final Random random;
    private final int renditions;
    private final long segmentNanos;
    private final Instant epoch = Instant.parse("2026-11-22T06:00:00Z");
    private final Map<String, Written> files = new HashMap<>();
    private final List<List<byte[]>> finished = new ArrayList<>();
    private final List<Integer> runs = new ArrayList<>();
    private final Segment[][] lists;
    private final long[] sequences;

    private long now = 1_000_000_000_000L;
    private boolean unreadable;
    private boolean vanished;
    private Optional<Run> run = Optional.empty();
    private long nextCut;
    private long number;
    private long wipeAt = Long.MAX_VALUE;

    /** A file that grows from its beginning to its end. */
    private record Written(byte[] bytes, long from, long until) {
        byte[] at(long time) {
            if (time >= until) {
                return bytes;
            }
            double part = Math.max(0, (double) (time - from) / (until - from));
            return Arrays.copyOf(bytes, (int) (bytes.length * part));
        }
    }

    private record Segment(String name, Optional<String> init, Instant time) {}

    /** One run of the encoder. */
    private record Run(String id, boolean mp4, int count) {}

    OwncastDouble(long seed, int renditions, Duration segment) {
        this.random = new Random(seed);
        this.renditions = renditions;
        this.segmentNanos = segment.toNanos();
        this.lists = new Segment[renditions][0];
        this.sequences = new long[renditions];
        for (int rendition = 0; rendition < renditions; rendition++) {
            finished.add(new ArrayList<>());
            runs.add(0);
        }
    }

    static URI playlist(int rendition) {
        return ROOT.resolve(rendition + "/stream.m3u8");
    }

    long now() {
        return now;
    }

    boolean onAir() {
        return run.isPresent();
    }

    /** The chunks that a rendition's listed segments make, in order. */
    List<byte[]> finished(int rendition) {
        return finished.get(rendition);
    }

    /** How often an encoder brought a rendition's first segment. */
    int runs(int rendition) {
        return runs.get(rendition);
    }

    /** The encoder connects: its lists begin anew, at zero. */
    void start() {
        String id = Integer.toString(random.nextInt(1 << 30), 36);
        run = Optional.of(new Run(id, random.nextInt(3) == 0, 0));
        number = 0;
        nextCut = now + segmentNanos;
        wipeAt = Long.MAX_VALUE;
        for (int rendition = 0; rendition < renditions; rendition++) {
            lists[rendition] = new Segment[0];
            sequences[rendition] = 0;
            if (run.get().mp4()) {
                write(rendition + "/init-" + id + ".mp4", init(id + rendition), 0);
            }
        }
    }

    /** The encoder is gone in the middle of a segment, and nothing says so. */
    void kill() {
        run = Optional.empty();
    }

    /** Owncast notices that the encoder is gone: its offline clip ends each list, and the folder will be wiped. */
    void goOffline() {
        run = Optional.empty();
        wipeAt = now + Duration.ofMinutes(5).toNanos();
        for (int rendition = 0; rendition < renditions; rendition++) {
            write(rendition + "/offline-v2.ts", OFFLINE, 0);
            write(
                    rendition + "/stream.m3u8",
                    (text(rendition) + "#EXT-X-DISCONTINUITY\n#EXTINF:8.000000,\noffline-v2.ts\n#EXT-X-ENDLIST\n")
                            .getBytes(StandardCharsets.UTF_8),
                    2 * MILLI);
        }
    }

    void unreadable(boolean is) {
        unreadable = is;
    }

    void vanished(boolean is) {
        vanished = is;
    }

    /** Time passes. */
    void pass(Duration time) {
        long until = now + time.toNanos();
        while (run.isPresent() && nextCut <= until) {
            now = Math.max(now, nextCut);
            cut();
            nextCut += segmentNanos;
        }
        now = Math.max(now, until);
        if (now >= wipeAt) {
            wipe();
        }
    }

    /** A segment is done in all renditions, one a little after the other; the next has begun to be written. */
    private void cut() {
        Run its = run.orElseThrow();
        for (int rendition = 0; rendition < renditions; rendition++) {
            String name = "stream-" + its.id() + "-" + number + (its.mp4() ? ".m4s" : ".ts");
            byte[] bytes = its.mp4() ? fragment(name, rendition) : packets(name, rendition);
            // Listed when the encoder has handed it over; a slow disk takes its time to show all of it.
            long lag = random.nextInt(5) == 0 ? random.nextInt(900) * MILLI : random.nextInt(20) * MILLI;
            files.put(rendition + "/" + name, new Written(bytes, now - segmentNanos, now + lag + 1));
            Optional<String> init = its.mp4() ? Optional.of("init-" + its.id() + ".mp4") : Optional.<String>empty();
            append(rendition, new Segment(name, init, epoch.plusNanos(now)));
            byte[] head = its.mp4() ? init(its.id() + rendition) : new byte[0];
            finished.get(rendition)
                    .add(ByteBuffer.allocate(head.length + bytes.length)
                            .put(head)
                            .put(bytes)
                            .array());
            if (number == 0) {
                runs.set(rendition, runs.get(rendition) + 1);
            }
            write(
                    rendition + "/stream.m3u8",
                    text(rendition).getBytes(StandardCharsets.UTF_8),
                    (1 + random.nextInt(60)) * MILLI);
            if (number >= KEPT) {
                files.remove(rendition + "/stream-" + its.id() + "-" + (number - KEPT) + (its.mp4() ? ".m4s" : ".ts"));
            }
        }
        number++;
        // What the encoder is writing now is there and growing, under its last name, listed by nobody.
        String coming = "stream-" + its.id() + "-" + number + (its.mp4() ? ".m4s" : ".ts");
        for (int rendition = 0; rendition < renditions; rendition++) {
            files.put(
                    rendition + "/" + coming,
                    new Written(packets(coming + " cut off", rendition), now, now + 2 * segmentNanos));
        }
    }

    private void append(int rendition, Segment segment) {
        List<Segment> more = new ArrayList<>(Arrays.asList(lists[rendition]));
        more.add(segment);
        if (more.size() > LISTED) {
            more.remove(0);
            sequences[rendition]++;
        }
        lists[rendition] = more.toArray(Segment[]::new);
    }

    private String text(int rendition) {
        StringBuilder text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:")
                .append(Math.max(1, segmentNanos / 1_000_000_000))
                .append("\n#EXT-X-MEDIA-SEQUENCE:")
                .append(sequences[rendition])
                .append('\n');
        Optional<String> shown = Optional.empty();
        for (Segment segment : lists[rendition]) {
            if (!segment.init().equals(shown)) {
                shown = segment.init();
                shown.ifPresent(
                        init -> text.append("#EXT-X-MAP:URI=\"").append(init).append("\"\n"));
            }
            text.append("#EXTINF:")
                    .append(segmentNanos / 1e9)
                    .append(",\n#EXT-X-PROGRAM-DATE-TIME:")
                    .append(segment.time())
                    .append('\n')
                    .append(segment.name())
                    .append('\n');
        }
        return text.toString();
    }

    private void wipe() {
        wipeAt = Long.MAX_VALUE;
        files.clear();
        for (int rendition = 0; rendition < renditions; rendition++) {
            lists[rendition] = new Segment[0];
            write(rendition + "/stream-offline0.ts", OFFLINE, 0);
            write(
                    rendition + "/stream.m3u8",
                    ("#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:8.0,\nstream-offline0.ts\n"
                                    + "#EXT-X-ENDLIST\n")
                            .getBytes(StandardCharsets.UTF_8),
                    0);
        }
    }

    private void write(String name, byte[] bytes, long nanos) {
        files.put(name, new Written(bytes, now, now + nanos));
    }

    private byte[] packets(String name, int rendition) {
        byte[] bytes = new byte[188 * (2 + random.nextInt(30))];
        random.nextBytes(bytes);
        byte[] text = (name + "/" + rendition).getBytes(StandardCharsets.UTF_8);
        System.arraycopy(text, 0, bytes, 1, text.length);
        for (int at = 0; at < bytes.length; at += 188) {
            bytes[at] = 0x47;
        }
        return bytes;
    }

    private byte[] fragment(String name, int rendition) {
        byte[] content = new byte[200 + random.nextInt(5000)];
        random.nextBytes(content);
        byte[] text = (name + "/" + rendition).getBytes(StandardCharsets.UTF_8);
        System.arraycopy(text, 0, content, 0, text.length);
        return join(box("moof", new byte[24]), box("mdat", content));
    }

    private static byte[] init(String id) {
        return join(box("ftyp", new byte[8]), box("moov", id.getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] box(String type, byte[] content) {
        return ByteBuffer.allocate(8 + content.length)
                .putInt(8 + content.length)
                .put(type.getBytes(StandardCharsets.US_ASCII))
                .put(content)
                .array();
    }

    private static byte[] join(byte[] one, byte[] other) {
        return ByteBuffer.allocate(one.length + other.length)
                .put(one)
                .put(other)
                .array();
    }

    private Written file(URI location) throws IOException {
        pass(Duration.ofNanos(random.nextInt((int) (3 * MILLI))));
        if (unreadable) {
            throw new IOException(location + ": permission denied");
        }
        Written file = files.get(ROOT.relativize(location).toString());
        if (vanished || file == null) {
            throw new MissingException(location + ": no such file");
        }
        return file;
    }

    @Override
    public Playlist playlist(URI location) throws IOException {
        return new Playlist(location, file(location).at(now));
    }

    @Override
    public URI resolve(URI playlist, String uri) {
        return playlist.resolve(uri);
    }

    @Override
    public FileLook look(URI location) throws IOException {
        Written file = file(location);
        return new FileLook(OptionalLong.of(file.at(now).length), String.valueOf(Math.min(now, file.until())));
    }

    @Override
    public byte[] read(URI location, Optional<HlsSegment.ByteRange> range, int max) throws IOException {
        return file(location).at(now);
    }

    @Override
    public Duration interval(Duration target) {
        return Duration.ofMillis(200);
    }

    @Override
    public Duration longestRetry() {
        return Duration.ofSeconds(1);
    }
}
