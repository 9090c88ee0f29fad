package live.tributary.protocol.tracker;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import live.tributary.protocol.stream.InfoHash;

/** The sizes of those of the asked swarms that the tracker knows. */
public record ScrapeResponse(Map<InfoHash, Counts> swarms) {
    public ScrapeResponse {
        swarms = Collections.unmodifiableMap(new LinkedHashMap<>(swarms));
    }

    /**
     * The size of one swarm.
     *
     * @param seeders peers with the whole torrent
     * @param completed how many clients said that they finished it
     * @param leechers peers without
     */
    public record Counts(int seeders, int completed, int leechers) {
        public static final Counts NONE = new Counts(0, 0, 0);
    }
}
