package live.tributary.gateway.stremio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.Visit;
import live.tributary.gateway.live.ChunkSources;
import live.tributary.gateway.live.Holders;
import live.tributary.gateway.live.LiveOptions;
import live.tributary.gateway.live.PastPlaylist;
import live.tributary.gateway.live.ReplayWindow;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.WindowTorrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;

/**
 * The stream list of one stream for one viewer.
 *
 * <p>No client falls over from one entry to another, so each is whole in itself; and a client drops without a word what it does
 * not like. Hence: one kind of source an entry; {@code name} and {@code description} and never {@code title}; {@code fileIdx} a number;
 * {@code tracker:} before every source; never {@code notWebReady} on live. An empty list would be cached: there is an
 * explaining entry instead.
 */
final class Streams {
    static final Duration MAX_AGE = Duration.ofSeconds(5);

    /** Older chunks make no live playlist. */
    private static final int LOOK_BACK = 10;

    private static final Duration STALLED = Duration.ofMinutes(1);

    private static final String DVR = "dvr";
    private static final double BYTES_PER_MB = 1e6;

    private final StreamView stream;
    private final Optional<Episode> episode;
    private final StreamFacts facts;
    private final Visit visit;
    private final AddonConfig config;
    private final LiveOptions options;
    private final Ranking ranking;
    private final Holders holders;
    private final ChunkSources sources;
    private final Instant now;

    private Streams(
            StreamView stream,
            Optional<Episode> episode,
            Visit visit,
            AddonConfig config,
            Function<Viewer, Ranking> ranking,
            Holders holders,
            Instant now) {
        this.now = now;
        this.stream = stream;
        this.episode = episode;
        this.facts = new StreamFacts(stream);
        this.config = config;
        this.options = new LiveOptions(
                config.region(),
                config.device().nativePlayer() && visit.viewer().tlsOnly(),
                config.server().orElse(LiveOptions.USUAL_SERVER));
        this.visit = options.apply(visit);
        this.ranking = ranking.apply(this.visit.viewer());
        this.holders = holders;
        this.sources = new ChunkSources(stream, this.ranking, holders);
    }

    /**
     * The answer.
     *
     * @param explained whether nothing plays, so that the one entry only explains: not to be kept by a cache
     */
    record Answer(ObjectNode json, boolean explained) {}

    /** @param episode of the past; empty for the stream itself */
    static Answer of(
            StreamView stream,
            Optional<Episode> episode,
            Visit visit,
            AddonConfig config,
            Function<Viewer, Ranking> ranking,
            Holders holders,
            Instant now) {
        return new Streams(stream, episode, visit, config, ranking, holders, now).answer();
    }

    /** Whether something new came of late: a broadcaster who is gone without a word is live by his last one for some minutes. */
    private boolean isFresh() {
        return stream.newest(rendition().number(), 1).stream()
                .anyMatch(record -> record.body().published().plus(STALLED).isAfter(now));
    }

    private Answer answer() {
        ObjectNode answer = Answers.object();
        ArrayNode entries = answer.putArray("streams");
        if (episode.isPresent()) {
            past(episode.get()).forEach(entries::add);
        } else {
            ownRelay().ifPresent(entries::add);
            for (Device.Entry entry : config.device().entries()) {
                if (config.p2p() || !entry.isTorrent()) {
                    entry(entry).ifPresent(entries::add);
                }
            }
        }
        boolean explained = entries.isEmpty();
        if (explained) {
            entries.add(explanation());
        }
        answer.put("cacheMaxAge", explained ? 0 : MAX_AGE.toSeconds());
        return new Answer(answer, explained);
    }

    private Optional<ObjectNode> entry(Device.Entry entry) {
        return switch (entry) {
            case LIVE -> live();
            case HYBRID -> hybrid();
            case REPLAY -> replay();
            case BUCKET -> bucket();
        };
    }

    private Optional<ObjectNode> live() {
        return newestChunk().map(chunk -> {
            Rendition rendition = rendition();
            String url = visit.base() + "/live/" + playlist(rendition, "live.m3u8") + options.query();
            return hls("Live", url, "Plays everywhere. " + facts.quality(rendition) + carried(), "live");
        });
    }

    private Optional<ObjectNode> hybrid() {
        return newestChunk().filter(sources::enough).map(chunk -> {
            Rendition rendition = rendition();
            String url = visit.base() + "/hybrid/" + playlist(rendition, "live.m3u8") + options.query();
            return hls(
                    "Live P2P",
                    url,
                    "By BitTorrent through your own Stremio. " + facts.quality(rendition) + carried(),
                    "p2p");
        });
    }

    private Optional<ObjectNode> replay() {
        Rendition rendition = rendition();
        return ReplayWindow.newest(stream, rendition.number(), ranking, holders).map(window -> {
            Duration length = window.torrent().chunks().stream()
                    .map(record -> record.body().duration())
                    .reduce(Duration.ZERO, Duration::plus);
            String title = "Replay " + minutes(length);
            String size = String.format(Locale.ROOT, "%.0f MB", window.torrent().length() / BYTES_PER_MB);
            return torrent(
                    window,
                    title,
                    "The last " + minutes(length) + " by BitTorrent, " + size + ", from "
                            + count(window.relays().size(), "relay") + ".",
                    "replay");
        });
    }

