package live.tributary.gateway.stremio;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.gateway.live.HeldWindow;
import live.tributary.gateway.live.Holders;
import live.tributary.gateway.live.ReplayWindow;
import live.tributary.gateway.ranking.Holding;
import live.tributary.gateway.ranking.RelaySet;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;
import org.jspecify.annotations.Nullable;

/** A stream as it was a moment ago, looked up once for all who ask within it. */
final class Outline {
    /** Older chunks make no live playlist. */
    private static final int LOOK_BACK = 10;
    /** A broadcaster who is gone without a word is live by his last one for some minutes. */
    private static final Duration STALLED = Duration.ofMinutes(1);

    /** Windows close every 30 s: that far back one is looked for. */
    private static final int WINDOWS = 12;

    private final StreamView stream;
    private final RelaySet relays;
    private final Holders holders;
    private final StreamFacts facts;
    private final Instant now;
    private final @Nullable About about;
    private final Optional<URI> fallback;
    private final boolean live;
    private final String key;
    private final Optional<String> title;
    private final List<Rendition> variants;
    private final boolean master;
    private final Map<Integer, OfRendition> renditions = new ConcurrentHashMap<>();

    /**
     * What is known of one rendition.
     *
     * @param newest chunks, in order of seq
     * @param holding who holds each of these
     * @param closed the newest windows, newest first
     * @param windows the same in the order in which they are to be offered
     * @param fresh whether something new came of late
     * @param stored whether the bucket has one of the newest
     */
    record OfRendition(
            Rendition rendition,
            List<ChunkRecord> newest,
            List<Holding> holding,
            List<Torrent> closed,
            List<HeldWindow> windows,
            String quality,
            boolean fresh,
            boolean stored) {}

    Outline(StreamView stream, RelaySet relays, Holders holders, Instant now) {
        this(stream, relays, holders, now, null);
    }

    private Outline(StreamView stream, RelaySet relays, Holders holders, Instant now, @Nullable Outline before) {
        this.stream = stream;
        this.relays = relays;
        this.holders = holders;
        this.now = now;
        this.facts = new StreamFacts(stream);
        this.live = stream.live();
        this.key = stream.key().text();
        this.about = stream.about().orElse(null);
        this.fallback = stream.head().flatMap(head -> head.head().fallback());
        Outline told = before != null && before.about != null && before.about == about
                ? before
                : null; // Else the chunks tell.
        this.title = told != null ? told.title : facts.title();
        this.variants = told != null ? told.variants : facts.variants();
        this.master = about != null && about.body().renditions().size() > 1;
    }

    /** This, as long as nothing of it has changed, else the stream as it is now. */
    Outline renewed(RelaySet relaysNow, Instant time) {
        Outline next = new Outline(stream, relaysNow, holders, time, this);
        boolean same = relays == relaysNow
                && live == next.live
                && about == next.about
                && variants.equals(next.variants)
                && fallback.equals(next.fallback)
                && renditions.values().stream().allMatch(next::isStill);
        return same ? this : next;
    }

    StreamView stream() {
        return stream;
    }

    RelaySet relays() {
        return relays;
    }

    Holders holders() {
        return holders;
    }

    StreamFacts facts() {
        return facts;
    }

    /** The stream's key as text. */
    String key() {
        return key;
    }

    String shortKey() {
        return key.substring(0, StreamFacts.SHORT_KEY);
    }

    boolean live() {
        return live;
    }

    Optional<String> title() {
        return title;
    }

    /** The variants, best first. */
    List<Rendition> variants() {
        return variants;
    }

    /** Whether there is more than one rendition to choose from. */
    boolean isMaster() {
        return master;
    }

    /** The bucket's base, as far as there is one. */
    Optional<URI> fallback() {
        return fallback;
    }

    OfRendition of(Rendition rendition) {
        OfRendition known = renditions.get(rendition.number());
        return known != null ? known : renditions.computeIfAbsent(rendition.number(), number -> read(rendition));
    }

    private OfRendition read(Rendition rendition) {
        List<ChunkRecord> newest = newest(rendition);
        List<Torrent> closed = closed(rendition);
        return new OfRendition(
                rendition,
                newest,
                newest.stream().map(record -> holders.of(stream, record)).toList(),
                closed,
                ReplayWindow.inOrder(HeldWindow.of(stream, closed.stream(), holders)),
                facts.quality(rendition),
                isFresh(newest),
                isStored(newest));
    }

    private List<ChunkRecord> newest(Rendition rendition) {
        return stream.newest(rendition.number(), LOOK_BACK);
    }

    private List<Torrent> closed(Rendition rendition) {
        return stream.windows(rendition.number()).stream()
                .limit(WINDOWS)
                .map(StreamView.Window::torrent)
                .toList();
    }

    private boolean isFresh(List<ChunkRecord> newest) {
        return !newest.isEmpty()
                && newest.get(newest.size() - 1)
                        .body()
                        .published()
                        .plus(STALLED)
                        .isAfter(now);
    }

    private boolean isStored(List<ChunkRecord> newest) {
        return newest.stream().anyMatch(record -> stream.storedInBucket(record.chunk()));
    }

    private boolean isStill(OfRendition before) {
        if (!newest(before.rendition).equals(before.newest)
                || !closed(before.rendition).equals(before.closed)
                || isFresh(before.newest) != before.fresh
                || isStored(before.newest) != before.stored) {
            return false;
        }
        for (int i = 0; i < before.newest.size(); i++) {
            if (holders.of(stream, before.newest.get(i)) != before.holding.get(i)) {
                return false;
            }
        }
        return before.windows.stream().allMatch(HeldWindow::isStill);
    }
}
