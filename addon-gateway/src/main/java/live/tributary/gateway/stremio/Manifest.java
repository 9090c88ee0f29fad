package live.tributary.gateway.stremio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import live.tributary.gateway.http.Answers;
import live.tributary.protocol.stream.StreamKey;

/**
 * The add-on's manifest.
 *
 * <p>Clients keep it as it was when they installed the add-on, so all resources are there from the first day: without
 * {@code meta} a client never asks for streams. The resources are plain strings, because the object form inherits neither types
 * nor idPrefixes.
 */
final class Manifest {
    /** What the add-on collection takes, bytes. */
    static final int MAX_BYTES = 8192;

    static final String TYPE = "tv";
    static final String CATALOG = "live-streams";
    /** The one genre that is not a tag. */
    static final String LIVE_NOW = "Live now";

    private static final int MAX_GENRE_BYTES = 4096;
    private static final List<String> RESOURCES = List.of("catalog", "meta", "stream");

    private Manifest() {}

    /** @param tags of the listed streams: the genres to choose from, besides {@link #LIVE_NOW} */
    static ObjectNode of(AddonIdentity identity, Collection<String> tags, String base) {
        ObjectNode manifest = Answers.object();
        manifest.put("id", identity.id());
        manifest.put("version", identity.version());
        manifest.put("name", identity.name());
        manifest.put(
                "description",
                "Live streams carried by a community of relays: by BitTorrent where it plays, by plain HLS everywhere.");
        manifest.put("logo", base + "/web/logo.png");
        RESOURCES.forEach(manifest.putArray("resources")::add);
        manifest.putArray("types").add(TYPE);
        manifest.putArray("idPrefixes").add(StreamKey.URI_PREFIX);
        ObjectNode catalog = manifest.putArray("catalogs").addObject();
        catalog.put("type", TYPE);
        catalog.put("id", CATALOG);
        catalog.put("name", identity.name());
        ArrayNode extra = catalog.putArray("extra");
        extra.addObject().put("name", "search");
        ArrayNode options = extra.addObject().put("name", "genre").putArray("options");
        options.add(LIVE_NOW);
        genres(tags).forEach(options::add);
        extra.addObject().put("name", "skip");
        ObjectNode hints = manifest.putObject("behaviorHints");
        hints.put("p2p", true);
        hints.put("configurable", true);
        return manifest;
    }

    /** As many of the tags as leave the manifest well within its limit. */
    private static List<String> genres(Collection<String> tags) {
        List<String> genres = new ArrayList<>();
        int bytes = 0;
        for (String tag : new TreeSet<>(tags)) {
            bytes += Answers.bytes(TextNode.valueOf(tag)).length + 1;
            if (bytes > MAX_GENRE_BYTES) {
                break;
            }
            genres.add(tag);
        }
        return genres;
    }
}
