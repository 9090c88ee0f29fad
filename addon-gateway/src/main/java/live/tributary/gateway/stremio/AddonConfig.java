package live.tributary.gateway.stremio;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.util.Base64;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import live.tributary.gateway.geo.Region;
import live.tributary.gateway.http.Answers;

/**
 * What a viewer chose on the configure page; it travels in the add-on's path as base64url JSON.
 *
 * @param p2p whether entries that are torrents are wanted
 * @param region where he says that he is
 * @param quality which rendition the live entries name
 * @param server where his Stremio's streaming server answers
 * @param ownRelay his own relay's address, if he runs one
 */
public record AddonConfig(
        Device device,
        boolean p2p,
        Optional<Region> region,
        Quality quality,
        Optional<URI> server,
        Optional<URI> ownRelay) {
    /** The longest config in a path, characters. */
    public static final int MAX_ENCODED = 600;

    public static final AddonConfig DEFAULT =
            new AddonConfig(Device.ANY, true, Optional.empty(), Quality.AUTO, Optional.empty(), Optional.empty());

    private static final int MAX_URL = 200;
    private static final Set<String> KEYS = Set.of("d", "p", "r", "q", "s", "o");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** Which rendition is asked for. */
    public enum Quality {
        /** The player decides. */
        AUTO,
        BEST,
        SAVER
    }

    /** Empty where the text is no config of this version. */
    public static Optional<AddonConfig> decode(String encoded) {
        if (encoded.isEmpty() || encoded.length() > MAX_ENCODED) {
            return Optional.empty();
        }
        try {
            JsonNode json = MAPPER.readTree(Base64.getUrlDecoder().decode(encoded));
            return json != null && json.isObject() ? Optional.of(read(json)) : Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty(); // Not base64url, not JSON, or a value that is none: the caller answers 400.
        }
    }

    /** Whether windows are offered as torrents. */
    boolean replays() {
        return p2p && device.entries().contains(Device.Entry.REPLAY);
    }

    public String encode() {
        ObjectNode json = Answers.object();
        json.put("d", device.id());
        if (!p2p) {
            json.put("p", false);
        }
        region.ifPresent(value -> json.put("r", value.id()));
        if (quality != Quality.AUTO) {
            json.put("q", quality.name().toLowerCase(Locale.ROOT));
        }
        server.ifPresent(value -> json.put("s", value.toString()));
        ownRelay.ifPresent(value -> json.put("o", value.toString()));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Answers.bytes(json));
    }

    private static AddonConfig read(JsonNode json) {
        for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!KEYS.contains(name)) {
                throw new IllegalArgumentException("config: " + name + " (expected: one of " + KEYS + ")");
            }
        }
        return new AddonConfig(
                text(json, "d")
                        .map(id -> Device.of(id).orElseThrow(() -> wrong("d", id)))
                        .orElse(Device.ANY),
                json.path("p").asBoolean(true),
                text(json, "r").map(id -> Region.of(id).orElseThrow(() -> wrong("r", id))),
                text(json, "q")
                        .map(id -> Quality.valueOf(id.toUpperCase(Locale.ROOT)))
                        .orElse(Quality.AUTO),
                text(json, "s").map(url -> http("s", url)),
                text(json, "o").map(url -> http("o", url)));
    }

    private static Optional<String> text(JsonNode json, String key) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            return Optional.empty();
        }
        if (!value.isTextual()) {
            throw wrong(key, value.toString());
        }
        return Optional.of(value.textValue());
    }

    private static URI http(String key, String url) {
        URI uri = URI.create(url.replaceAll("/+$", ""));
        boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
        if (url.length() > MAX_URL || !http || uri.getHost() == null || uri.getRawQuery() != null) {
            throw wrong(key, url);
        }
        return uri;
    }

    private static IllegalArgumentException wrong(String key, String value) {
        return new IllegalArgumentException("config: " + key + "=" + value + " (expected: what /configure makes)");
    }
}