    /**
     * An episode as a playlist, and once it is over as a torrent. All are of one binge group: that is how clients find the next one by
     * themselves, once, as they begin to play; so the one that runs and the next one have their playlist already.
     */
    private List<ObjectNode> past(Episode wanted) {
        List<ObjectNode> entries = new ArrayList<>();
        if (isPlaylist(wanted)) {
            String url =
                    visit.base() + PastPlaylist.path(stream, rendition().number(), wanted.start()) + options.query();
            entries.add(hls(wanted.title(), url, "Plays everywhere, from its beginning.", DVR));
        }
        if (config.replays() && !wanted.end().isAfter(now)) {
            ReplayWindow.newest(stream, Dvr.windows(stream, rendition().number(), wanted), ranking, holders)
                    .map(window -> torrent(
                            window,
                            wanted.title() + " P2P",
                            "By BitTorrent, from " + count(window.relays().size(), "relay") + ".",
                            DVR))
                    .ifPresent(window -> entries.add(config.device() == Device.DESKTOP ? 0 : entries.size(), window));
        }
        return entries;
    }

    private boolean isPlaylist(Episode wanted) {
        if (stream.live() && wanted.end().isAfter(now)) {
            return !wanted.start().isAfter(now.plus(Episode.LENGTH));
        }
        return PastPlaylist.of(stream, rendition().number(), wanted.start(), sources::url, now)
                .isPresent();
    }

    private Optional<ObjectNode> bucket() {
        // The origin says what it has stored: a bucket that takes nothing any more is none.
        return stream.live()
                        && isFresh()
                        && stream.newest(rendition().number(), LOOK_BACK).stream()
                                .anyMatch(record -> stream.storedInBucket(record.chunk()))
                ? fallback()
                        .map(base -> hls(
                                "Fallback",
                                base + "/master.m3u8",
                                "From the broadcaster's storage, without relays.",
                                "bucket"))
                : Optional.empty();
    }

    private Optional<ObjectNode> ownRelay() {
        return stream.live()
                ? config.ownRelay()
                        .map(relay -> hls(
                                "Your relay",
                                relay + "/live/" + stream.key().text() + "/master.m3u8",
                                "From the relay that you run yourself.",
                                "own"))
                : Optional.empty();
    }

    private ObjectNode torrent(ReplayWindow window, String name, String description, String group) {
        ObjectNode entry = named(name, description);
        entry.put("infoHash", window.torrent().infoHash().hex());
        window.torrent().playlistFile().ifPresent(index -> entry.put("fileIdx", index.intValue()));
        ArrayNode sources = entry.putArray("sources");
        window.relays().stream().map(RankedRelay::httpTracker).forEach(url -> sources.add("tracker:" + url));
        window.relays().stream().map(RankedRelay::udpTracker).forEach(url -> sources.add("tracker:" + url));
        hints(entry, group, WindowTorrent.PLAYLIST);
        return entry;
    }

    private ObjectNode hls(String name, String url, String description, String group) {
        ObjectNode entry = named(name, description);
        entry.put("url", url);
        hints(entry, group, facts.shortKey() + ".m3u8");
        return entry;
    }

    private ObjectNode explanation() {
        ObjectNode entry = named("Not now", why());
        entry.put("externalUrl", visit.base() + "/watch/" + stream.key().text());
        return entry;
    }

    private String why() {
        if (episode.isPresent()) {
            return episode.get().end().isAfter(now) ? "Not broadcast yet." : "No relay in reach holds it whole.";
        }
        if (!stream.live()) {
            return facts.state(now) + ". Nothing is kept to replay.";
        }
        if (!isFresh()) {
            return "Nothing new has come from the broadcaster for a while. Try again in a moment.";
        }
        return visit.viewer().tlsOnly() && !ranking.leftOut().isEmpty()
                ? "Live, but no relay in your reach has a certificate. Open the page to see more."
                : "Live, but no relay in your reach holds it yet. Try again in a moment.";
    }

    private ObjectNode named(String name, String description) {
        ObjectNode entry = Answers.object();
        entry.put("name", name);
        entry.put("description", facts.title().map(title -> title + "\n").orElse("") + description);
        return entry;
    }

    private void hints(ObjectNode entry, String group, String filename) {
        ObjectNode hints = entry.putObject("behaviorHints");
        hints.put("bingeGroup", "tributary-" + facts.shortKey() + "-" + group);
        hints.put("filename", filename);
    }

    /** The newest chunk that this viewer can have, of a stream that is live. */
    private Optional<ChunkRecord> newestChunk() {
        if (!stream.live() || !isFresh()) {
            return Optional.empty();
        }
        List<ChunkRecord> newest = stream.newest(rendition().number(), LOOK_BACK);
        for (int i = newest.size() - 1; i >= 0; i--) {
            if (sources.any(newest.get(i))) {
                return Optional.of(newest.get(i));
            }
        }
        return Optional.empty();
    }

    /** The master playlist where the player is to choose among several, else the one rendition's. */
    private String playlist(Rendition rendition, String media) {
        boolean choice = config.quality() == AddonConfig.Quality.AUTO && isMaster();
        return stream.key().text() + "/" + (choice ? "master.m3u8" : rendition.number() + "/" + media);
    }

    private boolean isMaster() {
        return stream.about().map(about -> about.body().renditions().size() > 1).orElse(false);
    }

    private Rendition rendition() {
        List<Rendition> variants = facts.variants();
        return config.quality() == AddonConfig.Quality.SAVER ? variants.get(variants.size() - 1) : variants.get(0);
    }

    private Optional<URI> fallback() {
        return stream.head().flatMap(head -> head.head().fallback());
    }

    private String carried() {
        int relays = ranking.offered().size();
        return relays == 0 ? "" : "\nCarried by " + count(relays, "relay") + ".";
    }

    private static String count(int number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    private static String minutes(Duration length) {
        return length.toMinutes() < 1 ? length.toSeconds() + " s" : Math.round(length.toSeconds() / 60.0) + " min";
    }
}
