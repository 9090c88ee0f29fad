package live.tributary.gateway.stremio;

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
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;

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
    private final long madeAt;
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
     * @param windows in the order in which they are to be offered
     * @param fresh whether something new came of late
     * @param stored whether the bucket has one of the newest
     */
    record OfRendition(
            List<ChunkRecord> newest,
            List<Holding> holding,
            List<HeldWindow> windows,
            String quality,
            boolean fresh,
            boolean stored) {}

    /** @param madeAt by a ticker */
    Outline(StreamView stream, RelaySet relays, Holders holders, Instant now, long madeAt) {
        this.stream = stream;
        this.relays = relays;
        this.holders = holders;
        this.now = now;
        this.madeAt = madeAt;
        this.facts = new StreamFacts(stream);
        this.live = stream.live();
        this.key = stream.key().text();
        this.title = facts.title();
        this.variants = facts.variants();
        this.master = stream.about()
                .map(about -> about.body().renditions().size() > 1)
                .orElse(false);
    }

    long madeAt() {
        return madeAt;
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

    OfRendition of(Rendition rendition) {
        OfRendition known = renditions.get(rendition.number());
        return known != null ? known : renditions.computeIfAbsent(rendition.number(), number -> read(rendition));
    }

    private OfRendition read(Rendition rendition) {
        List<ChunkRecord> newest = stream.newest(rendition.number(), LOOK_BACK);
        return new OfRendition(
                newest,
                newest.stream().map(record -> holders.of(stream, record)).toList(),
                ReplayWindow.inOrder(HeldWindow.of(
                        stream, stream.windows(rendition.number()).stream().limit(WINDOWS), holders)),
                facts.quality(rendition),
                !newest.isEmpty()
                        && newest.get(newest.size() - 1)
                                .body()
                                .published()
                                .plus(STALLED)
                                .isAfter(now),
                newest.stream().anyMatch(record -> stream.storedInBucket(record.chunk())));
    }
}
