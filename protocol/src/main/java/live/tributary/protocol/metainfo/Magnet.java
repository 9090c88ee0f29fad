package live.tributary.protocol.metainfo;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import live.tributary.protocol.stream.InfoHash;

/** A magnet link (BEP 9) with its trackers. */
public record Magnet(InfoHash infoHash, String name, List<String> trackers) {
    public Magnet {
        trackers = List.copyOf(trackers);
    }

    @Override
    public String toString() {
        StringBuilder uri = new StringBuilder("magnet:?xt=urn:btih:")
                .append(infoHash.hex())
                .append("&dn=")
                .append(URLEncoder.encode(name, StandardCharsets.UTF_8));
        trackers.forEach(tracker -> uri.append("&tr=").append(URLEncoder.encode(tracker, StandardCharsets.UTF_8)));
        return uri.toString();
    }
}
