package live.tributary.protocol.tracker;

import java.util.List;
import live.tributary.protocol.stream.InfoHash;

/** A wish to know how large swarms are (BEP 48, BEP 15). */
public record ScrapeRequest(List<InfoHash> infoHashes) {
    /** BEP 15: up to about 74 torrents fit one datagram; the same bound holds for HTTP. */
    public static final int MAX_INFO_HASHES = 74;

    public ScrapeRequest {
        infoHashes = List.copyOf(infoHashes);
        if (infoHashes.isEmpty() || infoHashes.size() > MAX_INFO_HASHES) {
            throw new IllegalArgumentException(
                    "info hashes: " + infoHashes.size() + " (expected: 1.." + MAX_INFO_HASHES + ")");
        }
    }
}
