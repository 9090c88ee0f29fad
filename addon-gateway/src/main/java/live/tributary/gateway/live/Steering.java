package live.tributary.gateway.live;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.hls.MasterPlaylist;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.StreamKey;

/**
 * The ways by which a player goes on where its playlist stops (HLS content steering): this gateway first, then the viewer's best
 * relays by their own playlists, then the bucket.
 *
 * <p>The master playlist names the gateway's way alone, and the others are clones of it: a player that knows no steering finds
 * an ordinary playlist, without a variant twice. Numbers of chunks are the same everywhere, so a player changes ways in the
 * middle of the stream.
 */
final class Steering {
    /** draft-pantos-content-steering. */
    static final String CONTENT_TYPE = "application/vnd.apple.steering-list";

    static final String SUFFIX = ".json";

    private static final Pattern STEERED = Pattern.compile(
            "(?<![^,])(PATHWAY-ID|STABLE-VARIANT-ID|STABLE-RENDITION-ID)=\"[^\"]*\",?|,(PATHWAY-ID|STABLE-VARIANT-ID|STABLE-RENDITION-ID)=\"[^\"]*\"$");

    private static final String GATEWAY = "gateway";
    private static final String BUCKET = "bucket";
    private static final String RELAY_PREFIX = "relay-";
    /** Of a relay's key in the name of its way. */
    private static final int RELAY_LETTERS = 12;

    private static final int RELAYS = 3;
    /** Seconds until a player asks again: a relay that died is forgotten by then. */
    private static final int TTL = 15;

    private Steering() {}

    /** The master playlist, which names where the ways are listed. */
    static String master(StreamKey stream, List<Rendition> renditions, IntFunction<String> uri, LiveOptions options) {
        String tag =
                "#EXT-X-CONTENT-STEERING:SERVER-URI=\"" + path(stream, options) + "\",PATHWAY-ID=\"" + GATEWAY + "\"";
        return MasterPlaylist.of(
                renditions.stream().map(Steering::withoutOwn).toList(), uri, List.of(tag), Steering::attributes);
    }

    /** The ways, best first. */
    static ObjectNode manifest(
            StreamView stream, List<Rendition> renditions, ChunkSources sources, LiveOptions options) {
        ObjectNode json = Answers.object();
        json.put("VERSION", 1);
        json.put("TTL", TTL);
        json.put("RELOAD-URI", path(stream.key(), options));
        ArrayNode order = json.putArray("PATHWAY-PRIORITY").add(GATEWAY);
        ArrayNode clones = json.putArray("PATHWAY-CLONES");
        for (RankedRelay relay : upToDate(stream, renditions, sources)) {
            String way = RELAY_PREFIX + relay.key().text().substring(0, RELAY_LETTERS);
            order.add(way);
            String base = relay.httpBase() + "/live/" + stream.key().text();
            clones.add(clone(way, renditions, base));
        }
        sources.bucket().ifPresent(base -> {
            order.add(BUCKET);
            clones.add(clone(BUCKET, renditions, base));
        });
        return json;
    }

    private static String path(StreamKey stream, LiveOptions options) {
        return "/steer/" + stream.text() + SUFFIX + options.query();
    }

    /** A feed may have been steered by others: its ways are not ours. */
    private static Rendition withoutOwn(Rendition rendition) {
        String attributes = STEERED.matcher(rendition.attributes()).replaceAll("");
        return new Rendition(rendition.number(), rendition.kind(), attributes);
    }

    private static String attributes(Rendition rendition) {
        return switch (rendition.kind()) {
            case VARIANT -> ",PATHWAY-ID=\"" + GATEWAY + "\",STABLE-VARIANT-ID=\"" + rendition.number() + "\"";
            case AUDIO -> ",STABLE-RENDITION-ID=\"" + rendition.number() + "\"";
        };
    }

    private static ObjectNode clone(String way, List<Rendition> renditions, String base) {
        ObjectNode clone = Answers.object();
        clone.put("BASE-ID", GATEWAY);
        clone.put("ID", way);
        ObjectNode replacement = clone.putObject("URI-REPLACEMENT");
        ObjectNode variants = replacement.putObject("PER-VARIANT-URIS");
        ObjectNode others = Answers.object();
        for (Rendition rendition : renditions) {
            (rendition.kind() == Rendition.Kind.VARIANT ? variants : others)
                    .put(Integer.toString(rendition.number()), base + "/" + rendition.number() + "/live.m3u8");
        }
        if (!others.isEmpty()) {
            replacement.set("PER-RENDITION-URIS", others);
        }
        return clone;
    }

    /** The best relays that hold the newest chunk that this viewer can have: one that lags would set a player back. */
    private static List<RankedRelay> upToDate(StreamView stream, List<Rendition> renditions, ChunkSources sources) {
        List<ChunkRecord> chunks =
                LiveEdge.of(stream, renditions.get(0).number(), sources::url).chunks();
        return chunks.isEmpty() ? List.of() : sources.relays(chunks.get(chunks.size() - 1), RELAYS);
    }
}
