package live.tributary.protocol.stream;

import java.util.Locale;

/** The container of a chunk's bytes. */
public enum Container {
    /** MPEG-TS, {@code video/mp2t}. */
    TS("video/mp2t"),
    /** Fragmented MP4: an init section followed by one fragment, {@code video/mp4}. */
    MP4("video/mp4");

    private final String mediaType;

    Container(String mediaType) {
        this.mediaType = mediaType;
    }

    /** The name in records and the extension in file names: {@code ts} or {@code mp4}. */
    public String extension() {
        return name().toLowerCase(Locale.ROOT);
    }

    public String mediaType() {
        return mediaType;
    }
}
