package live.tributary.gateway.stremio;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Where somebody watches, which decides what plays there. */
public enum Device {
    /** Not told: what plays everywhere, first. */
    ANY("Not sure", false, List.of(Entry.LIVE, Entry.REPLAY, Entry.BUCKET)),
    DESKTOP("Desktop app", true, List.of(Entry.HYBRID, Entry.LIVE, Entry.REPLAY, Entry.BUCKET)),
    ANDROID("Android phone or TV", true, List.of(Entry.LIVE, Entry.HYBRID, Entry.REPLAY, Entry.BUCKET)),
    FIRE_TV("Fire TV", true, List.of(Entry.LIVE, Entry.HYBRID, Entry.REPLAY, Entry.BUCKET)),
    APPLE("iPhone, iPad or Apple TV", false, List.of(Entry.LIVE, Entry.BUCKET)),
    TV("Samsung or LG TV", false, List.of(Entry.LIVE, Entry.BUCKET)),
    BROWSER("Browser", false, List.of(Entry.LIVE, Entry.BUCKET));

    /** A kind of source; each is an entry of its own, because one stream object cannot carry two. */
    enum Entry {
        /** The gateway's live playlist. */
        LIVE,
        /** The live playlist whose segments are torrents of the viewer's own streaming server. */
        HYBRID,
        /** The newest window as a torrent. */
        REPLAY,
        /** The bucket's own playlist. */
        BUCKET;

        boolean isTorrent() {
            return this == HYBRID || this == REPLAY;
        }
    }

    private final String title;
    private final boolean nativePlayer;
    private final List<Entry> entries;

    Device(String title, boolean nativePlayer, List<Entry> entries) {
        this.title = title;
        this.nativePlayer = nativePlayer;
        this.entries = entries;
    }

    public String title() {
        return title;
    }

    /** As it stands in a config: {@code fire-tv}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether its player takes plain http although the add-on came by https. */
    boolean nativePlayer() {
        return nativePlayer;
    }

    /** What plays there, best first. */
    List<Entry> entries() {
        return entries;
    }

    static Optional<Device> of(String id) {
        return Arrays.stream(values()).filter(device -> device.id().equals(id)).findFirst();
    }
}
