package live.tributary.gateway.stremio;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.Visit;
import live.tributary.gateway.live.ChunkSources;
import live.tributary.gateway.live.HeldWindow;
import live.tributary.gateway.live.LiveOptions;
import live.tributary.gateway.live.PastPlaylist;
import live.tributary.gateway.live.ReplayWindow;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.metainfo.Torrent;
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

    private static final String DVR = "dvr";
    private static final double BYTES_PER_MB = 1e6;
    private static final byte[] NOTHING = new byte[0];
    /** Stands for the relays in a template: no text has its quotes unescaped. */
    private static final String GAP_TEXT = "[\"@\"]";

    private static final byte[] GAP = GAP_TEXT.getBytes(StandardCharsets.ISO_8859_1);
    private static final int USUAL_NAMES = 90;

    private final Outline outline;
    private final StreamView stream;
    private final Optional<Episode> episode;
    private final Visit visit;
    private final AddonConfig config;
    private final LiveOptions options;
    private final Ranking ranking;
    private final ChunkSources sources;
    private final Instant now;
    private final Optional<ChunkRecord> newestChunk;
    private final boolean hybrid;
    private final Optional<ReplayWindow> replay;

    private Streams(
            Outline outline,
            Optional<Episode> episode,
            Visit visit,
            AddonConfig config,
            Function<Viewer, Ranking> ranking,
            Instant now) {
        this.outline = outline;
        this.stream = outline.stream();
        this.episode = episode;
        this.now = now;
        this.config = config;
        this.options = new LiveOptions(
                config.region(),
                config.device().nativePlayer() && visit.viewer().tlsOnly(),
                config.server().orElse(LiveOptions.USUAL_SERVER));
        this.visit = options.apply(visit);
        this.ranking = ranking.apply(this.visit.viewer());
        this.sources = new ChunkSources(stream, this.ranking, outline.holders());
        boolean past = episode.isPresent();
        this.newestChunk = past ? Optional.empty() : newestChunk();
        this.hybrid = newestChunk.isPresent() && wants(Device.Entry.HYBRID) && sources.enough(newestChunk.get());
        this.replay = !past && wants(Device.Entry.REPLAY)
                ? ReplayWindow.newest(outline.of(rendition()).windows(), this.ranking)
                : Optional.empty();
    }

    private boolean wants(Device.Entry entry) {
        return config.device().entries().contains(entry) && (config.p2p() || !entry.isTorrent());
    }

    /**
     * The answer.
     *
     * @param json in parts that follow one another
     * @param explained whether nothing plays, so that the one entry only explains: not to be kept by a cache
     */
    record Answer(List<byte[]> json, boolean explained) {}

    /** An entry of the list, yet to be written. */
    private interface Entry {
        void write(JsonGenerator json) throws IOException;
    }

    /** All that the words of an answer depend on, at one moment of a stream: viewers differ in the relays that are named, and in little else. */
    record Wording(
            AddonConfig config,
            String base,
            String query,
            boolean live,
            boolean hybrid,
            Optional<HeldWindow> replay,
            int named,
            int relays) {}

    /** An answer around the place where relays are named. */
    record Template(byte[] before, byte[] after) {}

    /** @param episode of the past; empty for the stream itself */
    static Answer of(
            Outline outline,
            Optional<Episode> episode,
            Visit visit,
            AddonConfig config,
            Function<Viewer, Ranking> ranking,
            Instant now) {
        return new Streams(outline, episode, visit, config, ranking, now).answer();
    }

    private Answer answer() {
        if (episode.isPresent()) {
            List<Entry> entries = past(episode.get());
            return entries.isEmpty() ? explained() : new Answer(List.of(json(entries, MAX_AGE)), false);
        }
        Wording wording = new Wording(
                config,
                visit.base(),
                options.query(),
                newestChunk.isPresent(),
                hybrid,
                replay.map(ReplayWindow::window),
                replay.map(window -> window.relays().size()).orElse(0),
                ranking.size());
        Template template = outline.template(wording, this::template);
        if (template.before.length == 0) {
            return explained();
        }
        return new Answer(
                replay.map(window -> List.of(template.before, names(window.relays()), template.after))
                        .orElseGet(() -> List.of(template.before)),
                false);
    }

    private Answer explained() {
        return new Answer(List.of(json(List.of(explanation()), Duration.ZERO)), true);
    }

    /** Nothing at all where nothing plays. */
    private Template template() {
        List<Entry> entries = new ArrayList<>();
        ownRelay().ifPresent(entries::add);
        for (Device.Entry entry : config.device().entries()) {
            if (wants(entry)) {
                entry(entry).ifPresent(entries::add);
            }
        }
        if (entries.isEmpty()) {
            return new Template(NOTHING, NOTHING);
        }
        byte[] json = json(entries, MAX_AGE);
        int gap = indexOf(json, GAP);
        return gap < 0
                ? new Template(json, NOTHING)
                : new Template(Arrays.copyOf(json, gap), Arrays.copyOfRange(json, gap + GAP.length, json.length));
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i + wanted.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        return -1;
    }

    private static byte[] json(List<Entry> entries, Duration maxAge) {
        return Answers.bytes(json -> {
            json.writeStartObject();
            json.writeArrayFieldStart("streams");
            for (Entry entry : entries) {
                entry.write(json);
            }
            json.writeEndArray();
            json.writeNumberField("cacheMaxAge", maxAge.toSeconds());
            json.writeEndObject();
        });
    }

    /** The relays as a JSON array of sources; an address and a port need no escapes. */
    private static byte[] names(List<RankedRelay> relays) {
        StringBuilder names = new StringBuilder(relays.size() * USUAL_NAMES).append('[');
        for (RankedRelay relay : relays) {
            names.append(names.length() == 1 ? "\"tracker:" : ",\"tracker:")
                    .append(relay.httpTracker())
                    .append('"');
        }
        for (RankedRelay relay : relays) {
            names.append(",\"tracker:").append(relay.udpTracker()).append('"');
        }
        return names.append(']').toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private Optional<Entry> entry(Device.Entry entry) {
        return switch (entry) {
            case LIVE -> live();
            case HYBRID -> hybrid();
            case REPLAY -> replay();
            case BUCKET -> bucket();
        };
    }

    private Optional<Entry> live() {
        return newestChunk.map(chunk -> {
            Rendition rendition = rendition();
            String url = visit.base() + "/live/" + playlist(rendition, "live.m3u8") + options.query();
            return hls("Live", url, "Plays everywhere. " + outline.of(rendition).quality() + carried(), "live");
        });
    }

    private Optional<Entry> hybrid() {
        if (!hybrid) {
            return Optional.empty();
        }
        Rendition rendition = rendition();
        String url = visit.base() + "/hybrid/" + playlist(rendition, "live.m3u8") + options.query();
        return Optional.of(hls(
                "Live P2P",
                url,
                "By BitTorrent through your own Stremio. "
                        + outline.of(rendition).quality() + carried(),
                "p2p"));
    }

    /** Its relays are put in later: whose words are the same may be sent to others. */
    private Optional<Entry> replay() {
        return replay.map(window -> {
            String length = minutes(window.window().length());
            String size = Math.round(window.window().torrent().length() / BYTES_PER_MB) + " MB";
            return torrent(
                    window,
                    GAP_TEXT,
                    "Replay " + length,
                    "The last " + length + " by BitTorrent, " + size + ", from "
                            + count(window.relays().size(), "relay") + ".",
                    "replay");
        });
    }

    /**
     * An episode as a playlist, and once it is over as a torrent. All are of one binge group: that is how clients find the next one by
     * themselves, once, as they begin to play; so the one that runs and the next one have their playlist already.
     */
    private List<Entry> past(Episode wanted) {
        List<Entry> entries = new ArrayList<>();
        if (isPlaylist(wanted)) {
            String url =
                    visit.base() + PastPlaylist.path(stream, rendition().number(), wanted.start()) + options.query();
            entries.add(hls(wanted.title(), url, "Plays everywhere, from its beginning.", DVR));
        }
        if (config.replays() && !wanted.end().isAfter(now)) {
            ReplayWindow.first(
                            HeldWindow.of(
                                    stream,
                                    Dvr.windows(stream, rendition().number(), wanted).stream(),
                                    outline.holders()),
                            window -> true,
                            ranking)
                    .map(window -> torrent(
                            window,
                            new String(names(window.relays()), StandardCharsets.ISO_8859_1),
                            wanted.title() + " P2P",
                            "By BitTorrent, from " + count(window.relays().size(), "relay") + ".",
                            DVR))
                    .ifPresent(window -> entries.add(config.device() == Device.DESKTOP ? 0 : entries.size(), window));
        }
        return entries;
    }

    private boolean isPlaylist(Episode wanted) {
        if (outline.live() && wanted.end().isAfter(now)) {
            return !wanted.start().isAfter(now.plus(Episode.LENGTH));
        }
        return PastPlaylist.of(stream, rendition().number(), wanted.start(), sources::url, now)
                .isPresent();
    }

    private Optional<Entry> bucket() {
        // The origin says what it has stored: a bucket that takes nothing any more is none.
        return outline.live()
                        && outline.of(rendition()).fresh()
                        && outline.of(rendition()).stored()
                ? fallback()
                        .map(base -> hls(
                                "Fallback",
                                base + "/master.m3u8",
                                "From the broadcaster's storage, without relays.",
                                "bucket"))
                : Optional.empty();
    }

    private Optional<Entry> ownRelay() {
        return outline.live()
                ? config.ownRelay()
                        .map(relay -> hls(
                                "Your relay",
                                relay + "/live/" + stream.key().text() + "/master.m3u8",
                                "From the relay that you run yourself.",
                                "own"))
                : Optional.empty();
    }

    /** @param sources as JSON */
    private Entry torrent(ReplayWindow window, String sources, String name, String description, String group) {
        return json -> {
            json.writeStartObject();
            named(json, name, description);
            Torrent torrent = window.window().torrent();
            json.writeStringField("infoHash", torrent.infoHash().hex());
            if (torrent.playlistFile().isPresent()) {
                json.writeNumberField("fileIdx", torrent.playlistFile().get());
            }
            json.writeFieldName("sources");
            json.writeRawValue(sources);
            hints(json, group, WindowTorrent.PLAYLIST);
            json.writeEndObject();
        };
    }

    private Entry hls(String name, String url, String description, String group) {
        return json -> {
            json.writeStartObject();
            named(json, name, description);
            json.writeStringField("url", url);
            hints(json, group, outline.shortKey() + ".m3u8");
            json.writeEndObject();
        };
    }

    private Entry explanation() {
        return json -> {
            json.writeStartObject();
            named(json, "Not now", why());
            json.writeStringField(
                    "externalUrl", visit.base() + "/watch/" + stream.key().text());
            json.writeEndObject();
        };
    }

    private String why() {
        if (episode.isPresent()) {
            return episode.get().end().isAfter(now) ? "Not broadcast yet." : "No relay in reach holds it whole.";
        }
        if (!outline.live()) {
            return outline.facts().state(now) + ". Nothing is kept to replay.";
        }
        if (!outline.of(rendition()).fresh()) {
            return "Nothing new has come from the broadcaster for a while. Try again in a moment.";
        }
        return visit.viewer().tlsOnly() && !ranking.leftOut().isEmpty()
                ? "Live, but no relay in your reach has a certificate. Open the page to see more."
                : "Live, but no relay in your reach holds it yet. Try again in a moment.";
    }

    private void named(JsonGenerator json, String name, String description) throws IOException {
        json.writeStringField("name", name);
        json.writeStringField(
                "description", outline.title().map(title -> title + "\n").orElse("") + description);
    }

    private void hints(JsonGenerator json, String group, String filename) throws IOException {
        json.writeObjectFieldStart("behaviorHints");
        json.writeStringField("bingeGroup", "tributary-" + outline.shortKey() + "-" + group);
        json.writeStringField("filename", filename);
        json.writeEndObject();
    }

    /** The newest chunk that this viewer can have, of a stream that is live. */
    private Optional<ChunkRecord> newestChunk() {
        Outline.OfRendition rendition = outline.of(rendition());
        if (!outline.live() || !rendition.fresh()) {
            return Optional.empty();
        }
        List<ChunkRecord> newest = rendition.newest();
        for (int i = newest.size() - 1; i >= 0; i--) {
            if (sources.any(newest.get(i))) {
                return Optional.of(newest.get(i));
            }
        }
        return Optional.empty();
    }

    /** The master playlist where the player is to choose among several, else the one rendition's. */
    private String playlist(Rendition rendition, String media) {
        boolean choice = config.quality() == AddonConfig.Quality.AUTO && outline.isMaster();
        return outline.key() + "/" + (choice ? "master.m3u8" : rendition.number() + "/" + media);
    }

    private Rendition rendition() {
        List<Rendition> variants = outline.variants();
        return config.quality() == AddonConfig.Quality.SAVER ? variants.get(variants.size() - 1) : variants.get(0);
    }

    private Optional<URI> fallback() {
        return stream.head().flatMap(head -> head.head().fallback());
    }

    private String carried() {
        int relays = ranking.size();
        return relays == 0 ? "" : "\nCarried by " + count(relays, "relay") + ".";
    }

    private static String count(int number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    private static String minutes(Duration length) {
        return length.toMinutes() < 1 ? length.toSeconds() + " s" : Math.round(length.toSeconds() / 60.0) + " min";
    }
}
