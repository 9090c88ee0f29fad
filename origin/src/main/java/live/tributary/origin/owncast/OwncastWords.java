package live.tributary.origin.owncast;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.origin.publish.AboutText;
import live.tributary.protocol.bencode.FormatException;

/** Makes a stream's words of Owncast's {@code /api/config} and {@code /api/status}, cut to what an about holds. */
final class OwncastWords {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_NAME = 60;
    private static final int MAX_TITLE = 60;
    private static final int MAX_DESCRIPTION = 1000;
    private static final int MAX_TAGS = 10;
    private static final int MAX_TAG = 16;

    private OwncastWords() {}

    /** @param name what the operator called the stream, where Owncast has no name for it */
    static AboutText read(String name, byte[] config, byte[] status) throws FormatException {
        JsonNode about = object(config);
        JsonNode now = object(status);
        List<String> tags = new ArrayList<>();
        for (JsonNode tag : about.path("tags")) {
            if (tags.size() < MAX_TAGS && !text(tag, MAX_TAG).isEmpty()) {
                tags.add(text(tag, MAX_TAG));
            }
        }
        String named = text(about.path("name"), MAX_NAME);
        return new AboutText(
                named.isEmpty() ? name : named,
                text(now.path("streamTitle"), MAX_TITLE),
                text(about.path("summary"), MAX_DESCRIPTION),
                tags,
                Optional.empty(),
                Optional.empty());
    }

    private static JsonNode object(byte[] json) throws FormatException {
        try {
            JsonNode node = JSON.readTree(new String(json, java.nio.charset.StandardCharsets.UTF_8));
            if (!node.isObject()) {
                throw new FormatException("owncast: no JSON object");
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new FormatException("owncast: not JSON", e);
        }
    }

    /** A text of at most {@code max} characters, whole ones. */
    private static String text(JsonNode node, int max) {
        String text = node.isTextual() ? node.textValue().strip() : "";
        int count = Math.min(max, text.codePointCount(0, text.length()));
        return text.substring(0, text.offsetByCodePoints(0, count));
    }
}
