package live.tributary.gateway.stremio;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Function;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.live.ChunkSources;
import live.tributary.gateway.live.HeldWindow;
import live.tributary.gateway.live.LiveOptions;
import live.tributary.gateway.live.PastPlaylist;
import live.tributary.gateway.live.ReplayWindow;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.PreparedAnswer;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.metainfo.WindowTorrent;
import live.tributary.protocol.stream.Rendition;
import org.jspecify.annotations.Nullable;

/**
 * The stream list of one stream for those who have one config and reach the gateway by one URL: they differ in the relays that are named,
 * and in little else, so that the words between are written once.
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

    private static final byte[] GAP = ascii(GAP_TEXT);
    private static final byte[] FIRST_SOURCE = ascii("[\"tracker:");
    private static final byte[] NEXT_SOURCE = ascii("\",\"tracker:");
    private static final byte[] END_OF_SOURCES = ascii("\"]");
    private static final int MAX_TEMPLATES = 16;

    private static final PreparedAnswer.Head PERSONAL = head(Answers.personal(MAX_AGE));
    private static final PreparedAnswer.Head UNKEPT = head(Answers.NO_STORE);

    private final Outline outline;
    private final StreamView stream;
    private final Optional<Episode> episode;
    private final String base;
    private final AddonConfig config;
    private final LiveOptions options;
    private final Rendition rendition;
    private final Outline.OfRendition known;
    private final boolean wantsHybrid;
    private final boolean wantsReplay;
    private volatile Template[] templates = {};

    /**
     * @param episode of the past; empty for the stream itself
     * @param before what was said of the same episode to who had the same config: its words are good as long as nothing changes them
     */
    Streams(Outline outline, Optional<Episode> episode, AddonConfig config, String base, @Nullable Streams before) {
        this.outline = outline;
        this.stream = outline.stream();
        this.episode = episode;
        this.base = base;
        this.config = config;
        this.options = new LiveOptions(
                config.region(),
                config.device().nativePlayer() && base.startsWith("https:"),
                config.server().orElse(LiveOptions.USUAL_SERVER));
        List<Rendition> variants = outline.variants();
        this.rendition = variants.get(config.quality() == AddonConfig.Quality.SAVER ? variants.size() - 1 : 0);
        this.known = outline.of(rendition);
        this.wantsHybrid = wants(Device.Entry.HYBRID);
        this.wantsReplay = wants(Device.Entry.REPLAY);
        if (before != null && hasWordsOf(before)) {
            templates = before.templates;
        }
    }

    private boolean hasWordsOf(Streams before) {
        return base.equals(before.base)
                && rendition.equals(before.rendition)
                && outline.live() == before.outline.live()
                && outline.isMaster() == before.outline.isMaster()
                && outline.title().equals(before.outline.title())
                && outline.fallback().equals(before.outline.fallback())
                && known.quality().equals(before.known.quality())
                && known.fresh() == before.known.fresh()
                && known.stored() == before.known.stored();
    }

    private static PreparedAnswer.Head head(String cacheControl) {
        return new PreparedAnswer.Head(200, Map.of("content-type", Answers.JSON, "cache-control", cacheControl));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Whether this is what was known then, for those who come by this URL. */
    boolean isOf(Outline wanted, String wantedBase) {
        return outline == wanted && base.equals(wantedBase);
    }

    private boolean wants(Device.Entry entry) {
        return config.device().entries().contains(entry) && (config.p2p() || !entry.isTorrent());
    }

    /** An entry of the list, yet to be written. */
    private interface Entry {
        void write(JsonGenerator json) throws IOException;
    }

    /** All that the words depend on, besides what is the same for all viewers: what is offered to this one, and from how many relays. */
    private record Offer(
            Viewer viewer, Ranking ranking, boolean live, boolean hybrid, Optional<ReplayWindow> replay, int relays) {}

    /** An answer around the place where relays are named; nothing at all where nothing plays. */
    private record Template(
            boolean live,
            boolean hybrid,
            Optional<Torrent> replay,
            int named,
            int relays,
            byte[] before,
            byte[] after) {
        boolean isOf(Offer offer) {
            boolean sameReplay = offer.replay.isPresent()
                    ? replay.isPresent()
                            && replay.get() == offer.replay.get().window().torrent()
                            && named == offer.replay.get().relays().size()
                    : replay.isEmpty();
            return live == offer.live && hybrid == offer.hybrid && relays == offer.relays && sameReplay;
        }
    }

    /** The answer to one viewer; one that only explains why nothing plays is for no cache to keep. */
    HttpAnswer answer(Viewer visitor, Function<Viewer, Ranking> ranking, Instant now) {
        Viewer viewer = options.apply(visitor);
        Offer offer = offer(viewer, ranking.apply(viewer));
        if (episode.isPresent()) {
            List<Entry> entries = past(episode.get(), offer, now);
            return entries.isEmpty() ? explained(offer, now) : PERSONAL.answer(json(entries, MAX_AGE));
        }
        Template template = template(offer);
        if (template.before.length == 0) {
            return explained(offer, now);
        }
        return offer.replay.isEmpty() ? PERSONAL.answer(template.before) : answer(template, offer.replay.get());
    }

    private static HttpAnswer answer(Template template, ReplayWindow replay) {
        List<RankedRelay> relays = replay.relays();
        byte[][] parts = new byte[4 * relays.size() + 3][];
        parts[0] = template.before;
        int at = 1;
        for (RankedRelay relay : relays) {
            parts[at++] = at == 2 ? FIRST_SOURCE : NEXT_SOURCE;
            parts[at++] = relay.httpTrackerAscii();
        }
        for (RankedRelay relay : relays) {
            parts[at++] = NEXT_SOURCE;
            parts[at++] = relay.udpTrackerAscii();
        }
        parts[at++] = END_OF_SOURCES;
        parts[at] = template.after;
        return PERSONAL.answer(parts);
    }

    private Offer offer(Viewer viewer, Ranking ranking) {
        int newest = episode.isPresent() ? -1 : newestChunk(ranking);
        return new Offer(
                viewer,
                ranking,
                newest >= 0,
                newest >= 0 && wantsHybrid && ranking.enough(known.holding().get(newest)),
                episode.isEmpty() && wantsReplay ? ReplayWindow.first(known.windows(), ranking) : Optional.empty(),
                ranking.size());
    }

    /** The newest chunk that this viewer can have, of a stream that is live: its place; below zero where there is none. */
    private int newestChunk(Ranking ranking) {
        if (!outline.live() || !known.fresh()) {
            return -1;
        }
        int at = known.newest().size() - 1;
        while (at >= 0
                && !ranking.any(known.holding().get(at))
                && !sources(ranking).any(known.newest().get(at))) {
            at--;
        }
        return at;
    }

    private ChunkSources sources(Ranking ranking) {
        return new ChunkSources(stream, ranking, outline.holders());
    }

    private HttpAnswer explained(Offer offer, Instant now) {
        return UNKEPT.answer(json(List.of(explanation(offer, now)), Duration.ZERO));
    }

    /** What was written in these words before; of all that may be offered only so much is kept. */
    private Template template(Offer offer) {
        Template[] all = templates;
        for (Template each : all) {
            if (each.isOf(offer)) {
                return each;
            }
        }
        Template written = written(offer);
        if (all.length < MAX_TEMPLATES) {
            Template[] more = Arrays.copyOf(all, all.length + 1);
            more[all.length] = written;
            templates = more; // Another thread's may be lost, and is written once more.
        }
        return written;
    }

    private Template written(Offer offer) {
        List<Entry> entries = new ArrayList<>();
        ownRelay().ifPresent(entries::add);
        for (Device.Entry entry : config.device().entries()) {
            if (wants(entry)) {
                entry(entry, offer).ifPresent(entries::add);
            }
        }
        byte[] json = entries.isEmpty() ? NOTHING : json(entries, MAX_AGE);
        int gap = indexOf(json, GAP);
        return new Template(
                offer.live,
                offer.hybrid,
                offer.replay.map(replay -> replay.window().torrent()),
                offer.replay.map(replay -> replay.relays().size()).orElse(0),
                offer.relays,
                gap < 0 ? json : Arrays.copyOf(json, gap),
                gap < 0 ? NOTHING : Arrays.copyOfRange(json, gap + GAP.length, json.length));
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
    private static String names(List<RankedRelay> relays) {
        StringJoiner names = new StringJoiner("\",\"tracker:", "[\"tracker:", "\"]");
        relays.forEach(relay -> names.add(relay.httpTracker()));
        relays.forEach(relay -> names.add(relay.udpTracker()));
        return names.toString();
    }

    private Optional<Entry> entry(Device.Entry entry, Offer offer) {
        return switch (entry) {
            case LIVE -> live(offer);
            case HYBRID -> hybrid(offer);
            case REPLAY -> replay(offer);
            case BUCKET -> bucket(offer);
        };
    }

    private Optional<Entry> live(Offer offer) {
        String url = base + "/live/" + playlist() + options.query();
        return offer.live
                ? Optional.of(hls("Live", url, "Plays everywhere. " + known.quality() + carried(offer), "live"))
                : Optional.empty();
    }

    private Optional<Entry> hybrid(Offer offer) {
        String url = base + "/hybrid/" + playlist() + options.query();
        return offer.hybrid
                ? Optional.of(hls(
                        "Live P2P",
                        url,
                        "By BitTorrent through your own Stremio. " + known.quality() + carried(offer),
                        "p2p"))
                : Optional.empty();
    }

    /** Its relays are put in later: whose words are the same may be sent to others. */
    private Optional<Entry> replay(Offer offer) {
        return offer.replay.map(window -> {
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
    private List<Entry> past(Episode wanted, Offer offer, Instant now) {
        List<Entry> entries = new ArrayList<>();
        if (isPlaylist(wanted, offer, now)) {
            String url = base + PastPlaylist.path(stream, rendition.number(), wanted.start()) + options.query();
            entries.add(hls(wanted.title(), url, "Plays everywhere, from its beginning.", DVR));
        }
        if (config.replays() && !wanted.end().isAfter(now)) {
            ReplayWindow.first(
                            HeldWindow.of(
                                    stream,
                                    Dvr.windows(stream, rendition.number(), wanted).stream()
                                            .map(StreamView.Window::torrent),
                                    outline.holders()),
                            offer.ranking)
                    .map(window -> torrent(
                            window,
                            names(window.relays()),
                            wanted.title() + " P2P",
                            "By BitTorrent, from " + count(window.relays().size(), "relay") + ".",
                            DVR))
                    .ifPresent(window -> entries.add(config.device() == Device.DESKTOP ? 0 : entries.size(), window));
        }
        return entries;
    }

    private boolean isPlaylist(Episode wanted, Offer offer, Instant now) {
        if (outline.live() && wanted.end().isAfter(now)) {
            return !wanted.start().isAfter(now.plus(Episode.LENGTH));
        }
        return PastPlaylist.of(stream, rendition.number(), wanted.start(), sources(offer.ranking)::url, now)
                .isPresent();
    }

    private Optional<Entry> bucket(Offer offer) {
        // The origin says what it has stored: a bucket that takes nothing any more is none.
        return outline.live() && known.fresh() && known.stored()
                ? outline.fallback()
                        .filter(offer.ranking::takes)
                        .map(url -> hls(
                                "Fallback",
                                url + "/master.m3u8",
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

    private Entry explanation(Offer offer, Instant now) {
        return json -> {
            json.writeStartObject();
            named(json, "Not now", why(offer, now));
            json.writeStringField("externalUrl", base + "/watch/" + stream.key().text());
            json.writeEndObject();
        };
    }

    private String why(Offer offer, Instant now) {
        if (episode.isPresent()) {
            return episode.get().end().isAfter(now) ? "Not broadcast yet." : "No relay in reach holds it whole.";
        }
        if (!outline.live()) {
            return outline.facts().state(now) + ". Nothing is kept to replay.";
        }
        if (!known.fresh()) {
            return "Nothing new has come from the broadcaster for a while. Try again in a moment.";
        }
        return offer.viewer.tlsOnly() && !offer.ranking.leftOut().isEmpty()
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

    /** The master playlist where the player is to choose among several, else the one rendition's. */
    private String playlist() {
        boolean choice = config.quality() == AddonConfig.Quality.AUTO && outline.isMaster();
        return outline.key() + "/" + (choice ? "master.m3u8" : rendition.number() + "/live.m3u8");
    }

    private static String carried(Offer offer) {
        return offer.relays == 0 ? "" : "\nCarried by " + count(offer.relays, "relay") + ".";
    }

    private static String count(int number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    private static String minutes(Duration length) {
        return length.toMinutes() < 1 ? length.toSeconds() + " s" : Math.round(length.toSeconds() / 60.0) + " min";
    }
}
